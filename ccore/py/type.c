// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types: read once, into a struct py_type that says all that readers of its instances need:
 * which family, which pointer members, where the attributes are, how much to read.
 */
#include "py/raw_type.h"
#include "py/without_tables.h"

#include <stdio.h>

static const struct py_family *const families[] = {
#define X(family) &family,
	FAMILIES(X)
#undef X
};

// -- what instances hold

static bool is_in(const struct module *m, addr_t addr)
{
	return m && addr >= m->start && addr < m->end;
}

bool type_in_interpreter(const struct py_reader *r, addr_t addr)
{
	if (is_in(r->layout->module, addr))
		return true;
	for (unsigned i = 0; i < EXTENSION_N; i++)
		if (is_in(r->layout->extensions[i], addr))
			return true;
	return false;
}

// Names without a module are the interpreter's own types only when they lie in it, or in an
// extension of its library: old Cython has a static type called "generator".
static bool name_can_be_trusted(const struct py_reader *r, addr_t type, const char *tp_name)
{
	return strchr(tp_name, '.') || type_in_interpreter(r, type);
}

static const struct py_family *family_of(const struct layout *l, const char *tp_name)
{
	// Two names that changed their meaning with 3.0.
	if (layout_has(l, F_UNICODE27_LENGTH) && strcmp(tp_name, "str") == 0)
		return layout_has(l, F_BYTES_SVAL) ? &family_str27 : NULL;
	if (!l->facts[FACT_ONE_INT] && strcmp(tp_name, "int") == 0)
		return layout_has(l, F_INT27_IVAL) ? &family_int27 : NULL;
	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (name_in_list(tp_name, families[i]->types))
			return layout_has(l, families[i]->needs) &&
					       l->struct_size[families[i]->reads]
				       ? families[i]
				       : NULL;
	return NULL;
}

static uint32_t u32_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

// What readers count on: the family's struct, and ob_size even where there is none.
static uint32_t least_size(const struct layout *l, const struct py_type *type)
{
	uint32_t n = l->struct_size[S_PyVarObject];

	if (type->family)
		n = u32_max(n, l->struct_size[type->family->reads]);
	if (type->flags & TYPE_IS_TYPE) // also where the metatype's base is not to be believed
		n = u32_max(n, l->struct_size[S_PyTypeObject]);
	return n < PY_OBJECT_BYTES ? n : PY_OBJECT_BYTES;
}

// What is read where it is there. A compact str is shorter than its type says.
static uint32_t read_size(const struct py_type *type)
{
	const uint32_t n = type->family == &family_str ? 0 : type->basicsize;

	return u32_max(type->least_n, n < PY_OBJECT_BYTES ? n : PY_OBJECT_BYTES);
}

struct member_list {
	struct py_member *data;
	uint64_t n, cap;
	struct hashmap offsets; // + 1
};

// Some have two names: classmethod's __func__ is also its __wrapped__.
static bool is_declared(const struct member_list *list, uint64_t off)
{
	uint32_t unused;

	return hashmap_get(&list->offsets, off + 1, &unused);
}

// __slots__ of a Python class, or the T_OBJECT members of a C type.
static bool declared_members(struct py_reader *r, const struct raw_type *t,
			     const struct py_type *type, struct member_list *ret)
{
	enum { T_OBJECT = 6, T_OBJECT_EX = 16 };
	const struct layout *l = r->layout;
	const uint64_t stride = l->struct_size[S_PyMemberDef];
	addr_t def = raw_u64(r, t, F_TP_MEMBERS);
	struct py_member m = {.kind = EDGE_VISIT, .source = SOURCE_MEMBER};
	uint8_t scratch[256];
	char name[LIM_NAME_BYTES] = ".";

	for (uint32_t i = 0; def && i < LIM_MEMBERS && r->py->member_n < LIM_ALL_MEMBERS;
	     i++, def += stride) {
		const uint8_t *p =
			stride <= sizeof(scratch) ? py_get(r, def, stride, scratch) : NULL;
		uint64_t off, kind;

		if (!p || !field_u64(l, F_MEMBER_NAME, p))
			return true;
		off = field_u64(l, F_MEMBER_OFFSET, p);
		kind = field_u64(l, F_MEMBER_TYPE, p);
		if ((kind != T_OBJECT_EX && kind != T_OBJECT) || type->basicsize < 8 ||
		    off > type->basicsize - 8 || is_declared(ret, off))
			continue;
		// The name may lie in a file that is not here; the reference does not.
		if (mem_read_cstr(r->py->mem, field_u64(l, F_MEMBER_NAME, p), name + 1,
				  sizeof(name) - 1) < 0)
			(void)snprintf(name + 1, sizeof(name) - 1, "+%llu",
				       (unsigned long long)off); // fits
		m.off = (uint32_t)off;
		m.label = arena_strdup(&r->py->arena, name);
		if (!m.label || !vec_push(ret, m) || !hashmap_put(&ret->offsets, off + 1, 0))
			return false;
	}
	if (def)
		damage_note(&r->damage, DAMAGE_LIMIT, t->addr);
	return true;
}

