// SPDX-License-Identifier: GPL-2.0-or-later
#include "graph/references.h"

// One thread's visit of one node.
struct visit {
	const struct heap *h;
	struct graph_targets *out;
};

static void take_edges(struct edge_buffer *b)
{
	const struct visit *v = b->sink.ctx;

	for (uint32_t i = 0; i < b->n; i++)
		__builtin_prefetch(addrset_slot(&v->h->set, b->items[i].to));
	for (uint32_t i = 0; i < b->n; i++) {
		const struct edge *e = &b->items[i];
		uint32_t id;

		if (e->kind == EDGE_WEAK || e->kind == EDGE_BORROWED ||
		    !heap_node(v->h, e->to, &id))
			continue;
		graph_targets_add(v->out, e->kind == EDGE_GUESS ? id | GRAPH_GUESS : id);
	}
}

static void take_visited(struct edge_buffer *b)
{
	const struct visit *v = b->sink.ctx;

	for (uint32_t i = 0; i < b->n; i++)
		__builtin_prefetch(addrset_slot(&v->h->set, b->items[i].to));
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t id;

		if (b->items[i].kind == EDGE_VISIT && heap_node(v->h, b->items[i].to, &id))
			graph_targets_add(v->out, id);
	}
}

void references_emit(struct heap *h, struct py_reader *r, uint32_t id)
{
	struct py_object o;

	if (id >= h->node_n)
		root_visit(r, &h->runtime, &h->roots.all.data[id - h->node_n]);
	else if (!(h->node_flags[id] & NODE_BAD) && py_object_open(r, h->node_addr[id], &o))
		py_visit(r, &o);
}

void references_visit(struct heap *h, struct py_reader *r, uint32_t id,
		      void (*flush)(struct edge_buffer *), void *ctx)
{
	struct edge_sink before;

	edge_redirect(&r->edges, flush, ctx, false, &before);
	references_emit(h, r, id);
	edge_restore(&r->edges, &before);
}

// Nodes among which those that are emulated together are looked for.
#define LOOK_AHEAD 65536u

static bool wants_prefetch(struct heap *h, const struct py_reader *r, uint32_t id)
{
	return id < h->node_n && !(h->node_flags[id] & NODE_BAD) &&
	       py_wants_prefetch(r, heap_node_type(h, id), h->node_addr[id]);
}

void references_prefetch(struct heap *h, struct py_reader *r, uint32_t id, uint64_t end)
{
	addr_t objects[PY_PREFETCH];
	uint64_t n = 0;

	if (!wants_prefetch(h, r, id))
		return;
	for (uint64_t i = id; i < u64_min(end, h->node_n) && n < PY_PREFETCH; i++)
		if (wants_prefetch(h, r, (uint32_t)i))
			objects[n++] = h->node_addr[i];
	py_prefetch(r, objects, n);
}

static void visit_node(struct heap *h, uint32_t thread, uint32_t id, struct graph_targets *out,
		       void (*take)(struct edge_buffer *))
{
	struct visit v = {.h = h, .out = out};

	references_prefetch(h, &h->readers[thread], id, (uint64_t)id + LOOK_AHEAD);
	references_visit(h, &h->readers[thread], id, take, &v);
}

static void visit_for_graph(void *ctx, uint32_t thread, uint32_t id, struct graph_targets *out)
{
	visit_node(ctx, thread, id, out, take_edges);
}

static void visit_as_collector(void *ctx, uint32_t thread, uint32_t id, struct graph_targets *out)
{
	const struct heap *h = ctx;

	if (id < h->node_n)
		visit_node(ctx, thread, id, out, take_visited);
}

// A search for chains wants this for each node.
#define SEARCH_BYTES 8u

int references_nomem(const struct heap *h, struct ccore_error *err)
{
	return err_set(err, CCORE_ENOMEM, 0,
		       "the index of references needs more memory than there is (limit %llu MiB): "
		       "raise --max-memory; types, objects, show, refs, backrefs and export do "
		       "without it",
		       (unsigned long long)(h->opts.max_bytes >> 20));
}

uint64_t references_max_bytes(const struct heap *h)
{
	const uint64_t taken = heap_bytes(h) + h->node_n * SEARCH_BYTES;

	return h->opts.max_bytes - u64_min(taken, h->opts.max_bytes);
}

static int build(struct graph *ret, struct heap *h, uint64_t max_bytes, graph_visit_fn visit,
		 struct ccore_error *err)
{
	struct damage before[PARALLEL_MAX] = {0};
	int r;

	// The same objects are read a second time: what is wrong with them has been counted.
	for (uint32_t i = 0; i < h->thread_n; i++)
		before[i] = h->readers[i].damage;
	heap_limit_edges(h);
	r = graph_build(ret, (uint32_t)(h->node_n + h->roots.all.n), h->thread_n, max_bytes, visit,
			h, &h->opts.progress, err);
	for (uint32_t i = 0; i < h->thread_n; i++)
		h->readers[i].damage = before[i];
	return r == CCORE_ENOMEM ? references_nomem(h, err) : r;
}

int references_build(struct graph *ret, struct heap *h, struct ccore_error *err)
{
	TRY(heap_need_roots(h, err));
	return build(ret, h, references_max_bytes(h), visit_for_graph, err);
}

int references_build_visited(struct graph *ret, struct heap *h, uint64_t max_bytes,
			     struct ccore_error *err)
{
	TRY(heap_need_roots(h, err));
	return build(ret, h, max_bytes, visit_as_collector, err);
}

// -- one node at a time

struct each {
	references_fn fn;
	void *ctx;
	bool stopped;
	uint64_t left; // of the buffer, when it was stopped
};

static void give_edges(struct edge_buffer *b)
{
	struct each *each = b->sink.ctx;

	for (uint32_t i = 0; i < b->n && !each->stopped; i++) {
		each->stopped = !each->fn(each->ctx, &b->items[i]);
		if (each->stopped) {
			each->left = b->left - u64_min(b->left, i);
			b->left = 0; // no more is read
		}
	}
}

void references_each(struct heap *h, uint32_t id, references_fn fn, void *ctx)
{
	struct py_reader *r = heap_reader(h);
	struct each each = {.fn = fn, .ctx = ctx};
	const struct damage damage = r->damage;
	const struct heap_allowance before = {r->edges.left, r->py->emu_left};

	r->edges.left = h->singly.words;
	r->py->emu_left = h->singly.steps;
	references_visit(h, r, id, give_edges, &each);
	h->singly.words = each.stopped ? each.left : r->edges.left;
	h->singly.steps = r->py->emu_left;
	r->edges.left = before.words;
	r->py->emu_left = before.steps;
	r->damage = damage;
	if (!h->singly.words || h->singly.steps <= 0)
		damage_note(&r->damage, DAMAGE_LIMIT, id < h->node_n ? h->node_addr[id] : 0);
}

void references_label(struct heap *h, uint32_t id, const struct edge *e, struct strbuf *out)
{
	struct py_reader *r = heap_reader(h);
	struct py_object o;

	if (id >= h->node_n)
		root_edge_label(r, &h->roots.all.data[id - h->node_n], e, out);
	else if (py_object_open(r, h->node_addr[id], &o))
		py_edge_label(r, &o, e, out);
}
