// SPDX-License-Identifier: GPL-2.0-or-later
// What types are called: module.qualname, as Python programmers write it.
#include "py/raw_type.h"
#include "py/type_shape.h"
#include "py/without_tables.h"

#include <stdio.h>

static const char *without_builtins(const char *name)
{
	if (strncmp(name, "builtins.", 9) == 0)
		return name + 9;
	if (strncmp(name, "__builtin__.", 12) == 0)
		return name + 12;
	return name;
}

static bool heap_type_name(struct py_reader *r, const struct raw_type *t, const char *tp_name,
			   struct strbuf *out);

// Its text lies in a file that is not here, or it is not one.
static void recover_name(struct py_reader *r, const struct raw_type *t, char *buf, uint64_t cap)
{
	const bool is_heap = raw_u64(r, t, F_TP_FLAGS) >> TPFLAG_HEAPTYPE & 1;
	struct strbuf name = {0};
	enum name_origin origin = NAME_UNKNOWN;

	if (is_heap && heap_type_name(r, t, "", &name) && name.n && !name.failed) {
		(void)snprintf(buf, cap, "%s", without_builtins(name.data)); // cut: still a name
		strbuf_done(&name);
		return;
	}
	strbuf_done(&name);
	if (!is_heap)
		origin = type_shape_name(r, t, buf, cap);
	if (origin == NAME_UNKNOWN) {
		(void)snprintf(buf, cap, "<type 0x%llx>", (unsigned long long)t->addr);
		damage_note(&r->damage, DAMAGE_BAD_NAME, t->addr);
	} else if (origin != NAME_OF_BUILTIN) {
		damage_note(&r->damage, DAMAGE_GUESSED_NAME, t->addr);
	}
}

void type_tp_name(struct py_reader *r, const struct raw_type *t, char *buf, uint64_t cap)
{
	if (mem_read_cstr(r->py->mem, raw_u64(r, t, F_TP_NAME), buf, cap) < 0 || !*buf) {
		recover_name(r, t, buf, cap);
	}
}

// Whether a text is expected at `object`, and something else is there.
static bool is_no_text(struct py_reader *r, addr_t object)
{
	uint64_t type, flags;

	return mem_read_u64(r->py->mem, object + layout_off(r->layout, F_OB_TYPE), &type) == 0 &&
	       mem_read_u64(r->py->mem, type + layout_off(r->layout, F_TP_FLAGS), &flags) == 0 &&
	       !(flags >> TPFLAG_UNICODE & 1) && !(flags >> TPFLAG_BYTES & 1);
}

// That a namespace has no such name can only be told where all of its names can be read.
static bool is_readable(struct py_reader *r, addr_t dict)
{
	struct strbuf name = {0};
	struct dict_iter it;
	struct dict_item item;
	bool ok = dict_iter_init_at(&it, r, dict) && it.n <= LIM_NAMESPACE;

	while (ok && dict_iter_next(&it, &item)) {
		name.n = 0;
		ok = text_append(r, item.key, 1, &name, NULL) || is_no_text(r, item.key);
	}
	strbuf_done(&name);
	return ok;
}

// Append the module's name and a dot; "?." where it cannot be read.
static void add_module(struct py_reader *r, addr_t owner, addr_t dict, const char *otherwise,
		       uint64_t otherwise_n, struct strbuf *out)
{
	const addr_t module = dict_lookup(r, dict, "__module__");
	const uint64_t before = out->n;

	if (module && text_append(r, module, LIM_NAME_BYTES, out, NULL)) {
		strbuf_putc(out, '.'); // a module may be called ""
		return;
	}
	out->n = before;
	if (!otherwise_n && !without_class_names(r->layout) &&
	    (module ? !is_no_text(r, module) : !is_readable(r, dict))) {
		damage_note(&r->damage, DAMAGE_BAD_NAME, owner);
		strbuf_puts(out, "?.");
	} else if (otherwise_n) {
		strbuf_add(out, otherwise, otherwise_n);
		strbuf_putc(out, '.');
	}
}

static bool heap_type_name(struct py_reader *r, const struct raw_type *t, const char *tp_name,
			   struct strbuf *out)
{
	const struct layout *l = r->layout;
	const enum field_id name = layout_has(l, F_HT_QUALNAME) ? F_HT_QUALNAME : F_HT_NAME;
	const char *dot = strrchr(tp_name, '.');
	addr_t qualname;

	add_module(r, t->addr, raw_u64(r, t, F_TP_DICT), tp_name,
		   dot ? (uint64_t)(dot - tp_name) : 0, out);
	if (mem_read_u64(r->py->mem, t->addr + layout_off(l, name), &qualname) < 0)
		return false;
	return text_append(r, qualname, LIM_NAME_BYTES, out, NULL);
}

const char *type_full_name(struct py_reader *r, const struct raw_type *t, const char *tp_name)
{
	const bool is_heap = raw_u64(r, t, F_TP_FLAGS) >> TPFLAG_HEAPTYPE & 1;
	struct strbuf text = {0};
	const char *name = NULL;

	if (is_heap && heap_type_name(r, t, tp_name, &text) && text.n && !text.failed) {
		name = arena_strdup(&r->py->arena, without_builtins(text.data));
	} else if (is_heap && !strpbrk(tp_name, ".<") && !without_class_names(r->layout)) {
		damage_note(&r->damage, DAMAGE_BAD_NAME, t->addr);
		name = arena_printf(&r->py->arena, "?.%s", tp_name);
	} else {
		name = arena_strdup(&r->py->arena, without_builtins(tp_name));
	}
	strbuf_done(&text);
	return name;
}

const char *class27_name(struct py_reader *r, addr_t cls)
{
	const struct layout *l = r->layout;
	struct strbuf text = {0};
	const char *name = NULL;
	addr_t dict, cl_name;

	if (mem_read_u64(r->py->mem, cls + layout_off(l, F_CL_DICT), &dict) == 0 &&
	    mem_read_u64(r->py->mem, cls + layout_off(l, F_CL_NAME), &cl_name) == 0) {
		add_module(r, cls, dict, "", 0, &text);
		if (text_append(r, cl_name, LIM_NAME_BYTES, &text, NULL) && text.n && !text.failed)
			name = arena_strdup(&r->py->arena, without_builtins(text.data));
	}
	strbuf_done(&text);
	return name;
}
