// SPDX-License-Identifier: GPL-2.0-or-later
// tuple: the family to read first when writing another.
#include "py/families.h"

static void visit_tuple(struct py_reader *r, const struct py_object *o)
{
	visit_pointers(r, o->addr + layout_off(r->layout, F_TUPLE_ITEM), py_var_size(r, o),
		       EDGE_VISIT, LABEL_INDEX, 0, o->addr);
}

static void repr_tuple(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint64_t n = py_var_size(r, o);

	repr_items(r, o->addr + layout_off(r->layout, F_TUPLE_ITEM), n, "(", n == 1 ? ",)" : ")",
		   out);
}

const struct py_family family_tuple = {
	.types = "tuple",
	.visit = visit_tuple,
	.repr = repr_tuple,
};
