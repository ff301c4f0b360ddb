// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One thread walks the collector's lists while the others sweep arenas; it joins them when it
 * is done. Then comes what is in malloc's chunks and in modules, and at last the objects that are
 * on a list and were nowhere else. Where only the objects are asked for, the lists are walked
 * at the end, and only if their links show that something of them is still missing.
 */
#include "heap/universe.h"

#include "heap/statics.h"
#include "heap/sweep.h"
#include "util/parallel.h"

#include <stdlib.h>

#define PIECE 4096u // objects of lists that a thread takes at once

static int lists_and_arenas(void *ctx, uint32_t thread)
{
	struct sweep *w = ctx;
	int status = thread == 0 && w->walks_lists ? heap_need_untracked(w->h, w->err) : 0;

	if (status == 0)
		status = sweep_arenas(w, thread);
	if (status < 0)
		atomic_store(&w->stop, 1);
	return status;
}

static int take_static(void *ctx, addr_t addr, const struct py_type *type)
{
	return sweep_give(ctx, 0, addr, type);
}

static int take_others(struct sweep *w)
{
	// Where the heaps' memory was walked, malloc has no objects.
	if (!gc_sees_untracked(&w->h->layout)) {
		TRY(sweep_chunks(w));
		TRY(sweep_slabs(w));
	}
	return statics_find(w->h->target, &w->h->runtime, heap_reader(w->h), take_static, w);
}

// -- what is on a list, and was not in an arena

static bool is_strange(const struct sweep *w, addr_t addr)
{
	const struct heap *h = w->h;

	return !gc_sees_untracked(&h->layout) && !pymalloc_arena_of(&h->universe.pymalloc, addr) &&
	       !glibc_malloc_owns(&h->universe.malloc, addr) &&
	       !statics_hold(h->target, &h->runtime, &h->layout, addr);
}

// Too small, in an arena, for any object of its type.
static bool is_in_smaller_block(const struct sweep *w, struct py_reader *r, addr_t addr,
				const struct py_type *type)
{
	uint8_t scratch[PYMALLOC_POOL_BYTES_MAX];
	struct pymalloc_pool pool;
	uint64_t i;
	addr_t at;

	if (!pymalloc_pool_of(&w->h->universe.pymalloc, addr, r, scratch, &pool, &at))
		return false;
	i = (addr - pool.first) / pool.size;
	return !pymalloc_is_free(&pool, (uint32_t)i) &&
	       pool.first + (i + 1) * pool.size - addr < type->basicsize;
}

// What is on a list has a head, and a block that is large enough.
static bool contradicts_type(const struct sweep *w, struct py_reader *r, addr_t addr,
			     const struct py_type *type)
{
	if (gc_sees_untracked(&w->h->layout) || w->is_collecting)
		return false;
	return !(type->flags & TYPE_GC) || is_in_smaller_block(w, r, addr, type);
}

static int take_listed(struct sweep *w, uint32_t thread, const addr_t *objects, uint64_t n)
{
	struct py_reader *r = &w->h->readers[thread];

	for (uint64_t i = 0; i < n; i++) {
		const struct py_type *type;

		if (i + 8 < n)
			__builtin_prefetch(addrset_slot(w->set, objects[i + 8]));
		if (addrset_has(w->set, objects[i]))
			continue;
		type = py_type_of(r, objects[i]);
		if (!type) {
			damage_note(&r->damage, DAMAGE_UNREADABLE_TYPE, objects[i]);
			continue;
		}
		if (contradicts_type(w, r, objects[i], type))
			damage_note(&r->damage, DAMAGE_BAD_TYPE, type->addr);
		TRY(sweep_give(w, thread, objects[i], type));
		if (is_strange(w, objects[i]))
			atomic_store(&w->strange, true);
	}
	return 0;
}

static int take_all_listed(void *ctx, uint32_t thread)
{
	struct sweep *w = ctx;
	const uint64_t n = w->h->gc.objects.n;
	uint64_t first;

	while ((first = atomic_fetch_add(&w->next_object, PIECE)) < n)
		TRY(take_listed(w, thread, w->h->gc.objects.data + first,
				u64_min(n - first, PIECE)));
	return 0;
}

// Types that nothing has but their instances: of extensions, and some that were never made ready.
static int take_types(struct sweep *w)
{
	const struct py *py = &w->h->py;

	for (uint64_t i = 0; i < py->types.n; i++) {
		const addr_t addr = py->types.data[i]->addr;
		const struct py_type *type = py_type_of(heap_reader(w->h), addr);

		if (type && type_is_alive(heap_reader(w->h), addr))
			TRY(sweep_give(w, 0, addr, type));
	}
	return 0;
}

// Whether the lists can have nothing that the allocators did not give, without walking them.
static bool lists_are_found(struct sweep *w)
{
	const struct gc_rings rings = {atomic_load(&w->rings)};

	return !w->walks_lists && gc_rings_are_closed(rings, &w->h->runtime, heap_reader(w->h));
}

static int take_lists(struct sweep *w)
{
	TRY(heap_need_untracked(w->h, w->err));
	return parallel_run(w->h->thread_n, take_all_listed, w);
}

int universe_find(struct heap *h, struct addrset *set, bool lists_too, universe_fn fn, void *ctx,
		  struct ccore_error *err)
{
	struct sweep w = {.h = h, .set = set, .fn = fn, .ctx = ctx, .err = err};
	struct universe *u = &h->universe;
	int status;

	block_rules_init(&w.rules, &h->py);
	w.is_collecting = runtime_is_collecting(&h->runtime, h->py.mem);
	w.walks_lists = lists_too || w.is_collecting || gc_sees_untracked(&h->layout);
	pymalloc_done(&u->pymalloc);
	glibc_malloc_done(&u->malloc);
	TRY(pymalloc_find(&u->pymalloc, &h->runtime, heap_reader(h), err));
	TRY(heap_find_malloc(h, &u->pymalloc, &u->malloc, err));
	status = parallel_run(h->thread_n, lists_and_arenas, &w);
	if (status == 0)
		status = take_others(&w);
	if (status == 0 && !lists_are_found(&w))
		status = take_lists(&w);
	if (status == 0)
		status = take_types(&w);
	u->dead_n = atomic_load(&w.dead_n);
	u->complete =
		(gc_sees_untracked(&h->layout) || u->malloc.known) && !atomic_load(&w.strange);
	return status;
}
