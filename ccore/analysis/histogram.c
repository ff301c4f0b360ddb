// SPDX-License-Identifier: GPL-2.0-or-later
// Objects by type: the analysis to read first when writing another.
#include "analysis/histogram.h"

#include "heap/universe.h"
#include "util/parallel.h"

#include <stdlib.h>
#include <time.h>

#define PIECE 8192u // objects that a thread takes at once

// One thread's counts, by type index.
struct tally {
	VEC(struct histogram_row) by_type;
};

struct count {
	struct heap *h;
	const addr_t *objects;
	uint64_t n;
	_Atomic uint64_t next;
	_Atomic bool stop; // the calling thread failed, or was canceled
	struct ccore_error *err;
	struct tally tallies[PARALLEL_MAX];
};

static bool make_rows(struct tally *t, const struct py_type *type)
{
	while (t->by_type.n <= type->index)
		if (!vec_push(&t->by_type, (struct histogram_row){0}))
			return false;
	return true;
}

static inline struct histogram_row *row_of(struct tally *t, const struct py_type *type)
{
	return t->by_type.n > type->index || make_rows(t, type) ? &t->by_type.data[type->index]
								: NULL;
}

static int count_typed(struct tally *t, struct py_reader *r, addr_t addr,
		       const struct py_type *type)
{
	struct histogram_row *row;
	struct py_object o;
	bool estimated;

	if (!type || !py_object_open_typed(r, addr, type, &o)) {
		damage_note(&r->damage, DAMAGE_UNREADABLE_TYPE, addr);
		return 0;
	}
	row = row_of(t, py_counted_type(r, o.type, addr));
	if (!row)
		return CCORE_ENOMEM;
	row->count++;
	row->size += py_sizeof(r, &o, &estimated);
	row->estimated += estimated;
	return 0;
}

static int count_object(struct tally *t, struct py_reader *r, addr_t addr)
{
	return count_typed(t, r, addr, py_type_of(r, addr));
}

static int count_piece(struct count *c, uint32_t thread, const addr_t *objects, uint64_t first,
		       uint64_t end)
{
	struct py_reader *r = &c->h->readers[thread];

	for (uint64_t k = first; k < end; k++) {
		const struct py_type *type = py_type_of(r, objects[k]);

		if (type && py_wants_size_prefetch(r, type, objects[k]))
			py_prefetch_sizes(r, objects + k, end - k);
		if (k + 8 < end)
			__builtin_prefetch(mem_lens_span(&r->lens, objects[k + 8], 24));
		TRY(count_object(&c->tallies[thread], r, objects[k]));
	}
	return 0;
}

static int count_on_thread(void *ctx, uint32_t i)
{
	struct count *c = ctx;
	uint64_t first;
	int status = 0;

	while (status == 0 && !atomic_load(&c->stop) &&
	       (first = atomic_fetch_add(&c->next, PIECE)) < c->n) {
		status = count_piece(c, i, c->objects, first,
				     c->n - first < PIECE ? c->n : first + PIECE);
		// The callback belongs to the calling thread.
		if (status == 0 && i == 0)
			status = progress_report(&c->h->opts.progress, "counting objects", first,
						 c->n, c->err);
	}
	if (status < 0)
		atomic_store(&c->stop, true);
	return status;
}

static int count_all(struct count *c, const addr_t *objects, uint64_t n, struct ccore_error *err)
{
	int status;

	c->objects = objects;
	c->n = n;
	c->err = err;
	atomic_store(&c->next, 0);
	status = parallel_run(c->h->thread_n, count_on_thread, c);
	return status == CCORE_ENOMEM ? err_nomem(err) : status;
}

static int by_name(const void *a, const void *b)
{
	const struct histogram_row *x = a, *y = b;

	return strcmp(x->type, y->type);
}

