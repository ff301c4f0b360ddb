// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tree in which a context keeps its variables: nodes with pairs of key and value, the key
 * missing where the value is a further node.
 */
#include "py/families.h"

static void visit_bitmap(struct py_reader *r, const struct py_object *o)
{
	visit_pointers(r, o->addr + layout_off(r->layout, F_HAMT_BITMAP_ARRAY), py_var_size(r, o),
		       EDGE_VISIT, LABEL_INDEX, 0, o->addr);
}

const struct py_family family_hamt_bitmap = {
	.types = "hamt_bitmap_node",
	.needs = F_HAMT_BITMAP_ARRAY,
	.visit = visit_bitmap,
};

static void visit_array(struct py_reader *r, const struct py_object *o)
{
	const struct field *f = &r->layout->fields[F_HAMT_ARRAY_ARRAY];

	visit_pointers(r, o->addr + f->off, f->size / 8, EDGE_VISIT, LABEL_INDEX, 0, o->addr);
}

const struct py_family family_hamt_array = {
	.types = "hamt_array_node",
	.needs = F_HAMT_ARRAY_ARRAY,
	.visit = visit_array,
};

static void visit_collision(struct py_reader *r, const struct py_object *o)
{
	visit_pointers(r, o->addr + layout_off(r->layout, F_HAMT_COLLISION_ARRAY),
		       py_var_size(r, o), EDGE_VISIT, LABEL_INDEX, 0, o->addr);
}

const struct py_family family_hamt_collision = {
	.types = "hamt_collision_node",
	.needs = F_HAMT_COLLISION_ARRAY,
	.visit = visit_collision,
};
