// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/pymalloc_use.h"

#include "util/parallel.h"

#include <stdlib.h>

struct walk {
	struct pymalloc_use *use;
	struct heap *h;
	const struct pool_visitor *v;
	struct class_use *classes[PARALLEL_MAX]; // of each thread
	_Atomic uint64_t next_arena;		 // that no thread has taken
	_Atomic int stop;			 // a thread failed
	struct ccore_error *err;
};

static uint64_t class_n(const struct pymalloc *m)
{
	return m->states.n * PYMALLOC_CLASSES;
}

static uint32_t free_blocks(const struct pymalloc_pool *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < (p->n + 63) / 64; i++)
		n += (uint32_t)__builtin_popcountll(p->free[i]);
	return n;
}

static int take_pool(struct walk *w, uint32_t thread, uint64_t arena, const struct pymalloc_pool *p)
{
	const struct pymalloc *m = w->use->m;
	const uint32_t used_n = p->n - free_blocks(p);
	const uint32_t room = (m->pool_bytes - w->use->header_bytes) / p->size;
	struct class_use *c = &w->classes[thread][m->arenas.data[arena].state * PYMALLOC_CLASSES +
						  p->size / m->unit - 1];
	struct arena_use *a = &w->use->arenas[arena];

	c->pool_n++;
	c->used_n += used_n;
	c->free_n += room - used_n;
	a->used_n += used_n;
	a->used_bytes += (uint64_t)used_n * p->size;
	a->used_pools++;
	return w->v ? w->v->take(w->v->ctx, thread, arena, p) : 0;
}

static int take_arena(struct walk *w, uint32_t thread, uint64_t i)
{
	const struct pymalloc *m = w->use->m;
	const struct pymalloc_arena *a = &m->arenas.data[i];
	struct py_reader *r = &w->h->readers[thread];
	uint8_t scratch[PYMALLOC_POOL_BYTES_MAX];
	struct pymalloc_pool pool;
	const uint32_t n = pymalloc_pools(m, a);

	for (uint32_t k = 0; k < n; k++) {
		const addr_t at = a->first + (uint64_t)k * m->pool_bytes;

		switch (pymalloc_pool_read(m, a, at, r, scratch, &pool)) {
		case POOL_USED:
			TRY(take_pool(w, thread, i, &pool));
			break;
		case POOL_BAD:
			w->use->arenas[i].bad_pools++;
			break;
		case POOL_FREE:
			break;
		}
	}
	if (!w->use->arenas[i].bad_pools && w->use->arenas[i].used_pools + a->free_n != a->total_n)
		pymalloc_note_count(r, a->first,
				    w->use->arenas[i].used_pools + a->free_n + 1u == a->total_n);
	return 0;
}

static int take_arenas(void *ctx, uint32_t thread)
{
	struct walk *w = ctx;
	const uint64_t n = w->use->m->arenas.n;
	int status = 0;
	uint64_t i;

	while (status == 0 && !atomic_load(&w->stop) &&
	       (i = atomic_fetch_add(&w->next_arena, 1)) < n) {
		status = take_arena(w, thread, i);
		// The callback belongs to the calling thread.
		if (status == 0 && thread == 0)
			status = progress_report(&w->h->opts.progress, "walking arenas", i, n,
						 w->err);
	}
	if (status < 0)
		atomic_store(&w->stop, 1);
	return status;
}

static void add_classes(struct class_use *to, const struct class_use *from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		to[i].pool_n += from[i].pool_n;
		to[i].used_n += from[i].used_n;
		to[i].free_n += from[i].free_n;
	}
}

int pymalloc_use_find(struct pymalloc_use *ret, struct heap *h, const struct pymalloc *m,
		      const struct pool_visitor *v, struct ccore_error *err)
{
	struct walk w = {.use = ret, .h = h, .v = v, .err = err};
	const uint32_t header = h->layout.struct_size[S_pool_header];
	int status = 0;

	*ret = (struct pymalloc_use){
		.m = m,
		// It takes whole units.
		.header_bytes = m->unit ? (header + m->unit - 1) / m->unit * m->unit : header,
		.arenas = calloc(m->arenas.n + 1, sizeof(*ret->arenas)),
	};
	for (uint32_t t = 0; t < h->thread_n; t++) {
		w.classes[t] = calloc(class_n(m) + 1, sizeof(*ret->classes));
		if (!w.classes[t])
			status = CCORE_ENOMEM;
	}
	if (status == 0 && ret->arenas)
		status = parallel_run(h->thread_n, take_arenas, &w);
	for (uint32_t t = 1; t < h->thread_n; t++) {
		if (status == 0)
			add_classes(w.classes[0], w.classes[t], class_n(m));
		free(w.classes[t]);
	}
	ret->classes = w.classes[0];
	if (status == 0 && ret->arenas)
		return 0;
	pymalloc_use_done(ret);
	return status == CCORE_ECANCELED ? status : err_nomem(err);
}

void pymalloc_use_done(struct pymalloc_use *u)
{
	free(u->classes);
	free(u->arenas);
	*u = (struct pymalloc_use){0};
}