// Without tp_traverse nothing is visited: it owns what others would visit.
static void disown_visits(struct py_member *own, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (own[i].kind == EDGE_VISIT)
			own[i].kind = EDGE_OWN;
}

// Members of a type for which an index of its base's is not worth its while.
#define BASE_MEMBERS_FEW 16u

static bool index_members(const struct py_type *base, struct hashmap *ret)
{
	for (uint32_t i = 0; base && i < base->member_n; i++)
		if (!hashmap_put(ret, base->members[i].off + 1ull, i))
			return false;
	return true;
}

// `index` has the members of `base`, or none is made.
static bool base_has_member(const struct py_type *base, const struct hashmap *index, uint64_t off)
{
	uint32_t i = 0;

	if (!base)
		return false;
	if (index->n)
		return hashmap_get(index, off + 1, &i);
	while (i < base->member_n && base->members[i].off != off)
		i++;
	return i < base->member_n;
}

static bool set_members(struct py_reader *r, struct py_type *type, const struct py_member *own,
			uint64_t n)
{
	struct hashmap in_base = {0};
	const struct py_type *base = type->base;
	const uint32_t base_n = base ? base->member_n : 0;
	const uint32_t base_size = base ? base->basicsize : 0;
	struct py *py = r->py;
	struct py_member *all;

	if (n > LIM_MEMBERS - u64_min(base_n, LIM_MEMBERS) || py->member_n >= LIM_ALL_MEMBERS) {
		damage_note(&r->damage, DAMAGE_LIMIT, type->addr);
		n = 0;
	}
	if (!n) {
		type->members = base ? base->members : NULL;
		type->member_n = base_n;
		return true;
	}
	all = arena_alloc(&py->arena, (base_n + n) * sizeof(*all));
	if (!all || (n > BASE_MEMBERS_FEW && !index_members(base, &in_base))) {
		hashmap_done(&in_base);
		return false;
	}
	py->member_n += base_n + n;
	if (base_n)
		memcpy(all, base->members, base_n * sizeof(*all));
	type->member_n = base_n;
	// What lies behind the base's struct is no member of it.
	for (uint64_t i = 0; i < n; i++)
		if (own[i].off >= base_size || !base_has_member(base, &in_base, own[i].off))
			all[type->member_n++] = own[i];
	hashmap_done(&in_base);
	type->members = all;
	return true;
}

// A struct sequence: a tuple, but for 2.7, with more fields than its length says. Its class
// knows how many.
static bool take_structseq(struct py_reader *r, struct py_type *type)
{
	const addr_t dict = type->itemsize == 8 ? type_dict(r, type->addr) : 0;
	const addr_t n = dict ? dict_lookup(r, dict, "n_fields") : 0;
	uint64_t fields;

	if (!n || !layout_has(r->layout, F_TUPLE_ITEM) ||
	    !dict_lookup(r, dict, "n_sequence_fields") || !int_value_at(r, n, &fields) ||
	    fields > LIM_MEMBERS)
		return false;
	type->family = &family_structseq;
	type->field_n = (uint32_t)fields;
	return true;
}

// Whether tables know how instances of Python classes keep their attributes.
static bool attributes_are_known(const struct layout *l)
{
	const int64_t managed = l->facts[FACT_MANAGED];

	return l->struct_size[S_PyDictObject] &&
	       (managed == MANAGED_NONE || layout_has(l, F_HT_CACHED_KEYS)) &&
	       (managed != MANAGED_INLINE || layout_has(l, F_VALUES_VALID));
}

// Most exceptions: what their base's tables say is all.
static bool adds_nothing(const struct py_type *type)
{
	const struct py_type *base = type->base;

	return base && base->family && !base->opaque_to && type->basicsize == base->basicsize &&
	       type->itemsize == base->itemsize && type->tp_traverse == base->tp_traverse;
}

