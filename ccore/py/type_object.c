// SPDX-License-Identifier: GPL-2.0-or-later
// Type objects as objects: the family "type".
#include "py/raw_type.h"

addr_t type_dict(struct py_reader *r, addr_t addr)
{
	const struct layout *l = r->layout;
	const uint64_t size = l->struct_size[S_static_type_state];
	struct raw_type t;
	uint64_t index, type;

	if (!raw_type_read(r, addr, &t))
		return 0;
	if (!(raw_u64(r, &t, F_TP_FLAGS) & (uint64_t)l->facts[FACT_FLAG_STATIC_BUILTIN]))
		return raw_u64(r, &t, F_TP_DICT);
	index = raw_u64(r, &t, F_TP_SUBCLASSES);
	for (unsigned i = 0; i < 2 && index && index < 1000; i++) {
		const addr_t state = r->py->static_types[i] + (index - 1) * size;
		uint64_t dict;

		if (r->py->static_types[i] &&
		    mem_read_u64(r->py->mem, state + layout_off(l, F_STS_TYPE), &type) == 0 &&
		    type == addr &&
		    mem_read_u64(r->py->mem, state + layout_off(l, F_STS_DICT), &dict) == 0)
			return dict;
	}
	return 0;
}

bool object_is_static_type(struct py_reader *r, const struct py_object *o)
{
	return o->type->flags & TYPE_IS_TYPE &&
	       !(object_u64(r, o, F_TP_FLAGS) >> TPFLAG_HEAPTYPE & 1);
}

// Names of the instances' attributes, which the type holds together with their dicts.
static void visit_cached_keys(struct py_reader *r, const struct py_object *o)
{
	const addr_t keys = object_u64(r, o, F_HT_CACHED_KEYS);
	const uint64_t n = keys ? dict_keys_n(r, keys, LIM_MEMBERS, o->addr) : 0;

	r->edges.uncounted = true;
	for (uint64_t i = 0; i < n; i++)
		edge_emit(&r->edges, dict_keys_name(r, keys, i), EDGE_OWN, LABEL_KEY_ITSELF, keys);
	r->edges.uncounted = false;
}

// What type_traverse() visits, and what it leaves out. Static types have no GC head and are
// not traversed: their references are theirs all the same.
static void visit_type(struct py_reader *r, const struct py_object *o)
{
	static const struct {
		enum field_id field;
		const char *label;
	} members[] = {
		{F_TP_CACHE, ".tp_cache"},
		{F_TP_MRO, ".__mro__"},
		{F_TP_BASES, ".__bases__"},
		{F_TP_BASE, ".__base__"},
	};
	const struct layout *l = r->layout;
	const bool heap = !object_is_static_type(r, o);
	const enum edge_kind kind = heap ? EDGE_VISIT : EDGE_OWN;
	struct edge_buffer *b = &r->edges;

	edge_emit_text(b, type_dict(r, o->addr), kind, ".__dict__");
	for (unsigned i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		// The initializer of a static type names its base, and counts no reference.
		b->uncounted = !heap && members[i].field == F_TP_BASE;
		edge_emit_text(b, object_u64(r, o, members[i].field), kind, members[i].label);
	}
	b->uncounted = false;
	// A static builtin keeps an index there, not a pointer.
	if (!(object_u64(r, o, F_TP_FLAGS) & (uint64_t)l->facts[FACT_FLAG_STATIC_BUILTIN]))
		edge_emit_text(b, object_u64(r, o, F_TP_SUBCLASSES), EDGE_OWN, " subclasses");
	if (!heap || o->n < l->struct_size[S_PyHeapTypeObject])
		return;
	if (layout_has(l, F_HT_MODULE))
		edge_emit_text(b, object_u64(r, o, F_HT_MODULE), EDGE_VISIT, ".__module__ object");
	edge_emit_text(b, object_u64(r, o, F_HT_NAME), EDGE_OWN, ".__name__");
	edge_emit_text(b, object_u64(r, o, F_HT_SLOTS), EDGE_OWN, ".__slots__");
	if (layout_has(l, F_HT_QUALNAME))
		edge_emit_text(b, object_u64(r, o, F_HT_QUALNAME), EDGE_OWN, ".__qualname__");
	if (layout_has(l, F_HT_CACHED_KEYS))
		visit_cached_keys(r, o);
}

static uint64_t size_type(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	addr_t keys = 0;

	// 2.7's type has no __sizeof__ of its own.
	if (!layout_has(l, F_HT_CACHED_KEYS))
		return o->type->basicsize + o->type->itemsize * py_var_size(r, o);
	if (object_is_static_type(r, o))
		return l->struct_size[S_PyTypeObject];
	if (o->n >= l->struct_size[S_PyHeapTypeObject])
		keys = object_u64(r, o, F_HT_CACHED_KEYS);
	return l->struct_size[S_PyHeapTypeObject] + (keys ? dict_keys_sizeof(r, keys) : 0);
}

static void repr_type(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const struct py_type *self = py_type_get(r, o->addr);

	strbuf_printf(out, "<class '%s'>", self ? self->name : "?");
}

const struct py_family family_type = {
	.types = "type",
	.reads = S_PyTypeObject,
	.visit = visit_type,
	.size = size_type,
	.repr = repr_type,
};
