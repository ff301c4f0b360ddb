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

/** The value of int key `key` of the dict at `dict`, or 0. */
addr_t dict_find_int(struct py_reader *r, addr_t dict, int64_t key);

/** The global `name` of module `module` of the interpreter with this sys.__dict__, or 0. */
addr_t module_global(struct py_reader *r, addr_t sysdict, const char *module, const char *name);

#endif