// Python classes add what tables know; their base's code does the rest. A module's knows the state
// behind it.
static void find_traverse(const struct py_reader *r, struct py_type *type, bool known)
{
	// Tables of what a type adds do not say what is there before.
	const bool wanted = !(known || adds_nothing(type)) || type->family == &family_module ||
			    (type->base && type->base->traverser);

	if (!r->py->emu)
		return;
	if (type->flags & TYPE_PYTHON && !attributes_are_known(r->layout))
		type->traverser = type->tp_traverse ? type : NULL;
	else if (type->flags & TYPE_PYTHON)
		type->traverser = type->base ? type->base->traverser : NULL;
	else if (wanted && type->tp_traverse)
		type->traverser = type;
	// A type may have code for those derived from it, and not be the collector's itself.
	if (type->traverser && type->flags & TYPE_GC)
		type->traverse = type->traverser->tp_traverse;
}

static bool find_members(struct py_reader *r, const struct raw_type *t, const char *tp_name,
			 struct py_type *type)
{
	struct py_member rows[MEMBERS_ROWS_MAX];
	struct member_list declared = {0};
	const bool named = !(type->flags & TYPE_PYTHON) && name_can_be_trusted(r, t->addr, tp_name);
	const struct py_family *family = named ? family_of(r->layout, tp_name) : NULL;
	uint32_t n = 0;
	bool known = family != NULL, leaf, ok = true;

	type->family = family ? family : type->base ? type->base->family : NULL;
	type->field_n = type->base ? type->base->field_n : 0;
	if (named)
		known = members_find(r->layout, tp_name, type->basicsize, rows, &n) || known;
	if (!known && !(type->flags & TYPE_PYTHON))
		known = take_structseq(r, type);
	leaf = named && !known && members_is_leaf(tp_name);
	if (!known && !leaf)
		ok = declared_members(r, t, type, &declared);
	type->tp_traverse = raw_u64(r, t, F_TP_TRAVERSE);
	// A base's tp_traverse does not know what the derived type declares.
	if (type->base && type->tp_traverse == type->base->tp_traverse &&
	    !(type->flags & TYPE_PYTHON))
		disown_visits(declared.data, declared.n);
	if (!type->tp_traverse) {
		disown_visits(rows, n);
		disown_visits(declared.data, declared.n);
	}
	if (type->base) {
		type->opaque_from = type->base->opaque_from;
		type->opaque_to = type->base->opaque_to;
	}
	if (!known && !leaf && !(type->flags & TYPE_PYTHON)) {
		if (!type->opaque_to)
			type->opaque_from = type->base ? type->base->basicsize
						       : r->layout->struct_size[S_PyObject];
		// The base of a type with its own struct may be larger than what it adds to.
		type->opaque_to = type->basicsize > type->opaque_from ? type->basicsize : 0;
	}
	// A family may know but a part, and rows of members the rest.
	find_traverse(r, type, known && !(named && members_are_missing(r->layout, tp_name)));
	ok = ok && set_members(r, type, known ? rows : declared.data, known ? n : declared.n);
	hashmap_done(&declared.offsets);
	vec_done(&declared);
	return ok;
}

static bool member_at(const struct py_type *type, int64_t off)
{
	for (uint32_t i = 0; i < type->member_n; i++)
		if (type->members[i].off == off)
			return true;
	return false;
}

static enum py_dict_place dict_place(const struct layout *l, const struct py_type *type)
{
	const uint64_t managed = (uint64_t)l->facts[FACT_FLAG_MANAGED_DICT];
	const uint64_t inline_values = (uint64_t)l->facts[FACT_FLAG_INLINE_VALUES];

	if (type->flags & TYPE_IS_TYPE) // tp_dict, which family_type visits
		return DICT_NOWHERE;
	if (type->tp_flags & managed) {
		switch ((enum managed_scheme)l->facts[FACT_MANAGED]) {
		case MANAGED_TWO_WORDS:
			return DICT_TWO_WORDS;
		case MANAGED_TAGGED:
			return DICT_TAGGED;
		case MANAGED_INLINE:
			return type->tp_flags & inline_values && layout_has(l, F_VALUES_VALID)
				       ? DICT_INLINE
				       : DICT_BEFORE;
		case MANAGED_NONE:
			break;
		}
	}
	if (type->dictoffset == 0 || member_at(type, type->dictoffset))
		return DICT_NOWHERE;
	return type->dictoffset > 0 ? DICT_AT_OFFSET : DICT_FROM_END;
}

