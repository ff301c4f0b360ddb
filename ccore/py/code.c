// SPDX-License-Identifier: GPL-2.0-or-later
// Code objects: what they are called, their locals' names, how many slots a frame needs.
#include "py/families.h"

// A view of the code object at `addr`, or NULL when it is none.
static const uint8_t *code_get(struct py_reader *r, addr_t addr, struct py_object *scratch)
{
	if (!addr || !py_object_open(r, addr, scratch) || scratch->type->family != &family_code)
		return NULL;
	return scratch->p;
}

static addr_t tuple_item(struct py_reader *r, addr_t tuple, uint64_t i)
{
	if (i >= tuple_length(r, tuple))
		return 0;
	return py_read_ptr(r, tuple + layout_off(r->layout, F_TUPLE_ITEM) + i * 8, tuple);
}

bool code_slots(struct py_reader *r, addr_t code, uint64_t *ret_locals, uint64_t *ret_stack)
{
	const struct layout *l = r->layout;
	struct py_object o;
	const uint8_t *p = code_get(r, code, &o);

	if (!p)
		return false;
	*ret_stack = field_u64(l, F_CO_STACKSIZE, p);
	if (layout_has(l, F_CO_NLOCALSPLUS))
		*ret_locals = field_u64(l, F_CO_NLOCALSPLUS, p);
	else if (!u64_add(field_u64(l, F_CO_NLOCALS, p),
			  tuple_length(r, field_u64(l, F_CO_CELLVARS, p)), ret_locals) ||
		 !u64_add(*ret_locals, tuple_length(r, field_u64(l, F_CO_FREEVARS, p)), ret_locals))
		return false;
	return *ret_locals < LIM_FRAME_SLOTS && *ret_stack < LIM_FRAME_SLOTS;
}

bool code_is_generator(struct py_reader *r, addr_t code)
{
	enum { CO_GENERATOR = 0x20, CO_COROUTINE = 0x80, CO_ASYNC_GENERATOR = 0x200 };
	struct py_object o;
	const uint8_t *p = code_get(r, code, &o);

	return p && layout_has(r->layout, F_CO_FLAGS) &&
	       field_u64(r->layout, F_CO_FLAGS, p) &
		       (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR);
}

// Name object of slot `i`: before 3.11 the slots are locals, then cells, then free variables.
static addr_t slot_name(struct py_reader *r, const uint8_t *code, uint64_t i)
{
	static const enum field_id groups[] = {F_CO_VARNAMES, F_CO_CELLVARS, F_CO_FREEVARS};
	const struct layout *l = r->layout;

	if (layout_has(l, F_CO_LOCALSPLUSNAMES))
		return tuple_item(r, field_u64(l, F_CO_LOCALSPLUSNAMES, code), i);
	for (unsigned g = 0; g < 3; g++) {
		const addr_t names = field_u64(l, groups[g], code);
		const uint64_t n = g ? tuple_length(r, names) : field_u64(l, F_CO_NLOCALS, code);

		if (i < n)
			return tuple_item(r, names, i);
		i -= n;
	}
	return 0;
}

// Bits of co_localspluskinds: Include/internal/pycore_code.h.
enum { KIND_HIDDEN = 0x10, KIND_CELL = 0x40, KIND_FREE = 0x80 };

static unsigned slot_kind(struct py_reader *r, const uint8_t *code, uint64_t i)
{
	const struct layout *l = r->layout;
	struct py_object o;
	uint8_t kind = 0;

	if (!layout_has(l, F_CO_LOCALSPLUSKINDS))
		return i >= field_u64(l, F_CO_NLOCALS, code) ? KIND_CELL : 0;
	if (py_object_open(r, field_u64(l, F_CO_LOCALSPLUSKINDS, code), &o) &&
	    o.type->family == &family_bytes && i < py_var_size(r, &o))
		(void)mem_read(r->py->mem, o.addr + layout_off(l, F_BYTES_SVAL) + i, &kind,
			       1); // unreadable: as a plain local
	return kind;
}

