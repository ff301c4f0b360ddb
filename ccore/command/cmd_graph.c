// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/chain_options.h"
#include "command/drawing.h"

#include <stdlib.h>

// What surrounds some objects, drawn level by level.
struct surroundings {
	struct drawing *d;
	struct graph *g;	 // of backward references
	const uint8_t *left_out; // by type index, or NULL
	const uint8_t *kept;	 // by type index, or NULL for all
	uint64_t too_many, depth;
	uint64_t cut_n;		   // references that are not drawn
	VEC(uint32_t) level, next; // rows
};

// A neighbour, and the reference that says most; not known (`e.to` 0) of those backward.
struct neighbour {
	uint32_t id;
	struct edge e;
};

struct neighbours {
	const struct surroundings *a;
	VEC(struct neighbour) all;
	struct hashmap at; // id + 1 -> index
	bool failed;	   // memory ran out
};

static bool is_drawable(const struct surroundings *a, uint32_t id)
{
	const struct heap *h = &a->d->s->heap;

	if (id >= h->node_n)
		return true;
	if (a->left_out && a->left_out[h->node_type[id]])
		return false;
	return !a->kept || a->kept[h->node_type[id]] || *node_role(a->d->s, id);
}

static void add_neighbour(struct neighbours *n, uint32_t id, const struct edge *e)
{
	const struct neighbour new = {.id = id, .e = e ? *e : (struct edge){0}};
	uint32_t i;

	if (!is_drawable(n->a, id))
		return;
	if (!hashmap_get(&n->at, id + 1ull, &i)) {
		n->failed |= !hashmap_put(&n->at, id + 1ull, (uint32_t)n->all.n) ||
			     !vec_push(&n->all, new);
	} else if (e && i < n->all.n && edge_says_more(e, &n->all.data[i].e)) {
		n->all.data[i].e = *e;
	}
}

static bool take_forward(void *ctx, const struct edge *e)
{
	struct neighbours *n = ctx;
	const struct heap *h = &n->a->d->s->heap;
	uint32_t id;

	// Plain keys are seen in the labels of their values.
	if (heap_node(h, e->to, &id) &&
	    !(e->label == LABEL_KEY_ITSELF && heap_node_type(h, id)->flags & TYPE_LEAF))
		add_neighbour(n, id, e);
	return !n->failed;
}

static int find_neighbours(struct surroundings *a, uint32_t id, bool back, struct neighbours *ret,
			   struct ccore_error *err)
{
	struct session *s = a->d->s;
	const uint32_t *sources;
	uint64_t n;

	*ret = (struct neighbours){.a = a};
	if (!back) {
		references_each(&s->heap, id, take_forward, ret);
	} else {
		sources = graph_sources(a->g, id, &n);
		for (uint64_t i = 0; i < n && !ret->failed; i++) {
			if (!session_is_leftover(s, sources[i] & ~GRAPH_GUESS, id))
				add_neighbour(ret, sources[i] & ~GRAPH_GUESS, NULL);
			TRY(progress_poll(&s->progress, "reading referrers", i, n, err));
		}
	}
	return ret->failed ? err_nomem(err) : 0;
}

static int draw_neighbour(struct surroundings *a, uint32_t row, bool back,
			  const struct neighbour *n, struct ccore_error *err)
{
	uint32_t other;
	const int added = drawing_node(a->d, n->id, NULL, &other, err);

	if (added < 0)
		return added;
	if (added && !vec_push(&a->next, other))
		return err_nomem(err);
	return back ? drawing_edge(a->d, other, row, NULL, err)
		    : drawing_edge(a->d, row, other, &n->e, err);
}

static int draw_neighbours(struct surroundings *a, uint32_t row, bool back, struct ccore_error *err)
{
	struct neighbours n;
	int r = find_neighbours(a, a->d->order.data[row], back, &n, err);
	const uint64_t shown = n.all.n < a->too_many ? n.all.n : a->too_many;

	for (uint64_t i = 0; r == 0 && i < shown; i++)
		r = draw_neighbour(a, row, back, &n.all.data[i], err);
	if (r == 0 && n.all.n > shown) {
		a->cut_n += n.all.n - shown;
		r = drawing_more(a->d, row, back, n.all.n - shown, err);
	}
	vec_done(&n.all);
	hashmap_done(&n.at);
	return r;
}

static int draw_level(struct surroundings *a, bool back, bool first, struct ccore_error *err)
{
	a->next.n = 0;
	for (uint64_t i = 0; i < a->level.n; i++) {
		const uint32_t row = a->level.data[i];

		// Roots and modules are where one stops looking back.
		if (first || !back || !*node_role(a->d->s, a->d->order.data[row]))
			TRY(draw_neighbours(a, row, back, err));
	}
	a->level.n = 0;
	for (uint64_t i = 0; i < a->next.n; i++)
		if (!vec_push(&a->level, a->next.data[i]))
			return err_nomem(err);
	return 0;
}

static int draw_around(struct surroundings *a, uint32_t row, bool back, struct ccore_error *err)
{
	a->level.n = 0;
	if (!vec_push(&a->level, row))
		return err_nomem(err);
	for (uint64_t i = 0; i < a->depth && a->level.n; i++)
		TRY(draw_level(a, back, i == 0, err));
	return 0;
}

