// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads take pieces of the nodes and add one to the target of each edge. Keys that several
 * dicts share are held by their table, not by each dict: the tables met are collected, and
 * each is counted once when all objects have been visited.
 */
#include "graph/counted.h"

#include "graph/references.h"
#include "util/parallel.h"

#include <stdlib.h>

#define PIECE 4096u // nodes that a thread takes at once

struct tables {
	VEC(addr_t) all;
	bool failed; // memory ran out
};

struct counting {
	struct heap *h;
	_Atomic uint32_t *known;
	_Atomic uint8_t *guessed;
	_Atomic uint64_t next;
	_Atomic int stop;
	struct tables tables[PARALLEL_MAX];
	struct ccore_error *err;
};

// One thread's part.
struct counter {
	struct counting *c;
	struct tables *tables;
};

static void add_table(struct tables *t, addr_t table)
{
	// The keys of one dict come one after the other.
	if ((!t->all.n || t->all.data[t->all.n - 1] != table) && !vec_push(&t->all, table))
		t->failed = true;
}

static void count_edges(struct edge_buffer *b)
{
	struct counter *me = b->sink.ctx;
	const struct heap *h = me->c->h;

	for (uint32_t i = 0; i < b->n; i++)
		__builtin_prefetch(addrset_slot(&h->set, b->items[i].to));
	for (uint32_t i = 0; i < b->n; i++) {
		const struct edge *e = &b->items[i];
		uint32_t id;

		if (e->uncounted && e->label == LABEL_KEY_ITSELF && e->word)
			add_table(me->tables, e->word);
		if (e->uncounted || !(edge_is_strong(e) || e->kind == EDGE_GUESS) ||
		    !heap_node(h, e->to, &id))
			continue;
		if (e->kind == EDGE_GUESS)
			atomic_store_explicit(&me->c->guessed[id], 1, memory_order_relaxed);
		else
			atomic_fetch_add_explicit(&me->c->known[id], 1, memory_order_relaxed);
	}
}

// Objects that the compiler made, with a huge refcount, hold others without counting.
static bool holds_uncounted(const struct heap *h, struct py_reader *r, uint64_t id)
{
	struct py_object o;

	return id < h->node_n && h->layout.facts[FACT_STATIC_REFCNT] &&
	       py_object_open(r, h->node_addr[id], &o) && py_refcount_is_static(r, &o);
}

static int count_piece(struct counting *c, uint32_t thread, uint64_t first, uint64_t end)
{
	struct py_reader *r = &c->h->readers[thread];
	struct counter me = {.c = c, .tables = &c->tables[thread]};
	struct edge_sink before;

	edge_redirect(&r->edges, count_edges, &me, true, &before);
	for (uint64_t id = first; id < end; id++) {
		references_prefetch(c->h, r, (uint32_t)id, end);
		if (!holds_uncounted(c->h, r, id))
			references_emit(c->h, r, (uint32_t)id);
	}
	edge_flush(&r->edges);
	edge_restore(&r->edges, &before);
	return me.tables->failed ? CCORE_ENOMEM : 0;
}

static int count_on_thread(void *ctx, uint32_t thread)
{
	struct counting *c = ctx;
	const uint64_t n = c->h->node_n + c->h->roots.all.n;
	int r = 0;

	while (r == 0 && !atomic_load(&c->stop)) {
		const uint64_t first = atomic_fetch_add(&c->next, PIECE);

		if (first >= n)
			break;
		r = count_piece(c, thread, first, u64_min(first + PIECE, n));
		// The callback belongs to the calling thread.
		if (r == 0 && thread == 0)
			r = progress_report(&c->h->opts.progress, "counting references", first, n,
					    c->err);
	}
	if (r < 0)
		atomic_store(&c->stop, 1);
	return r;
}

static int by_address(const void *a, const void *b)
{
	const addr_t x = *(const addr_t *)a, y = *(const addr_t *)b;

	return (x > y) - (x < y);
}

