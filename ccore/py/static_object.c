// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/static_object.h"

#include "layout/companions.h"

struct proof {
	struct py_reader *r;
	const struct static_place *place;
};

// Text that is not empty, or that was not saved and is in no file that is here.
static bool may_be_name(struct proof *p, addr_t at)
{
	const struct mem *mem = p->r->py->mem;
	char name[LIM_NAME_BYTES];

	if (mem_read_cstr(mem, at, name, sizeof(name)) >= 0)
		return *name;
	if (!mem_find(mem, at))
		return at >= p->place->lost_start && at < p->place->lost_end;
	return !mem_readable(mem, at, 1);
}

// A type that has a name, and that PyType_Ready() has made ready, or else more than its own
// module refers to. Asked of the bytes: of what is no type, no struct py_type shall be made.
static bool is_type(struct proof *p, const struct py_object *o)
{
	return (object_u64(p->r, o, F_TP_FLAGS) >> TPFLAG_READY & 1 ||
		header_refcount(p->r->layout, o->p) > 1) &&
	       may_be_name(p, object_u64(p->r, o, F_TP_NAME)) && py_type_get(p->r, o->addr);
}

// Nothing, or a dict: two variables that point to types are no instance of the one with the other
// for its __dict__.
static bool dict_is_dict(struct proof *p, const struct py_object *o)
{
	const struct py_type *type;
	addr_t dict;

	if (o->type->dictoffset <= 0)
		return true;
	if (mem_read_u64(p->r->py->mem, o->addr + (uint64_t)o->type->dictoffset, &dict) < 0)
		return false;
	type = dict ? py_type_of(p->r, dict) : NULL;
	return !dict || (type && type->family == &family_dict);
}

// Whether what its members hold are objects; *ret_any: they hold something.
static bool members_are_objects(struct proof *p, const struct py_object *o, bool *ret_any)
{
	if (!dict_is_dict(p, o))
		return false;
	for (uint32_t i = 0; i < o->type->member_n; i++) {
		addr_t to;

		if (mem_read_u64(p->r->py->mem, o->addr + o->type->members[i].off, &to) < 0)
			return false;
		if (to && !py_type_of(p->r, to))
			return false;
		*ret_any = *ret_any || to;
	}
	return true;
}

// A PyModuleDef that some module was made of: it got its type then.
static bool is_moduledef(struct proof *p, const struct py_object *o)
{
	bool any = false;
	addr_t at;

	return members_are_objects(p, o, &any) && layout_has(p->r->layout, F_MDEF_NAME) &&
	       mem_read_u64(p->r->py->mem, o->addr + layout_off(p->r->layout, F_MDEF_NAME), &at) ==
		       0 &&
	       may_be_name(p, at);
}

static bool is_zero(struct proof *p, addr_t addr, uint64_t n)
{
	uint32_t x = 0;

	return addr < p->place->end && n <= p->place->end - addr &&
	       mem_read(p->r->py->mem, addr, &x, n) == 0 && !x;
}

// Its characters are in it, and a NUL ends them.
static bool is_str(struct proof *p, const struct py_object *o)
{
	const struct layout *l = p->r->layout;
	uint64_t n, kind;

	if (!layout_has(l, F_STR_LENGTH))
		return false;
	n = object_u64(p->r, o, F_STR_LENGTH);
	kind = object_u64(p->r, o, F_STR_KIND);
	return object_u64(p->r, o, F_STR_COMPACT) && (kind == 1 || kind == 2 || kind == 4) &&
	       n < p->place->end - o->addr &&
	       is_zero(p,
		       o->addr +
			       l->struct_size[object_u64(p->r, o, F_STR_ASCII)
						      ? S_PyASCIIObject
						      : S_PyCompactUnicodeObject] +
			       n * kind,
		       kind);
}

static bool is_bytes(struct proof *p, const struct py_object *o)
{
	const uint64_t n = object_u64(p->r, o, F_OB_SIZE);

	return n < p->place->end - o->addr &&
	       is_zero(p, o->addr + layout_off(p->r->layout, F_BYTES_SVAL) + n, 1);
}

