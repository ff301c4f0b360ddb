// SPDX-License-Identifier: GPL-2.0-or-later
// Type objects as they lie in the target, and whether they can be types at all.
#include "py/raw_type.h"

bool raw_type_read(struct py_reader *r, addr_t addr, struct raw_type *ret)
{
	const uint64_t size = r->layout->struct_size[S_PyTypeObject];

	ret->addr = addr;
	if (!addr || addr % 8 || size > sizeof(ret->scratch))
		return false;
	ret->p = py_get(r, addr, size, ret->scratch);
	return ret->p != NULL;
}

// Its type is `type`, or some metatype: a type with the TYPE_SUBCLASS flag, up to `type`.
bool raw_type_is_type(struct py_reader *r, const struct raw_type *t)
{
	const addr_t type_type = r->layout->symbols[SYM_TYPE_TYPE];
	addr_t meta = raw_u64(r, t, F_OB_TYPE);
	struct raw_type m;

	for (int depth = 0; depth < 16; depth++) {
		if (meta == type_type)
			return true;
		if (!raw_type_read(r, meta, &m) || !(raw_u64(r, &m, F_TP_FLAGS) >> TPFLAG_TYPE & 1))
			return false;
		meta = raw_u64(r, &m, F_OB_TYPE);
	}
	return false;
}

bool raw_type_is_possible(const struct py_reader *r, const struct raw_type *t)
{
	const int64_t basic = field_i64(r->layout, F_TP_BASICSIZE, t->p);
	const int64_t item = field_i64(r->layout, F_TP_ITEMSIZE, t->p);

	return basic >= (int64_t)r->layout->struct_size[S_PyObject] && basic < 1 << 28 &&
	       item >= 0 && item < 1 << 20;
}