static int draw_object(struct surroundings *a, uint32_t id, const char *direction,
		       struct ccore_error *err)
{
	uint32_t row;
	const int added = drawing_node(a->d, id, "object", &row, err);

	if (added < 0)
		return added;
	if (strcmp(direction, "forward") != 0)
		TRY(draw_around(a, row, true, err));
	return strcmp(direction, "back") != 0 ? draw_around(a, row, false, err) : 0;
}

static int draw_objects(struct surroundings *a, const struct args *args, struct ccore_result *r,
			struct ccore_error *err)
{
	const char *direction = args_str(args, "--direction");
	const struct residue *residue;
	struct node_list nodes;
	uint64_t n;
	int status = 0;

	if (strcmp(direction, "forward") != 0) {
		TRY(session_residue(a->d->s, &residue, err));
		TRY(session_graph(a->d->s, &a->g, err));
	}
	TRY(session_named_nodes(a->d->s, args->argument, &nodes, err));
	n = nodes.ids.n < a->too_many ? nodes.ids.n : a->too_many;
	for (uint64_t i = 0; status == 0 && i < n; i++)
		status = draw_object(a, nodes.ids.data[i], direction, err);
	if (n < nodes.ids.n)
		result_note(r, "%llu of %llu objects of this type are drawn (--too-many)",
			    (unsigned long long)n, (unsigned long long)nodes.ids.n);
	if (a->cut_n)
		result_note(r, "%llu references are not drawn (--too-many)",
			    (unsigned long long)a->cut_n);
	vec_done(&nodes.ids);
	return status;
}

// The types that the values of option `name` name together; NULL when it is not given.
static int types_of(struct session *s, const struct args *a, const char *name, uint8_t **ret,
		    struct ccore_error *err)
{
	const char *pattern;
	uint64_t n = 0; // of *ret: a pattern may make more types known
	uint8_t *match;

	for (uint64_t i = 0; (pattern = args_each(a, name, i)); i++) {
		TRY(session_match_types(s, pattern, &match, err));
		for (uint64_t t = 0; t < n; t++)
			match[t] |= (*ret)[t];
		free(*ret);
		*ret = match;
		n = s->heap.py.types.n;
	}
	return 0;
}

static int draw_surroundings(struct drawing *d, const struct args *args, struct ccore_result *r,
			     struct ccore_error *err)
{
	struct surroundings a = {.d = d};
	uint8_t *left_out = NULL, *kept = NULL;
	int status = args_u64(args, "--too-many", &a.too_many, err);

	if (status == 0)
		status = args_u64(args, "--depth", &a.depth, err);
	if (status == 0)
		status = types_of(d->s, args, "--filter", &left_out, err);
	if (status == 0)
		status = types_of(d->s, args, "--only", &kept, err);
	a.left_out = left_out;
	a.kept = kept;
	if (status == 0)
		status = draw_objects(&a, args, r, err);
	free(left_out);
	free(kept);
	vec_done(&a.level);
	vec_done(&a.next);
	return status;
}

// -- chains

static int draw_chain(struct drawing *d, const struct path *p, struct ccore_error *err)
{
	uint32_t before = 0;

	for (uint64_t i = 0; i < p->ids.n; i++) {
		const bool last = i + 1 == p->ids.n;
		uint32_t row;
		const int added =
			drawing_node(d, p->ids.data[i], last ? "object" : NULL, &row, err);

		if (added < 0)
			return added;
		if (i)
			TRY(drawing_edge(d, before, row, NULL, err));
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

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct drawing d;
	int status;

	TRY(heap_need_nodes(&s->heap, err));
	drawing_init(&d, s, r);
	status = args_flag(a, "--chain") ? draw_chains(&d, a, r, err)
					 : draw_surroundings(&d, a, r, err);
	drawing_done(&d);
	return status == 0 ? table_finish(&r->edges, UINT64_MAX, err) : status;
}

const struct command command_graph = {
	.name = "graph",
	.summary = "draw what refers to an object, or what it refers to",
	.argument = "ADDR|TYPE",
	.details = "Modules are green, the object is red, guesses are dashed; what keeps nothing "
		   "alive is dotted. \"… 120 more\" stands for neighbours that --too-many leaves "
		   "out. --chain draws only what `why` lists. Pictures need graphviz.",
	.example = "graph DB --chain --format svg -o why-DB.svg\n",
	.params =
		{
			{"--format", "FORMAT", "dot|svg|png", "dot", "what to write"},
			{"--chain", NULL, NULL, NULL, "only the chain that keeps it alive"},
			{"--direction", "WAY", "back|forward|both", "back", "which references"},
			{"--depth", "N", NULL, "3", "how far from the object"},
			{"--too-many", "N", NULL, "10", "neighbours of one object to draw at most"},
			{"--filter", "TYPE...", NULL, NULL,
			 "leave out objects of this type; may be given again"},
			{"--only", "TYPE...", NULL, NULL,
			 "draw only these types, modules and roots; may be given again"},
			CHAIN_PARAMS,
		},
	.run = run,
};