// Classes made twice (by a reload, or in two interpreters) have one name and one row.
static void merge_names(struct histogram *g)
{
	uint64_t n = 0;

	if (g->rows.n)
		qsort(g->rows.data, g->rows.n, sizeof(*g->rows.data), by_name);
	for (uint64_t i = 0; i < g->rows.n; i++) {
		struct histogram_row *row = &g->rows.data[i];

		if (n && strcmp(g->rows.data[n - 1].type, row->type) == 0) {
			g->rows.data[n - 1].count += row->count;
			g->rows.data[n - 1].size += row->size;
			g->rows.data[n - 1].estimated += row->estimated;
		} else {
			g->rows.data[n++] = *row;
		}
	}
	g->rows.n = n;
}

static int gather(struct histogram *ret, struct count *c, struct ccore_error *err)
{
	for (uint32_t t = 0; t < c->h->thread_n; t++) {
		for (uint64_t i = 0; i < c->tallies[t].by_type.n; i++) {
			struct histogram_row row = c->tallies[t].by_type.data[i];

			row.type = c->h->py.types.data[i]->name;
			if (row.count && !vec_push(&ret->rows, row))
				return err_nomem(err);
		}
	}
	merge_names(ret);
	return 0;
}

// -- the collector's objects: counted by the other threads while the first walks the lists

// Objects that may be counted now, waiting until there are some or all have come.
static uint64_t wait_for_objects(const struct gc_objects *gc, uint64_t first)
{
	static const struct timespec a_moment = {.tv_nsec = 100000};

	for (;;) {
		const bool complete =
			atomic_load_explicit(&gc->public_is_complete, memory_order_acquire);
		const uint64_t ready =
			atomic_load_explicit(&gc->public_ready, memory_order_acquire);

		if (ready >= first + PIECE || complete)
			return ready;
		nanosleep(&a_moment, NULL);
	}
}

// Of the piece at `first`, when it has come.
static int count_when_ready(struct count *c, uint32_t thread, uint64_t first, bool *ret_end)
{
	const struct gc_objects *gc = &c->h->gc;
	const uint64_t ready = wait_for_objects(gc, first);
	const uint64_t end = ready < first + PIECE ? ready : first + PIECE;

	*ret_end = first >= ready;
	return first < ready ? count_piece(c, thread, gc->objects.data, first, end) : 0;
}

static int pursue(void *ctx, uint32_t i)
{
	struct count *c = ctx;
	bool end = false;
	int status = 0;

	if (i == 0)
		status = heap_walk_public_gc(c->h, c->err);
	while (status == 0 && !end && !atomic_load(&c->stop)) {
		const uint64_t first = atomic_fetch_add(&c->next, PIECE);

		status = count_when_ready(c, i, first, &end);
		if (status == 0 && i == 0)
			status = progress_report(&c->h->opts.progress, "counting objects", first,
						 c->h->gc.public_n, c->err);
	}
	if (status < 0)
		atomic_store(&c->stop, true);
	return status;
}

static int count_public(struct count *c, struct ccore_error *err)
{
	const bool had_gc = c->h->has_public_gc;
	int status;

	c->err = err;
	status = parallel_run(c->h->thread_n, pursue, c);
	// A list that was walked to its end stays good; one that was not is of no use.
	if (status < 0 && !had_gc)
		heap_drop_gc(c->h);
	return status == CCORE_ENOMEM ? err_nomem(err) : status;
}

static void drop_tallies(struct count *c)
{
	for (uint32_t t = 0; t < PARALLEL_MAX; t++)
		vec_done(&c->tallies[t].by_type);
}

// What is said of the lists' links stays; the rest is met again.
static void forget_damage(struct heap *h, const struct damage *before)
{
	for (uint32_t i = 0; i < h->thread_n; i++) {
		const uint64_t n = h->readers[i].damage.count[DAMAGE_BAD_LINK];
		const addr_t first = h->readers[i].damage.first[DAMAGE_BAD_LINK];

		h->readers[i].damage = before[i];
		h->readers[i].damage.count[DAMAGE_BAD_LINK] = n;
		h->readers[i].damage.first[DAMAGE_BAD_LINK] = first;
	}
}

