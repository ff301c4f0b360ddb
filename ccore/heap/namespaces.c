// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/namespaces.h"

#include "py/families.h"

static void take_dict(struct edge_buffer *b)
{
	addr_t *ret = b->sink.ctx;

	for (uint32_t i = 0; i < b->n; i++)
		if (b->items[i].label == LABEL_TEXT &&
		    strcmp((const char *)(uintptr_t)b->items[i].word, ".__dict__") == 0)
			*ret = b->items[i].to;
}

// Of 2.7's instances and classes their references tell.
static addr_t old_namespace(struct py_reader *r, const struct py_object *o)
{
	struct edge_sink before;
	addr_t dict = 0;

	edge_redirect(&r->edges, take_dict, &dict, false, &before);
	py_visit(r, o);
	edge_flush(&r->edges);
	edge_restore(&r->edges, &before);
	return dict;
}

static addr_t namespace_of(struct py_reader *r, const struct py_object *o)
{
	struct instance_attrs at;

	if (o->type->family == &family_module)
		return object_u64(r, o, F_MD_DICT);
	if (o->type->flags & TYPE_IS_TYPE)
		return type_dict(r, o->addr);
	if (o->type->family == &family_class27 || o->type->family == &family_instance27)
		return old_namespace(r, o);
	instance_attrs(r, o, &at);
	return at.dict;
}

void namespaces_find(struct heap *h)
{
	struct py_reader *r = heap_reader(h);
	const struct damage before = r->damage;
	struct py_object o;

	for (uint64_t id = 0; id < h->node_n && h->py.namespaces.n < LIM_NAMESPACES; id++) {
		const struct py_type *type = heap_node_type(h, id);
		addr_t dict;

		if (h->node_flags[id] & NODE_BAD || type->family == &family_dict ||
		    !py_object_open(r, h->node_addr[id], &o))
			continue;
		dict = namespace_of(r, &o);
		if (dict && !hashmap_put(&h->py.namespaces, dict, 1))
			return; // keys of those that are not known are redacted
	}
	r->damage = before;
}