// The tables that all threads met, each once.
static int count_tables(struct counting *c)
{
	struct py_reader *r = heap_reader(c->h);
	struct counter me = {.c = c, .tables = &c->tables[0]};
	struct tables all = {0};
	struct edge_sink before;

	for (uint32_t t = 0; t < c->h->thread_n; t++)
		for (uint64_t i = 0; i < c->tables[t].all.n; i++)
			add_table(&all, c->tables[t].all.data[i]);
	if (all.all.n)
		qsort(all.all.data, all.all.n, sizeof(addr_t), by_address);
	edge_redirect(&r->edges, count_edges, &me, true, &before);
	for (uint64_t i = 0; !all.failed && i < all.all.n; i++)
		if (!i || all.all.data[i] != all.all.data[i - 1])
			dict_keys_visit(r, all.all.data[i], all.all.data[i]);
	edge_flush(&r->edges);
	edge_restore(&r->edges, &before);
	vec_done(&all.all);
	return all.failed ? CCORE_ENOMEM : 0;
}

static int count_all(struct counting *c)
{
	struct heap *h = c->h;
	struct damage before[PARALLEL_MAX] = {0};
	int r;

	// The same objects are read a second time: what is wrong with them has been counted.
	for (uint32_t i = 0; i < h->thread_n; i++)
		before[i] = h->readers[i].damage;
	heap_limit_edges(h);
	r = parallel_run(h->thread_n, count_on_thread, c);
	if (r == 0)
		r = count_tables(c);
	for (uint32_t i = 0; i < h->thread_n; i++) {
		h->readers[i].damage = before[i];
		vec_done(&c->tables[i].all);
	}
	return r;
}

// -- blocks that may be no objects

static void forget_edges(struct edge_buffer *b)
{
	struct counter *me = b->sink.ctx;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct edge *e = &b->items[i];
		uint32_t id;

		if (!e->uncounted && edge_is_strong(e) && heap_node(me->c->h, e->to, &id) &&
		    me->c->known[id])
			me->c->known[id]--;
	}
}

// Known to the allocator alone, and nothing sure leads to it: it may be a freed object in a
// block that was given out again, whose references are counted no more.
static bool is_doubtful(const struct counting *c, uint64_t id)
{
	const uint8_t sure = NODE_GC | NODE_PERMANENT | NODE_IN_FLIGHT | NODE_STATIC | NODE_BAD;

	return !(c->h->node_flags[id] & sure) && !c->known[id] &&
	       !(heap_node_type(c->h, id)->flags & TYPE_LEAF);
}

static void forget_doubtful(struct counting *c)
{
	struct py_reader *r = heap_reader(c->h);
	struct counter me = {.c = c};
	const struct damage before_damage = r->damage;
	struct edge_sink before;

	edge_redirect(&r->edges, forget_edges, &me, false, &before);
	for (uint64_t id = 0; id < c->h->node_n; id++)
		if (is_doubtful(c, id))
			references_emit(c->h, r, (uint32_t)id);
	edge_restore(&r->edges, &before);
	r->damage = before_damage;
}

int counted_references(struct counted *ret, struct heap *h, struct ccore_error *err)
{
	struct counting c = {.h = h, .err = err};
	int r = CCORE_ENOMEM;

	*ret = (struct counted){0};
	TRY(heap_need_roots(h, err));
	c.known = calloc(h->node_n + 1, sizeof(*c.known));
	c.guessed = calloc(h->node_n + 1, sizeof(*c.guessed));
	if (c.known && c.guessed)
		r = count_all(&c);
	if (r == 0)
		forget_doubtful(&c);
	ret->known = (uint32_t *)c.known;
	ret->guessed = (uint8_t *)c.guessed;
	if (r < 0)
		counted_done(ret);
	return r == CCORE_ENOMEM ? err_nomem(err) : r;
}

void counted_done(struct counted *c)
{
	free(c->known);
	free(c->guessed);
	*c = (struct counted){0};
}
