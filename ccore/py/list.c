// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/families.h"

static void visit_list(struct py_reader *r, const struct py_object *o)
{
	const uint64_t n = py_var_size(r, o);

	if (n > object_u64(r, o, F_LIST_ALLOCATED)) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return;
	}
	visit_pointers(r, object_u64(r, o, F_LIST_ITEM), n, EDGE_VISIT, LABEL_INDEX, 0, o->addr);
}

static uint64_t size_list(struct py_reader *r, const struct py_object *o)
{
	return o->type->basicsize + object_u64(r, o, F_LIST_ALLOCATED) * 8;
}

static void repr_list(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	repr_items(r, object_u64(r, o, F_LIST_ITEM), py_var_size(r, o), "[", "]", out);
}

const struct py_family family_list = {
	.types = "list",
	.reads = S_PyListObject,
	.visit = visit_list,
	.size = size_list,
	.repr = repr_list,
};
