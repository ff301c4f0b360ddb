// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/exception.h"

#include "py/attribute.h"
#include "py/stack_frame.h"

#include <inttypes.h>

static addr_t optional(struct py_reader *r, const struct py_object *o, enum field_id f)
{
	return layout_has(r->layout, f) ? object_u64(r, o, f) : 0;
}

static bool open_exception(struct py_reader *r, addr_t addr, struct py_object *ret)
{
	return addr && py_object_open(r, addr, ret) && type_has_flag(ret->type, TPFLAG_BASE_EXC) &&
	       ret->type->family == &family_exception;
}

bool is_exception(struct py_reader *r, addr_t addr)
{
	struct py_object o;

	return open_exception(r, addr, &o);
}

// Of `n` items that an object claims, those whose memory is there: its length is a loop's bound.
static uint64_t items_there(struct py_reader *r, addr_t owner, addr_t items, uint64_t n)
{
	const uint64_t most = u64_min(n, r->py->mem->bytes / 8);
	const uint64_t there = mem_readable(r->py->mem, items, most * 8) / 8;

	if (there < n)
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, owner);
	return there;
}

addr_t sequence_item(struct py_reader *r, addr_t addr, uint64_t i, uint64_t *ret_n)
{
	struct py_object o;
	addr_t items;
	uint64_t n;

	if (ret_n)
		*ret_n = 0;
	if (!addr || !py_object_open(r, addr, &o))
		return 0;
	if (o.type->family == &family_tuple)
		items = addr + layout_off(r->layout, F_TUPLE_ITEM);
	else if (o.type->family == &family_list)
		items = object_u64(r, &o, F_LIST_ITEM);
	else
		return 0;
	n = py_var_size(r, &o);
	if (ret_n)
		*ret_n = items_there(r, addr, items, n);
	return i < n && i < r->py->mem->bytes / 8 ? py_read_ptr(r, items + i * 8, addr) : 0;
}

// -- what it says

static bool is_derived_from(const struct py_type *t, const char *name)
{
	for (; t; t = t->base) {
		const char *dot = strrchr(t->name, '.');

		if (strcmp(dot ? dot + 1 : t->name, name) == 0)
			return true;
	}
	return false;
}

// str() of an object: text without quotes, all else as its repr.
static void add_str(struct py_reader *r, addr_t addr, struct strbuf *out)
{
	bool cut = false;

	if (r->py->redact || !text_append(r, addr, LIM_NAME_BYTES, out, &cut))
		py_repr(r, addr, out);
	if (cut)
		strbuf_puts(out, "…");
}

// "[Errno 2] No such file or directory: 'name'"
static bool add_os_error(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	addr_t number, reason, file;

	if (!layout_has(r->layout, F_OSE_ERRNO) ||
	    !(is_derived_from(o->type, "OSError") ||
	      is_derived_from(o->type, "EnvironmentError")) ||
	    o->n < r->layout->struct_size[S_PyOSErrorObject])
		return false;
	number = object_u64(r, o, F_OSE_ERRNO);
	reason = optional(r, o, F_OSE_STRERROR);
	file = optional(r, o, F_OSE_FILENAME);
	if (!number || !reason || number == r->py->none)
		return false;
	strbuf_puts(out, "[Errno ");
	py_repr(r, number, out);
	strbuf_puts(out, "] ");
	add_str(r, reason, out);
	if (file && file != r->py->none) {
		strbuf_puts(out, ": ");
		py_repr(r, file, out);
	}
	return true;
}

static bool is_group(struct py_reader *r, const struct py_object *o)
{
	return layout_has(r->layout, F_EXG_MSG) && layout_has(r->layout, F_EXG_EXCS) &&
	       is_derived_from(o->type, "BaseExceptionGroup") &&
	       o->n >= r->layout->struct_size[S_PyBaseExceptionGroupObject];
}

static bool add_group(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	uint64_t n;

	if (!is_group(r, o))
		return false;
	add_str(r, object_u64(r, o, F_EXG_MSG), out);
	(void)sequence_item(r, object_u64(r, o, F_EXG_EXCS), 0, &n); // its length is wanted
	strbuf_printf(out, " (%" PRIu64 " sub-exception%s)", n, n == 1 ? "" : "s");
	return true;
}

static void add_message(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const addr_t args = object_u64(r, o, F_EXC_ARGS);
	const addr_t first = sequence_item(r, args, 0, NULL);
	uint64_t n;

	if (add_os_error(r, o, out) || add_group(r, o, out))
		return;
	(void)sequence_item(r, args, 0, &n); // its length is wanted
	if (n == 1 && first && is_derived_from(o->type, "KeyError"))
		py_repr(r, first, out);
	else if (n == 1 && first)
		add_str(r, first, out);
	else if (n)
		py_repr(r, args, out);
}

bool exception_text(struct py_reader *r, addr_t exception, struct strbuf *out)
{
	struct strbuf message = {0};
	const char *name;
	struct py_object o;

	if (!open_exception(r, exception, &o))
		return false;
	name = o.type->name;
	if (strncmp(name, "exceptions.", 11) == 0) // the builtins of 2.7
		name += 11;
	strbuf_puts(out, name);
	add_message(r, &o, &message);
	if (message.n)
		strbuf_printf(out, ": %s", message.data);
	out->failed |= message.failed;
	strbuf_done(&message);
	return true;
}

// -- what led to it

bool exception_links(struct py_reader *r, addr_t exception, struct exception_links *ret)
{
	struct py_object o;

	*ret = (struct exception_links){0};
	if (!open_exception(r, exception, &o))
		return false;
	ret->traceback = optional(r, &o, F_EXC_TRACEBACK);
	ret->cause = optional(r, &o, F_EXC_CAUSE);
	if (!optional(r, &o, F_EXC_SUPPRESS))
		ret->context = optional(r, &o, F_EXC_CONTEXT);
	ret->notes = instance_attribute(r, exception, "__notes__");
	if (is_group(r, &o))
		ret->group = object_u64(r, &o, F_EXG_EXCS);
	return true;
}

// -- tracebacks

bool traceback_read(struct py_reader *r, addr_t addr, struct traceback_entry *ret)
{
	const struct layout *l = r->layout;
	struct stack_frame f;
	struct py_object o;
	int64_t line;

	if (!addr || !py_object_open(r, addr, &o) || o.type->family != &family_traceback)
		return false;
	*ret = (struct traceback_entry){
		.next = object_u64(r, &o, F_TB_NEXT),
		.frame_object = object_u64(r, &o, F_TB_FRAME),
		.at = {-1, -1, -1, -1},
	};
	if (!stack_frame_of_object(r, ret->frame_object, &f))
		return true;
	ret->code = f.code;
	line = field_i64(l, F_TB_LINENO, o.p);
	// From 3.11 on the line is often worked out only when asked for.
	(void)code_position_at(r, f.code, field_i64(l, F_TB_LASTI, o.p), &ret->at); // or none
	if (line > 0 && line != ret->at.line)
		ret->at = (struct code_position){(int32_t)line, -1, -1, -1};
	return true;
}
