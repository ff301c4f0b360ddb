// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/chain_search.h"

#include "util/hashmap.h"

#include <assert.h>

struct drawing {
	struct session *s;
	struct graph *g;
	struct table *nodes, *edges;
	struct hashmap drawn; // node id + 1 -> row
	VEC(uint32_t) order;  // node ids by row
	uint64_t too_many;
	const char *filter;
	uint64_t c_id, c_addr, c_type, c_repr, c_role;
	uint64_t c_source, c_target, c_label, c_kind;
};

static void add_columns(struct drawing *d)
{
	d->c_id = table_column(d->nodes, "id", "", CCORE_U64, 0);
	d->c_addr = table_column(d->nodes, "addr", "", CCORE_ADDR, 0);
	d->c_type = table_column(d->nodes, "type", "", CCORE_STR, 0);
	d->c_repr = table_column(d->nodes, "repr", "", CCORE_STR, 0);
	d->c_role = table_column(d->nodes, "role", "", CCORE_STR, 0);
	d->nodes->noun = "nodes";
	d->c_source = table_column(d->edges, "source", "", CCORE_U64, 0);
	d->c_target = table_column(d->edges, "target", "", CCORE_U64, 0);
	d->c_label = table_column(d->edges, "label", "", CCORE_STR, 0);
	d->c_kind = table_column(d->edges, "kind", "", CCORE_STR, 0);
}

static const char *role_of(const struct heap *h, uint32_t id)
{
	if (id >= h->node_n)
		return "root";
	return heap_node_type(h, id)->family == &family_module ? "module" : "";
}

// Draw `id` unless it is drawn; its row in *ret. 1 when it is new.
static int add_node(struct drawing *d, uint32_t id, const char *role, uint32_t *ret,
		    struct ccore_error *err)
{
	uint64_t row;

	if (hashmap_get(&d->drawn, id + 1ull, ret))
		return 0;
	row = table_row(d->nodes);
	*ret = (uint32_t)row;
	if (!hashmap_put(&d->drawn, id + 1ull, *ret) || !vec_push(&d->order, id))
		return err_nomem(err);
	table_set_u64(d->nodes, row, d->c_id, row);
	table_set_u64(d->nodes, row, d->c_addr, node_address(d->s, id));
	table_set_text(d->nodes, row, d->c_type, d->s, id, node_type_text);
	table_set_text(d->nodes, row, d->c_repr, d->s, id, node_repr_text);
	table_set_str(d->nodes, row, d->c_role, role ? role : role_of(&d->s->heap, id));
	return 1;
}

static void add_edge(struct drawing *d, uint32_t source_row, uint32_t target_row)
{
	const uint64_t row = table_row(d->edges);
	const uint32_t *ids = d->order.data;
	struct strbuf label = {0};
	enum edge_kind kind;

	assert(ids && source_row < d->order.n && target_row < d->order.n);
	kind = chain_edge(d->s, ids[source_row], ids[target_row], &label);

	table_set_u64(d->edges, row, d->c_source, source_row);
	table_set_u64(d->edges, row, d->c_target, target_row);
	table_set_str(d->edges, row, d->c_label,
		      label.n ? label.data + (label.data[0] == ' ') : "");
	table_set_str(d->edges, row, d->c_kind, edge_kind_name(kind));
	d->edges->failed |= label.failed;
	strbuf_done(&label);
}

// -- a chain

static int draw_chain(struct drawing *d, const struct path *p, struct ccore_error *err)
{
	uint32_t before = 0;

	for (uint64_t i = 0; i < p->ids.n; i++) {
		const bool last = i + 1 == p->ids.n;
		uint32_t row;
		int added = add_node(d, p->ids.data[i], last ? "object" : NULL, &row, err);

		if (added < 0)
			return added;
		// Chains may share their last part.
		if (i && (added || last))
			add_edge(d, before, row);
		before = row;
	}
	return 0;
}

static int draw_chains(struct drawing *d, const struct args *a, struct ccore_result *r,
		       struct ccore_error *err)
{
	struct chain_request q;
	struct paths found;
	int status = 0;

	TRY(chain_request_from(a, &q, err));
	TRY(chains_find(d->s, &q, &found, r, err));
	for (uint64_t i = 0; status == 0 && i < found.all.n; i++)
		status = draw_chain(d, &found.all.data[i], err);
	paths_done(&found);
	return status;
}

// -- a neighbourhood

static bool is_filtered(const struct drawing *d, uint32_t id)
{
	return d->filter && id < d->s->heap.node_n &&
	       type_name_matches(heap_node_type(&d->s->heap, id)->name, d->filter);
}

static int draw_neighbours(struct drawing *d, uint32_t row, bool back, uint64_t *left_out,
			   struct ccore_error *err)
{
	const uint32_t id = d->order.data[row];
	const uint64_t *first = back ? d->g->in_first : d->g->out_first;
	const uint32_t *to = back ? d->g->in : d->g->out;
	uint64_t drawn = 0;