#define STATIC_DIGITS 4u

static bool is_int(struct proof *p, const struct py_object *o)
{
	const struct layout *l = p->r->layout;
	const uint64_t n = layout_has(l, F_LONG_TAG) ? object_u64(p->r, o, F_LONG_TAG) >> 3
						     : i64_abs(field_i64(l, F_OB_SIZE, o->p));
	uint32_t digits[STATIC_DIGITS];

	if (n > STATIC_DIGITS ||
	    mem_read(p->r->py->mem, o->addr + layout_off(l, F_LONG_DIGIT), digits, n * 4) < 0)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (digits[i] >> 30)
			return false;
	return !n || digits[n - 1];
}

static bool is_tuple(struct proof *p, const struct py_object *o)
{
	const uint64_t n = object_u64(p->r, o, F_OB_SIZE);
	const addr_t items = o->addr + layout_off(p->r->layout, F_TUPLE_ITEM);

	if (n > (p->place->end - o->addr) / 8)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		addr_t item;

		if (mem_read_u64(p->r->py->mem, items + i * 8, &item) < 0 ||
		    !py_type_of(p->r, item))
			return false;
	}
	return true;
}

// Whether the count is where the compiler let it begin, but for what refers to the object since.
// The heap of a program at fixed addresses lies anywhere below 1 GiB: a wide range would be of
// addresses.
static bool counts_from_static(struct proof *p, uint64_t count)
{
	const int64_t drift = (int64_t)(count - (uint64_t)p->r->layout->facts[FACT_STATIC_REFCNT]);

	return p->r->layout->facts[FACT_STATIC_REFCNT] && i64_abs(drift) < 1 << 20;
}

// A row of pointers, one of which leads to a type: so Cython keeps what its modules use.
static bool is_row_of_pointers(struct proof *p, const struct py_object *o)
{
	bool immortal;
	const uint64_t first = py_refcount(p->r, o, &immortal);
	uint64_t word;

	return !immortal && !counts_from_static(p, first) && first % 8 == 0 &&
	       mem_read_u64(p->r->py->mem, first, &word) == 0;
}

// Objects of other kinds: all that they refer to are objects, and there is something. Where there
// are immortals the compiler makes no other; the runtime has tables there of counts and types.
static bool refers_to_objects(struct proof *p, const struct py_object *o)
{
	bool any = false;

	return !p->r->layout->facts[FACT_IMMORTAL] && !layout_lacks(p->r->layout, S_PyDictObject) &&
	       !is_row_of_pointers(p, o) && members_are_objects(p, o, &any) && any;
}

// Those that are nothing but a header: known by name, or by the refcount that immortals have.
static bool is_singleton(struct proof *p, const struct py_object *o)
{
	const struct layout *l = p->r->layout;
	bool immortal;

	(void)py_refcount(p->r, o, &immortal);
	return immortal || o->addr == l->symbols[SYM_NONE] ||
	       o->addr == l->symbols[SYM_NOT_IMPLEMENTED] || o->addr == l->symbols[SYM_ELLIPSIS] ||
	       o->addr == p->r->py->set_dummy || o->addr == p->r->py->dict_dummy;
}

static bool is_object(struct proof *p, const struct py_object *o)
{
	const struct py_type *t = o->type;

	if (t->flags & TYPE_IS_TYPE)
		return is_type(p, o);
	if (t->family == &family_str)
		return is_str(p, o);
	if (t->family == &family_bytes)
		return is_bytes(p, o);
	if (t->family == &family_int || t->family == &family_bool)
		return layout_has(p->r->layout, F_INT27_IVAL)
			       ? field_u64(p->r->layout, F_INT27_IVAL, o->p) <= 1
			       : is_int(p, o);
	if (t->family == &family_tuple)
		return is_tuple(p, o);
	if (strcmp(t->name, "moduledef") == 0)
		return is_moduledef(p, o);
	return is_singleton(p, o) || refers_to_objects(p, o);
}

bool static_object_is_proved(struct py_reader *r, const struct py_object *o,
			     const struct static_place *place)
{
	struct proof p = {.r = r, .place = place};

	return is_object(&p, o);
}