bool code_slot(struct py_reader *r, addr_t code, uint64_t i, struct code_slot *ret)
{
	struct py_object o;
	const uint8_t *p = code_get(r, code, &o);
	unsigned kind;

	if (!p)
		return false;
	kind = slot_kind(r, p, i);
	ret->name = slot_name(r, p, i);
	ret->is_cell = kind & (KIND_CELL | KIND_FREE);
	ret->is_hidden = kind & KIND_HIDDEN;
	return ret->name;
}

unsigned code_flags(struct py_reader *r, addr_t code)
{
	struct py_object o;
	const uint8_t *p = code_get(r, code, &o);

	return p ? (unsigned)field_u64(r->layout, F_CO_FLAGS, p) : 0;
}

bool code_local_name(struct py_reader *r, addr_t code, uint64_t slot, struct strbuf *out)
{
	struct py_object o;
	const uint8_t *p = code_get(r, code, &o);

	return p && text_append(r, slot_name(r, p, slot), LIM_NAME_BYTES, out, NULL);
}

void code_name(struct py_reader *r, addr_t code, struct strbuf *out)
{
	const enum field_id name = layout_has(r->layout, F_CO_QUALNAME) ? F_CO_QUALNAME : F_CO_NAME;
	struct py_object o;
	const uint8_t *p = code_get(r, code, &o);

	if (!p || !text_append(r, field_u64(r->layout, name, p), LIM_NAME_BYTES, out, NULL))
		strbuf_puts(out, "?");
}

bool code_file(struct py_reader *r, addr_t code, struct strbuf *out)
{
	struct py_object o;
	const uint8_t *p = code_get(r, code, &o);

	return p &&
	       text_append(r, field_u64(r->layout, F_CO_FILENAME, p), LIM_NAME_BYTES, out, NULL);
}

// 3.12 and later keep what is seldom asked for in a struct apart.
static void visit_code(struct py_reader *r, const struct py_object *o)
{
	static const struct {
		enum field_id field;
		const char *label;
	} cached[] = {
		{F_CACHED_CODE, ".co_code"},
		{F_CACHED_VARNAMES, ".co_varnames"},
		{F_CACHED_CELLVARS, ".co_cellvars"},
		{F_CACHED_FREEVARS, ".co_freevars"},
	};
	addr_t at;

	if (!layout_has(r->layout, F_CO_CACHED) || !layout_has(r->layout, F_CACHED_CODE))
		return;
	at = object_u64(r, o, F_CO_CACHED);
	for (unsigned i = 0; at && i < sizeof(cached) / sizeof(cached[0]); i++)
		edge_emit_text(&r->edges,
			       py_read_ptr(r, at + layout_off(r->layout, cached[i].field), o->addr),
			       EDGE_OWN, cached[i].label);
}

// One byte for each code unit, and the caches.
static uint64_t opcache_bytes(struct py_reader *r, const struct py_object *o)
{
	struct py_object code;

	if (!layout_has(r->layout, F_CO_OPCACHE) || !object_u64(r, o, F_CO_OPCACHE) ||
	    !py_object_open(r, object_u64(r, o, F_CO_CODE), &code))
		return 0;
	return py_var_size(r, &code) / 2 +
	       object_u64(r, o, F_CO_OPCACHE_SIZE) * r->layout->struct_size[S_PyOpcache];
}

// code_sizeof(): the object rounded up to words, and arrays of its own.
static uint64_t size_code(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	const uint64_t items = o->type->itemsize ? o->type->itemsize * py_var_size(r, o) : 0;
	uint64_t size = o->type->basicsize + items;

	if (items)
		size = (size + 7) & ~7ull;
	if (layout_has(l, F_CO_CELL2ARG) && object_u64(r, o, F_CO_CELL2ARG))
		size += 8 * tuple_length(r, object_u64(r, o, F_CO_CELLVARS));
	return size + opcache_bytes(r, o);
}

static void repr_code(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	strbuf_puts(out, "<code ");
	code_name(r, o->addr, out);
	strbuf_puts(out, " in ");
	if (!code_file(r, o->addr, out))
		strbuf_puts(out, "?");
	strbuf_putc(out, '>');
}

const struct py_family family_code = {
	.types = "code",
	.reads = S_PyCodeObject,
	.visit = visit_code,
	.size = size_code,
	.repr = repr_code,
};
