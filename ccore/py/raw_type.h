// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a type object into a struct py_type: what the files that share the work share.
#ifndef NECROPY_RAW_TYPE_H
#define NECROPY_RAW_TYPE_H

#include "py/families.h"

/** A type object's struct, as it is in the target. */
struct raw_type {
	addr_t addr;
	const uint8_t *p;
	uint8_t scratch[LAYOUT_STRUCT_MAX];
};

/** Read PyTypeObject at `addr`; false when it is not readable. */
bool raw_type_read(struct py_reader *r, addr_t addr, struct raw_type *ret);

static inline uint64_t raw_u64(const struct py_reader *r, const struct raw_type *t, enum field_id f)
{
	return field_u64(r->layout, f, t->p);
}

/** Whether its own type is `type`, or a metatype. */
bool raw_type_is_type(struct py_reader *r, const struct raw_type *t);

/** Whether tp_basicsize and tp_itemsize are such as a type can have. */
bool raw_type_is_possible(const struct py_reader *r, const struct raw_type *t);

/** tp_name into `buf`; a made-up one, and damage counted, when its text is not there. */
void type_tp_name(struct py_reader *r, const struct raw_type *t, char *buf, uint64_t cap);

/** The name struct py_type has, in py->arena; NULL when memory is out. */
const char *type_full_name(struct py_reader *r, const struct raw_type *t, const char *tp_name);

/** The same of a 2.7 class object; NULL also when it cannot be read. */
const char *class27_name(struct py_reader *r, addr_t cls);

/**
 * Set what says how large the instances of `type` are: size_method, size_class, sizeof_all, and
 * the flag where a __sizeof__ is not known. After all else of it is set.
 */
void type_find_size(struct py_reader *r, const struct raw_type *t, struct py_type *type);

/** Whether `addr` lies in the interpreter, or in an extension module of its library. */
bool type_in_interpreter(const struct py_reader *r, addr_t addr);

/** Make the struct py_type, in py->arena; NULL when memory is out. */
struct py_type *type_make(struct py_reader *r, const struct raw_type *t,
			  const struct py_type *base);

#endif
