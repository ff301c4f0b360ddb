// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/drawing.h"

#include "session/chain_search.h"

#include <assert.h>

void drawing_init(struct drawing *d, struct session *s, struct ccore_result *r)
{
	*d = (struct drawing){.s = s, .nodes = &r->table, .edges = &r->edges};
	d->c_id = table_column(d->nodes, "id", "", CCORE_U64, 0);
	d->c_addr = table_column(d->nodes, "addr", "", CCORE_ADDR, COLUMN_NULLABLE);
	d->c_type = table_column(d->nodes, "type", "", CCORE_STR, 0);
	d->c_refcount = table_column(d->nodes, "refcount", "", CCORE_U64, COLUMN_NULLABLE);
	d->c_repr = table_column(d->nodes, "repr", "", CCORE_STR, 0);
	d->c_role = table_column(d->nodes, "role", "", CCORE_STR, 0);
	d->nodes->noun = "nodes";
	d->c_source = table_column(d->edges, "source", "", CCORE_U64, 0);
	d->c_target = table_column(d->edges, "target", "", CCORE_U64, 0);
	d->c_label = table_column(d->edges, "label", "", CCORE_STR, 0);
	d->c_kind = table_column(d->edges, "kind", "", CCORE_STR, 0);
}

void drawing_done(struct drawing *d)
{
	hashmap_done(&d->drawn);
	hashmap_done(&d->connected);
	vec_done(&d->order);
}

const char *node_role(const struct session *s, uint32_t id)
{
	if (id >= s->heap.node_n)
		return "root";
	return heap_node_type(&s->heap, id)->family == &family_module ? "module" : "";
}

static uint64_t refcount_of(struct session *s, uint32_t id)
{
	struct py_reader *r = heap_reader(&s->heap);
	struct py_object o;
	bool immortal;
	uint64_t n;

	if (id >= s->heap.node_n || !py_object_open(r, s->heap.node_addr[id], &o))
		return TABLE_UNKNOWN;
	n = py_refcount(r, &o, &immortal);
	return immortal ? TABLE_UNKNOWN : n;
}

int drawing_node(struct drawing *d, uint32_t id, const char *role, uint32_t *ret,
		 struct ccore_error *err)
{
	uint64_t row;

	if (hashmap_get(&d->drawn, id + 1ull, ret)) {
		if (role)
			table_set_str(d->nodes, *ret, d->c_role, role);
		return 0;
	}
	row = table_row(d->nodes);
	*ret = (uint32_t)row;
	if (!hashmap_put(&d->drawn, id + 1ull, *ret) || !vec_push(&d->order, id))
		return err_nomem(err);
	table_set_u64(d->nodes, row, d->c_id, row);
	table_set_u64(d->nodes, row, d->c_addr, node_address(d->s, id));
	table_set_text(d->nodes, row, d->c_type, d->s, id, node_type_text);
	table_set_u64(d->nodes, row, d->c_refcount, refcount_of(d->s, id));
	table_set_text(d->nodes, row, d->c_repr, d->s, id, node_repr_text);
	table_set_str(d->nodes, row, d->c_role, role ? role : node_role(d->s, id));
	return 1;
}

static void add_edge_row(struct drawing *d, uint32_t source_row, uint32_t target_row,
			 const char *label, const char *kind)
{
	const uint64_t row = table_row(d->edges);

	table_set_u64(d->edges, row, d->c_source, source_row);
	table_set_u64(d->edges, row, d->c_target, target_row);
	table_set_str(d->edges, row, d->c_label, label);
	table_set_str(d->edges, row, d->c_kind, kind);
}

int drawing_edge(struct drawing *d, uint32_t source_row, uint32_t target_row, const struct edge *e,
		 struct ccore_error *err)
{
	const uint64_t key = ((uint64_t)source_row << 32 | target_row) + 1;
	const uint32_t *ids = d->order.data;
	enum edge_kind kind = e ? (enum edge_kind)e->kind : EDGE_VISIT;
	struct strbuf label = {0};
	uint32_t before;

	assert(ids && source_row < d->order.n && target_row < d->order.n);
	if (hashmap_get(&d->connected, key, &before))
		return 0;
	if (!hashmap_put(&d->connected, key, 0))
		return err_nomem(err);
	if (!e)
		kind = chain_edge(d->s, ids[source_row], ids[target_row], &label);
	else if (e->kind == EDGE_GUESS)
		strbuf_putc(&label, '~');
	if (e)
		references_label(&d->s->heap, ids[source_row], e, &label);
	d->edges->failed |= label.failed;
	add_edge_row(d, source_row, target_row, label.n ? label.data + (label.data[0] == ' ') : "",
		     edge_kind_name(kind));
	strbuf_done(&label);
	return 0;
}

int drawing_more(struct drawing *d, uint32_t row, bool back, uint64_t n, struct ccore_error *err)
{
	const uint64_t more = table_row(d->nodes);
	struct strbuf text = {0};

	if (!vec_push(&d->order, DRAWING_MORE))
		return err_nomem(err);
	strbuf_puts(&text, "… ");
	strbuf_add_count(&text, n);
	strbuf_puts(&text, " more");
	d->nodes->failed |= text.failed;
	table_set_u64(d->nodes, more, d->c_id, more);
	table_set_u64(d->nodes, more, d->c_addr, TABLE_UNKNOWN);
	table_set_u64(d->nodes, more, d->c_refcount, TABLE_UNKNOWN);
	table_set_str(d->nodes, more, d->c_type, text.data ? text.data : "");
	table_set_str(d->nodes, more, d->c_repr, "");
	table_set_str(d->nodes, more, d->c_role, "more");
	add_edge_row(d, back ? (uint32_t)more : row, back ? row : (uint32_t)more, "", "");
	strbuf_done(&text);
	return 0;
}
