// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of static types whose text lies in a file that is not here. What is left of a type in
 * memory tells it apart: which attributes it has, and how large its objects are. CPython's own are
 * tabled by that (layout/shapes.inc, by tools/gen_layouts.py); others have the names by which
 * modules know them.
 */
#ifndef NECROPY_TYPE_SHAPE_H
#define NECROPY_TYPE_SHAPE_H

#include "py/raw_type.h"

/** That `module` knows the type at `addr` as `name`. */
struct type_alias {
	addr_t addr;
	const char *module, *name;
};

/** How a name was found, the surest way first. */
enum name_origin { NAME_OF_BUILTIN, NAME_BY_SHAPE, NAME_OF_MODULE, NAME_UNSURE, NAME_UNKNOWN };

/**
 * What the static type `t` is called, into `buf`, as its tp_name would say. NAME_UNSURE: other
 * types look just like it, and `buf` says like which; NAME_UNKNOWN leaves `buf` alone.
 */
enum name_origin type_shape_name(struct py_reader *r, const struct raw_type *t, char *buf,
				 uint64_t cap);

/** Let py->aliases know the type at `addr`; `module` must stay. */
void type_alias_add(struct py_reader *r, const char *module, const char *name, addr_t addr);

/** Let py->aliases know the types in the dict of the module called `module`. */
void type_aliases_add(struct py_reader *r, const char *module, addr_t dict);

#endif
