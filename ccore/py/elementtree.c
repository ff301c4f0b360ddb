// SPDX-License-Identifier: GPL-2.0-or-later
// ElementTree's elements: text and tail with a mark in the lowest bit, children apart.
#include "py/families.h"

// The lowest bit says that a list of strings is still to be joined.
static addr_t unmarked(addr_t text)
{
	return text & ~1ull;
}

// ElementObjectExtra, which an element without attributes and children does without.
static const uint8_t *get_extra(struct py_reader *r, const struct py_object *o, uint8_t *scratch,
				uint32_t cap)
{
	const uint32_t size = r->layout->struct_size[S_element_extra];
	const addr_t at = object_u64(r, o, F_ELEMENT_EXTRA);
	const uint8_t *p;

	if (!at || !layout_has(r->layout, F_EXTRA_CHILDREN) || size > cap)
		return NULL;
	p = py_get(r, at, size, scratch);
	if (!p)
		damage_note(&r->damage, DAMAGE_UNREADABLE_OBJECT, o->addr);
	return p;
}

static void visit_element(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint8_t scratch[128];
	const uint8_t *extra = get_extra(r, o, scratch, sizeof(scratch));

	edge_emit_text(&r->edges, unmarked(object_u64(r, o, F_ELEMENT_TEXT)), EDGE_VISIT, ".text");
	edge_emit_text(&r->edges, unmarked(object_u64(r, o, F_ELEMENT_TAIL)), EDGE_VISIT, ".tail");
	if (!extra)
		return;
	edge_emit_text(&r->edges, field_u64(l, F_EXTRA_ATTRIB, extra), EDGE_VISIT, ".attrib");
	if (field_u64(l, F_EXTRA_LENGTH, extra) > field_u64(l, F_EXTRA_ALLOCATED, extra))
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
	else
		visit_pointers(r, field_u64(l, F_EXTRA_CHILDREN, extra),
			       field_u64(l, F_EXTRA_LENGTH, extra), EDGE_VISIT, LABEL_INDEX, 0,
			       o->addr);
}

// element_sizeof(): four children have room in the struct.
static uint64_t size_element(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint8_t scratch[128];
	const uint8_t *extra = get_extra(r, o, scratch, sizeof(scratch));
	const addr_t own = object_u64(r, o, F_ELEMENT_EXTRA) + layout_off(l, F_EXTRA_OWN_CHILDREN);
	uint64_t size = o->type->basicsize, n;

	if (!extra)
		return size;
	size += l->struct_size[S_element_extra];
	n = field_u64(l, F_EXTRA_ALLOCATED, extra);
	return field_u64(l, F_EXTRA_CHILDREN, extra) == own || n > r->py->mem->bytes / 8
		       ? size
		       : size + n * 8;
}

const struct py_family family_element = {
	.types = "xml.etree.ElementTree.Element",
	.reads = S_element,
	.needs = F_EXTRA_OWN_CHILDREN,
	.visit = visit_element,
	.size = size_element,
};

// The elements between the root and where it is.
static void visit_element_iterator(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	const uint64_t n = object_u64(r, o, F_ELEMENT_ITER_USED);
	const uint32_t stride = l->struct_size[S_parent_locator];
	const addr_t stack = object_u64(r, o, F_ELEMENT_ITER_STACK);

	if (!layout_has(l, F_LOCATOR_PARENT) || !stride)
		return;
	if (n > r->py->mem->bytes / stride ||
	    mem_readable(r->py->mem, stack, n * stride) < n * stride) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return;
	}
	for (uint64_t i = 0; i < n && r->edges.left; i++)
		edge_emit(&r->edges,
			  py_read_ptr(r, stack + i * stride + layout_off(l, F_LOCATOR_PARENT),
				      o->addr),
			  EDGE_VISIT, LABEL_INDEX, i);
}

const struct py_family family_element_iterator = {
	.types = "_elementtree._element_iterator",
	.reads = S_element_iterator,
	.needs = F_ELEMENT_ITER_USED,
	.visit = visit_element_iterator,
};
