// SPDX-License-Identifier: GPL-2.0-or-later
// tuple: the family to read first when writing another; and struct sequences.
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

uint64_t tuple_length(struct py_reader *r, addr_t addr)
{
	struct py_object o;

	if (!addr || !py_object_open(r, addr, &o) || o.type->family != &family_tuple)
		return 0;
	return py_var_size(r, &o);
}

const struct py_family family_tuple = {
	.types = "tuple",
	.needs = F_TUPLE_ITEM,
	.visit = visit_tuple,
	.repr = repr_tuple,
};

// -- struct sequences: what lies behind their length are fields without a position

static void visit_structseq(struct py_reader *r, const struct py_object *o)
{
	const addr_t items = o->addr + layout_off(r->layout, F_TUPLE_ITEM);
	const uint64_t visible = py_var_size(r, o);
	const bool gc = o->type->flags & TYPE_GC;

	visit_pointers(r, items, visible, gc ? EDGE_VISIT : EDGE_OWN, LABEL_INDEX, 0, o->addr);
	if (visible < o->type->field_n)
		visit_pointers(r, items + visible * 8, o->type->field_n - visible,
			       gc && r->layout->facts[FACT_STRUCTSEQ_VISITED] ? EDGE_VISIT
									      : EDGE_OWN,
			       LABEL_INDEX, visible, o->addr);
}

// type.c tells them by what their class has.
const struct py_family family_structseq = {
	.types = "",
	.visit = visit_structseq,
	.repr = repr_tuple,
};
