// SPDX-License-Identifier: GPL-2.0-or-later
// Types: which __sizeof__ says how large their instances are.
#include "py/raw_type.h"
#include "py/without_tables.h"

static addr_t own_method(struct py_reader *r, addr_t type)
{
	return dict_lookup(r, type_dict(r, type), "__sizeof__");
}

static const struct py_type *base_at(const struct py_type *type, addr_t addr)
{
	const struct py_type *base = type->base;

	while (base && base->addr != addr)
		base = base->base;
	return base;
}

// What is not there is no damage: this may be no type.
static uint64_t word_at(struct py_reader *r, addr_t addr)
{
	uint64_t word;

	return mem_read_u64(r->py->mem, addr, &word) < 0 ? 0 : word;
}

static uint64_t length_of(struct py_reader *r, addr_t tuple)
{
	return tuple ? word_at(r, tuple + layout_off(r->layout, F_OB_SIZE)) : 0;
}

// The class that `type` inherits __sizeof__ from. Along tp_base alone, or nowhere: its base.
static addr_t inherits_from(struct py_reader *r, const struct raw_type *t,
			    const struct py_type *type)
{
	const addr_t mro = raw_u64(r, t, F_TP_MRO);
	struct raw_type other;
	uint64_t n;

	if (!layout_has(r->layout, F_TUPLE_ITEM) || length_of(r, raw_u64(r, t, F_TP_BASES)) < 2)
		return type->base->addr;
	n = u64_min(length_of(r, mro), LIM_TYPE_DEPTH);
	for (uint64_t i = 1; i < n; i++) {
		const addr_t cls = word_at(r, mro + layout_off(r->layout, F_TUPLE_ITEM) + i * 8);

		if (raw_type_read(r, cls, &other) && raw_type_is_type(r, &other) &&
		    own_method(r, cls))
			return cls;
	}
	return type->base->addr;
}

// The code of `method`, a __sizeof__, where that is C and can be called with no more than the
// object and, as Argument Clinic's defining_class, the descriptor's type.
static void find_code(struct py_reader *r, struct py_type *type, addr_t method)
{
	enum { METH_KEYWORDS = 2, METH_NOARGS = 4, METH_FASTCALL = 0x80, METH_METHOD = 0x200 };
	const struct layout *l = r->layout;
	addr_t kind, def, code, cls = 0;
	uint32_t flags;

	if (!layout_has(l, F_D_METHOD) || !layout_has(l, F_ML_METH) || !layout_has(l, F_ML_FLAGS) ||
	    mem_read_u64(r->py->mem, method + layout_off(l, F_OB_TYPE), &kind) < 0 ||
	    kind != l->symbols[SYM_METHOD_DESCR_TYPE] ||
	    mem_read_u64(r->py->mem, method + layout_off(l, F_D_METHOD), &def) < 0 ||
	    mem_read_u32(r->py->mem, def + layout_off(l, F_ML_FLAGS), &flags) < 0 ||
	    mem_read_u64(r->py->mem, def + layout_off(l, F_ML_METH), &code) < 0)
		return;
	if (flags == (METH_METHOD | METH_FASTCALL | METH_KEYWORDS)) {
		if (!layout_has(l, F_D_TYPE) ||
		    mem_read_u64(r->py->mem, method + layout_off(l, F_D_TYPE), &cls) < 0)
			return;
	} else if (flags != METH_NOARGS) {
		return;
	}
	type->size_method = code;
	type->size_class = cls;
}

// object's own __sizeof__ is known, and so are those of families with a size function.
static void find_method(struct py_reader *r, const struct raw_type *t, struct py_type *type)
{
	const bool own_family = type->family && type->family->size &&
				(!type->base || type->base->family != type->family);
	const struct py_type *base;
	addr_t method, from;

	if (!type->base || own_family)
		return;
	if (without_class_names(r->layout)) { // nor is there a __sizeof__ to be found
		type->flags |= TYPE_SIZE_GUESSED;
		return;
	}
	method = own_method(r, type->addr);
	from = method ? type->addr : inherits_from(r, t, type);
	base = base_at(type, from);
	if (base) {
		type->flags |= base->flags & TYPE_SIZE_GUESSED;
		type->size_method = base->size_method;
		type->size_class = base->size_class;
		return;
	}
	type->flags |= TYPE_SIZE_GUESSED;
	find_code(r, type, method ? method : own_method(r, from));
}

void type_find_size(struct py_reader *r, const struct raw_type *t, struct py_type *type)
{
	find_method(r, t, type);
	if (type->itemsize || type->size_method || (type->family && type->family->size) ||
	    type->flags & (TYPE_SIZE_GUESSED | TYPE_IS_TYPE))
		return;
	type->sizeof_all = type->basicsize + (type->flags & TYPE_GC ? type->prefix : 0);
}