static uint32_t block_prefix(const struct layout *l, uint64_t tp_flags)
{
	uint32_t n = 0;

	if (tp_flags >> TPFLAG_HAVE_GC & 1)
		n += layout_gc_head(l);
	if (tp_flags & (uint64_t)l->facts[FACT_FLAGS_PREHEADER])
		n += 16;
	return n;
}

// -- what a type says twice

// Whether `item` is one of the tuple's, or nothing is known. Without py_type_of(), whose lock is
// held.
static bool may_have(struct py_reader *r, addr_t tuple, addr_t item)
{
	const struct layout *l = r->layout;
	addr_t items, at;
	uint64_t n;

	if (!tuple || !layout_has(l, F_TUPLE_ITEM) ||
	    mem_read_u64(r->py->mem, tuple + layout_off(l, F_OB_SIZE), &n) < 0 || !n)
		return true;
	items = tuple + layout_off(l, F_TUPLE_ITEM);
	for (uint64_t i = 0; i < n && i < LIM_TYPE_DEPTH; i++)
		if (mem_read_u64(r->py->mem, items + i * 8, &at) < 0 || at == item)
			return true;
	return false;
}

// One that is dead, or is just being made, need not be whole.
static void check_fields(struct py_reader *r, const struct raw_type *t, const struct py_type *type)
{
	const struct py_type *base = type->base;
	bool ok = true;

	if (!header_refcount(r->layout, t->p) || !(type->tp_flags >> TPFLAG_READY & 1))
		return;
	// A collection would have called it.
	if (type->flags & TYPE_GC && !type->tp_traverse)
		ok = false;
	if (base && type->basicsize < base->basicsize)
		ok = false;
	if (type->dictoffset > type->basicsize)
		ok = false;
	if (!may_have(r, raw_u64(r, t, F_TP_BASES), raw_u64(r, t, F_TP_BASE)))
		ok = false;
	if (!ok)
		damage_note(&r->damage, DAMAGE_BAD_TYPE, t->addr);
}

// -- making a struct py_type

struct py_type *type_make(struct py_reader *r, const struct raw_type *t, const struct py_type *base)
{
	const struct layout *l = r->layout;
	const addr_t subtype_dealloc = l->symbols[SYM_SUBTYPE_DEALLOC];
	struct py_type *type = arena_alloc(&r->py->arena, sizeof(*type));
	char tp_name[LIM_NAME_BYTES];

	if (!type)
		return NULL;
	type->addr = t->addr;
	type->base = base;
	type->tp_flags = raw_u64(r, t, F_TP_FLAGS);
	type->basicsize = (uint32_t)raw_u64(r, t, F_TP_BASICSIZE);
	type->itemsize = (uint32_t)raw_u64(r, t, F_TP_ITEMSIZE);
	type->dictoffset = field_i64(l, F_TP_DICTOFFSET, t->p);
	if (type_has_flag(type, TPFLAG_HAVE_GC))
		type->flags |= TYPE_GC;
	if (type_has_flag(type, TPFLAG_TYPE))
		type->flags |= TYPE_IS_TYPE;
	if (type->tp_flags & (uint64_t)l->facts[FACT_FLAG_STATIC_BUILTIN])
		type->flags |= TYPE_STATIC_BUILTIN;
	if (type_has_flag(type, TPFLAG_HEAPTYPE)) {
		type->flags |= TYPE_HEAP;
		if (!subtype_dealloc || raw_u64(r, t, F_TP_DEALLOC) == subtype_dealloc)
			type->flags |= TYPE_PYTHON;
		if (layout_has(l, F_HT_CACHED_KEYS))
			type->cached_keys =
				py_read_ptr(r, t->addr + layout_off(l, F_HT_CACHED_KEYS), t->addr);
	}
	type->prefix = block_prefix(l, type->tp_flags);
	type_tp_name(r, t, tp_name, sizeof(tp_name));
	type->name = type_full_name(r, t, tp_name);
	if (!type->name || !find_members(r, t, tp_name, type))
		return NULL;
	type->least_n = least_size(l, type);
	type->read_n = read_size(type);
	type->dict_place = dict_place(l, type);
	type_find_size(r, t, type);
	if (!(type->flags & TYPE_HEAP) && !type->member_n && type->dict_place == DICT_NOWHERE &&
	    !type->opaque_to && !type->traverse && (!type->family || !type->family->visit))
		type->flags |= TYPE_LEAF;
	type_mistrust(r->py, type);
	check_fields(r, t, type);
	return type;
}
