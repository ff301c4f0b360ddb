// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/core_types.h"

#include "runtime/search.h"
#include "sym/mappings.h"

#define NO_FLAG 0u // that all instances' types have is another

enum epoch { ALWAYS, ONLY_2, ONLY_3 };

#define ITEMS_INT UINT32_MAX   // digits of an int: 2 or 4 bytes
#define ITEMS_TYPE 0xfffffffeu // a PyMemberDef each

// `size` where instances are that struct and no more, else S_PyObject. The tuple comes first: the
// bases of all others are one.
static const struct core_type {
	const char *name;
	enum epoch when;
	enum struct_id size;
	unsigned flag;
	bool is_gc;
	uint32_t item_bytes;
} core_types[] = {
	{"tuple", ALWAYS, S_PyObject, TPFLAG_TUPLE, true, 8},
	{"dict", ALWAYS, S_PyDictObject, TPFLAG_DICT, true, 0},
	{"list", ALWAYS, S_PyListObject, TPFLAG_LIST, true, 0},
	{"set", ALWAYS, S_PySetObject, NO_FLAG, true, 0},
	{"frozenset", ALWAYS, S_PySetObject, NO_FLAG, true, 0},
	{"type", ALWAYS, S_PyHeapTypeObject, TPFLAG_TYPE, true, ITEMS_TYPE},
	{"bytearray", ALWAYS, S_PyByteArrayObject, NO_FLAG, false, 0},
	{"float", ALWAYS, S_PyFloatObject, NO_FLAG, false, 0},
	{"bytes", ONLY_3, S_PyObject, TPFLAG_BYTES, false, 1},
	{"int", ONLY_3, S_PyObject, TPFLAG_LONG, false, ITEMS_INT},
	{"str", ONLY_3, S_PyUnicodeObject, TPFLAG_UNICODE, false, 0},
	{"str", ONLY_2, S_PyObject, TPFLAG_BYTES, false, 1},
	{"int", ONLY_2, S_PyIntObject, NO_FLAG, false, 0},
	{"long", ONLY_2, S_PyObject, TPFLAG_LONG, false, ITEMS_INT},
	{"unicode", ONLY_2, S_PyUnicodeObject, TPFLAG_UNICODE, false, 0},
};

// Those that tell families of types apart, and say that words lie before the object.
#define FAMILY_FLAGS (0xffull << TPFLAG_LONG)

static bool has_flags(const struct raw_type *t, const struct py_reader *r,
		      const struct core_type *c)
{
	const uint64_t flags = raw_u64(r, t, F_TP_FLAGS);
	const uint64_t family = c->flag == NO_FLAG ? 0 : 1ull << c->flag;

	if ((flags & FAMILY_FLAGS) != family || flags >> TPFLAG_HEAPTYPE & 1 ||
	    !(flags >> TPFLAG_READY & 1) ||
	    flags & (uint64_t)r->layout->facts[FACT_FLAGS_PREHEADER])
		return false;
	return (flags >> TPFLAG_HAVE_GC & 1) == c->is_gc &&
	       (raw_u64(r, t, F_TP_TRAVERSE) != 0) == c->is_gc;
}

static bool has_item_size(const struct layout *l, const struct core_type *c, uint64_t n)
{
	switch (c->item_bytes) {
	case ITEMS_INT:
		return n == 2 || n == 4;
	case ITEMS_TYPE:
		return n == l->struct_size[S_PyMemberDef];
	default:
		return n == c->item_bytes;
	}
}

static bool has_sizes(const struct raw_type *t, const struct py_reader *r,
		      const struct core_type *c)
{
	const struct layout *l = r->layout;
	const uint64_t size = raw_u64(r, t, F_TP_BASICSIZE);

	// a type's own tp_dict is an attribute dict
	return has_item_size(l, c, raw_u64(r, t, F_TP_ITEMSIZE)) &&
	       (raw_u64(r, t, F_TP_DICTOFFSET) != 0) == (c->flag == TPFLAG_TYPE) &&
	       (c->size == S_PyObject
			? size < 2 * PY_OBJECT_BYTES
			: !l->struct_size[c->size] || size == l->struct_size[c->size]);
}

static bool has_bases(const struct raw_type *t, struct py_reader *r)
{
	const addr_t base = raw_u64(r, t, F_TP_BASE), mro = raw_u64(r, t, F_TP_MRO);

	return search_field(r, base, F_TP_BASICSIZE) == r->layout->struct_size[S_PyObject] &&
	       (!layout_has(r->layout, F_TUPLE_ITEM) ||
		(search_field(r, mro, F_TUPLE_ITEM) == t->addr && search_is_object(r, mro)));
}

// Where the text is not there, another one finds the name.
static bool has_name(const struct raw_type *t, struct py_reader *r, const struct core_type *c)
{
	char name[LIM_NAME_BYTES];

	return mem_read_cstr(r->py->mem, raw_u64(r, t, F_TP_NAME), name, sizeof(name)) < 0 ||
	       strcmp(name, c->name) == 0;
}

static bool is_right(struct py_reader *r, addr_t addr, const struct core_type *c)
{
	const uint32_t size = r->layout->struct_size[S_PyTypeObject];
	struct raw_type t;

	if (mem_readable(r->py->mem, addr, size) < size)
		return true; // not saved: what is missing is said elsewhere
	return raw_type_read(r, addr, &t) && raw_type_is_type(r, &t) &&
	       raw_type_is_possible(r, &t) && has_flags(&t, r, c) && has_sizes(&t, r, c) &&
	       has_bases(&t, r) && has_name(&t, r, c);
}

// What a program puts into builtins under such a name lies elsewhere.
static bool is_of_interpreter(const struct runtime *rt, const struct py_reader *r, addr_t type)
{
	const struct mapping_vec *all = &rt->target->mappings;
	const struct mapping *m = mappings_find(all, type);

	return m && m == mappings_find(all, r->layout->symbols[SYM_TYPE_TYPE]);
}

addr_t core_types_check(const struct runtime *rt, struct py_reader *r)
{
	const enum epoch other = layout_has(r->layout, F_INT27_IVAL) ? ONLY_3 : ONLY_2;
	addr_t first = 0;

	for (unsigned i = 0; i < sizeof(core_types) / sizeof(core_types[0]); i++) {
		const struct damage before = r->damage;
		const addr_t addr = search_builtin(r, rt, core_types[i].name);

		if (i) // the dicts are the same each time
			r->damage = before;
		if (core_types[i].when == other || !addr || addr % 8 ||
		    !is_of_interpreter(rt, r, addr) || is_right(r, addr, &core_types[i]))
			continue;
		damage_note(&r->damage, DAMAGE_BAD_TYPE, addr);
		first = first ? first : addr;
	}
	return first;
}