	for (uint64_t e = first[id]; e < first[id + 1]; e++) {
		const uint32_t other = to[e] & ~GRAPH_GUESS;
		uint32_t other_row;
		int added;

		if (is_filtered(d, other) || (e > first[id] && to[e] == to[e - 1]) ||
		    (back && session_is_leftover(d->s, other, id)))
			continue;
		if (drawn == d->too_many) {
			++*left_out;
			continue;
		}
		added = add_node(d, other, NULL, &other_row, err);
		if (added < 0)
			return added;
		drawn++;
		add_edge(d, back ? other_row : row, back ? row : other_row);
	}
	return 0;
}

static int draw_around(struct drawing *d, uint32_t id, bool back, uint64_t depth,
		       uint64_t *left_out, struct ccore_error *err)
{
	uint32_t row;
	uint64_t first, end;

	TRY(add_node(d, id, "object", &row, err));
	first = row;
	end = d->order.n;
	for (uint64_t level = 0; level < depth; level++) {
		for (uint64_t i = first; i < end; i++)
			// Roots and modules are where one stops looking back.
			if (i == row || !back || !*role_of(&d->s->heap, d->order.data[i]))
				TRY(draw_neighbours(d, (uint32_t)i, back, left_out, err));
		first = end;
		end = d->order.n;
	}
	return 0;
}

static int draw_object(struct drawing *d, uint32_t id, const struct args *a, uint64_t *left_out,
		       struct ccore_error *err)
{
	const char *direction = args_str(a, "--direction");
	uint64_t depth;

	TRY(args_u64(a, "--depth", &depth, err));
	if (strcmp(direction, "forward") != 0)
		TRY(draw_around(d, id, true, depth, left_out, err));
	if (strcmp(direction, "back") != 0)
		TRY(draw_around(d, id, false, depth, left_out, err));
	return 0;
}

static int draw_objects(struct drawing *d, const struct args *a, struct ccore_result *r,
			struct ccore_error *err)
{
	const struct residue *residue;
	struct node_list nodes = {0};
	uint64_t left_out = 0, n;
	uint32_t id;
	addr_t addr;
	int status = 0;

	TRY(args_u64(a, "--too-many", &d->too_many, err));
	TRY(session_graph(d->s, &d->g, err));
	TRY(session_residue(d->s, &residue, err));
	if (parse_addr(a->argument, &addr)) {
		TRY(session_node(d->s, a->argument, &id, err));
		status = draw_object(d, id, a, &left_out, err);
	} else {
		TRY(session_nodes_of_type(d->s, a->argument, false, &nodes, err));
		n = nodes.ids.n < d->too_many ? nodes.ids.n : d->too_many;
		for (uint64_t i = 0; status == 0 && i < n; i++)
			status = draw_object(d, nodes.ids.data[i], a, &left_out, err);
		if (n < nodes.ids.n)
			result_note(r, "%llu of %llu objects of this type are drawn (--too-many)",
				    (unsigned long long)n, (unsigned long long)nodes.ids.n);
		vec_done(&nodes.ids);
	}
	if (status == 0 && left_out)
		result_note(r, "%llu references are not drawn (--too-many)",
			    (unsigned long long)left_out);
	return status;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct drawing d = {
		.s = s,
		.nodes = &r->table,
		.edges = &r->edges,
		.filter = args_str(a, "--filter"),
	};
	int status;

	TRY(heap_need_nodes(&s->heap, err));
	add_columns(&d);
	status = args_flag(a, "--chain") ? draw_chains(&d, a, r, err) : draw_objects(&d, a, r, err);
	hashmap_done(&d.drawn);
	vec_done(&d.order);
	return status == 0 ? table_finish(&r->edges, UINT64_MAX, err) : status;
}

const struct command command_graph = {
	.name = "graph",
	.summary = "draw what refers to an object, or what it refers to",
	.argument = "ADDR|TYPE",
	.details = "Modules are green, the object is red, guesses are dashed. --chain draws only "
		   "what `why` "
		   "lists. Pictures need graphviz.",
	.example = "graph DB --chain --format svg -o why-DB.svg\n",
	.params =
		{
			{"--format", "FORMAT", "dot|svg|png", "dot", "what to write"},
			{"--chain", NULL, NULL, NULL, "only the chain that keeps it alive"},
			{"--direction", "WAY", "back|forward|both", "back", "which references"},
			{"--depth", "N", NULL, "3", "how far from the object"},
			{"--too-many", "N", NULL, "10", "neighbours of one object to draw at most"},
			{"--filter", "TYPE", NULL, NULL, "leave out objects of this type"},
			CHAIN_PARAMS,
		},
	.run = run,
};