// All objects that are tracked, on a list or not.
static int count_tracked(struct count *c, struct ccore_error *err)
{
	struct heap *h = c->h;
	VEC(addr_t) tracked = {0};
	int status = heap_need_nodes(h, err);

	for (uint64_t id = 0; status == 0 && id < h->node_n; id++)
		if (h->node_flags[id] & NODE_GC && !vec_push(&tracked, h->node_addr[id]))
			status = err_nomem(err);
	if (status == 0)
		status = count_all(c, tracked.data, tracked.n, err);
	vec_done(&tracked);
	return status;
}

// -- all objects, as the allocators are walked

static int count_found(void *ctx, uint32_t thread, const struct universe_object *some, uint32_t n)
{
	struct count *c = ctx;
	struct tally *t = &c->tallies[thread];
	struct py_reader *r = &c->h->readers[thread];

	for (uint32_t i = 0; i < n; i++) {
		const struct universe_object *o = &some[i];
		struct histogram_row *row;

		if (!o->size) {
			TRY(count_typed(t, r, o->addr, o->type));
			continue;
		}
		row = row_of(t, o->type);
		if (!row)
			return CCORE_ENOMEM;
		row->count += o->n;
		row->size += o->size * o->n;
	}
	return 0;
}

static int count_universe(struct count *c, struct ccore_error *err)
{
	struct addrset seen;
	int status;

	TRY(addrset_init(&seen, c->h->opts.max_bytes, err));
	status = universe_find(c->h, &seen, false, count_found, c, err);
	addrset_done(&seen);
	if (status == CCORE_ENOMEM)
		return heap_out_of_memory(c->h, err);
	// Where that is not all, references lead to more.
	if (status == 0 && !c->h->universe.complete) {
		drop_tallies(c);
		status = heap_need_nodes(c->h, err);
		if (status == 0)
			status = count_all(c, c->h->node_addr, c->h->node_n, err);
	}
	return status;
}

// What `c` has counted, unless counting failed with `status`.
static int finish(struct histogram *ret, struct count *c, int status, struct ccore_error *err)
{
	if (status == 0)
		status = gather(ret, c, err);
	drop_tallies(c);
	if (status < 0)
		histogram_done(ret);
	return status;
}

int histogram_count(struct histogram *ret, struct heap *h, bool gc_only, struct ccore_error *err)
{
	struct count c = {.h = h};
	struct damage before[PARALLEL_MAX] = {0};
	int r;

	*ret = (struct histogram){0};
	for (uint32_t i = 0; i < h->thread_n; i++)
		before[i] = h->readers[i].damage;
	if (gc_only) {
		r = h->gc.is_broken ? 0 : count_public(&c, err);
		if (r == 0 && h->gc.is_broken) {
			forget_damage(h, before);
			drop_tallies(&c);
			r = count_tracked(&c, err);
		}
	} else if (h->has_nodes) {
		r = count_all(&c, h->node_addr, h->node_n, err);
	} else {
		r = count_universe(&c, err);
	}
	return finish(ret, &c, r, err);
}

int histogram_of_nodes(struct histogram *ret, struct heap *h, const uint32_t *ids, uint64_t n,
		       struct ccore_error *err)
{
	struct count c = {.h = h};
	int status = 0;

	*ret = (struct histogram){0};
	for (uint64_t i = 0; status == 0 && i < n; i++)
		status = count_object(&c.tallies[0], heap_reader(h), h->node_addr[ids[i]]);
	status = finish(ret, &c, status, err);
	return status == CCORE_ENOMEM ? err_nomem(err) : status;
}

int histogram_of_objects(struct histogram *ret, struct heap *h, const addr_t *objects, uint64_t n,
			 struct ccore_error *err)
{
	struct count c = {.h = h};

	*ret = (struct histogram){0};
	return finish(ret, &c, count_all(&c, objects, n, err), err);
}

void histogram_done(struct histogram *g)
{
	vec_done(&g->rows);
}
