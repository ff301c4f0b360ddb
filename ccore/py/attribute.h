// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attribute: what an expression such as `thing.name` or `thing['key']` would give, as far as that
 * can be told without running code: properties and __getattr__ are not called.
 */
#ifndef NECROPY_ATTRIBUTE_H
#define NECROPY_ATTRIBUTE_H

#include "py/families.h"

/** Attribute `name` that the object at `addr` itself has: in its dict or a slot; 0: none. */
addr_t instance_attribute(struct py_reader *r, addr_t addr, const char *name);

/**
 * As instance_attribute(), and else what its classes have under that name: then `*ret_of_class`,
 * and a descriptor such as a property or a function is returned itself. Of a class, its own and
 * its bases' attributes; of a module, its globals.
 */
addr_t object_attribute(struct py_reader *r, addr_t addr, const char *name, bool *ret_of_class);

/** Whether an attribute that the object at `addr` itself has is `value`. */
bool attributes_have(struct py_reader *r, addr_t addr, addr_t value);

/** Element `i` of a list or tuple, from the end when negative, or value of int key `i`; or 0. */
addr_t object_item(struct py_reader *r, addr_t addr, int64_t i);

/** The value of str key `key` of a dict, or 0. */
addr_t object_value(struct py_reader *r, addr_t addr, const char *key);

/**
 * Show `take` the names of the attributes that the object itself has, classes left out. When it
 * returns false it is shown no more.
 */
void attributes_each(struct py_reader *r, addr_t addr, bool (*take)(void *ctx, const char *name),
		     void *ctx);

/** The global `name` of module `module` of the interpreter with this sys.__dict__, or 0. */
addr_t module_global(struct py_reader *r, addr_t sysdict, const char *module, const char *name);

#endif
