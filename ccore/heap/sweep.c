// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/sweep.h"

#include "py/block_memo.h"

#include <stdlib.h>

int sweep_give(struct sweep *w, uint32_t thread, addr_t addr, const struct py_type *type)
{
	const struct universe_object o = {.addr = addr, .type = type};
	const int added = addrset_add(w->set, addr);

	if (added <= 0 || !w->fn)
		return added < 0 ? added : 0;
	return w->fn(w->ctx, thread, &o, 1);
}

/*
 * What a block proves is not enough for objects with a GC head: realloc() leaves copies behind
 * (of tuples that are cut to their length), with the refcount they had, which later blocks may
 * not overwrite. One that is tracked must be linked; the tuples among the others have sound items.
 * Instances of Python classes are tracked from when they are made until they are freed.
 */
static bool is_current_gc(struct py_reader *r, addr_t addr, const struct py_type *type)
{
	if (gc_is_tracked(r, addr))
		return gc_is_linked(r, addr);
	if (type->flags & TYPE_PYTHON && r->layout->symbols[SYM_SUBTYPE_DEALLOC])
		return false;
	return type->family != &family_tuple || tuple_is_sound(r, addr);
}

static inline bool is_current(struct sweep *w, struct py_reader *r, addr_t addr,
			      const struct py_type *type)
{
	return !(type->flags & TYPE_GC) || w->is_collecting || is_current_gc(r, addr, type);
}

// -- arenas

// Of objects in address order: adding to the set costs most, and is done for neighbours at once.
static int give_sorted(struct sweep *w, uint32_t thread, struct universe_object *some, uint32_t n)
{
	struct py_reader *r = &w->h->readers[thread];
	uint32_t new_n = 0;

	for (uint32_t i = 0, end; i < n; i = end) {
		const addr_t slot = some[i].addr >> ADDRSET_SLOT_SHIFT;
		uint64_t bits = 0, fresh;

		for (end = i; end < n && some[end].addr >> ADDRSET_SLOT_SHIFT == slot; end++)
			if (is_current(w, r, some[end].addr, some[end].type))
				bits |= addrset_bit(some[end].addr);
		TRY(addrset_add_bits(w->set, some[i].addr, bits, &fresh));
		if (new_n == i && (uint32_t)__builtin_popcountll(fresh) == end - i) {
			new_n = end; // as nearly always: all of them, and they are in their place
			continue;
		}
		for (uint32_t k = i; fresh && k < end; k++)
			if (fresh & addrset_bit(some[k].addr))
				some[new_n++] = some[k];
	}
	return w->fn && new_n ? w->fn(w->ctx, thread, some, new_n) : 0;
}

// The object in block `b`, which is in use.
static enum block_kind classify(struct sweep *w, uint32_t thread, struct block_memo *memo,
				struct block *b, struct universe_object *ret)
{
	struct py_reader *r = &w->h->readers[thread];
	const struct block whole = *b;
	const enum block_kind kind = block_classify(r, &w->rules, b, &ret->addr, &ret->type);

	ret->size = 0;
	if (kind == BLOCK_OBJECT && b->addr == whole.addr)
		block_remember(memo, r, &w->rules, b, (uint32_t)(ret->addr - b->addr), ret->type);
	return kind;
}

// Two passes, so that the cache misses for the links of many objects overlap.
static int sweep_pool(struct sweep *w, uint32_t thread, const struct pymalloc_pool *pool,
		      struct block_memo *memo, uint64_t *dead_n)
{
	struct py_reader *r = &w->h->readers[thread];
	struct universe_object some[PYMALLOC_BLOCKS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < pool->n; i++) {
		const uint64_t off = (uint64_t)i * pool->size;
		struct universe_object *o = &some[n];
		const struct block_shape *shape;

		if (pymalloc_is_free(pool, i))
			continue;
		shape = w->rules.plain ? block_recall(memo, &w->rules, pool->view + off, pool->size)
				       : NULL;
		if (shape) {
			*o = (struct universe_object){
				.addr = pool->first + off + shape->prefix,
				.type = shape->type,
				.size = shape->size,
			};
		} else {
			struct block b = {
				.addr = pool->first + off,
				.p = pool->view + off,
				.size = pool->size,
			};
			const enum block_kind kind = classify(w, thread, memo, &b, o);

			*dead_n += kind == BLOCK_DEAD;
			if (kind != BLOCK_OBJECT)
				continue;
		}
		if (o->type->flags & TYPE_GC)
			gc_prefetch_link(r, o->addr);
		n++;
	}
	return give_sorted(w, thread, some, n);
}

static int sweep_arena(struct sweep *w, uint32_t thread, const struct pymalloc_arena *a,
		       struct block_memo *memo, uint64_t *dead_n)
{
	const struct pymalloc *m = &w->h->universe.pymalloc;
	struct py_reader *r = &w->h->readers[thread];
	uint8_t scratch[PYMALLOC_POOL_BYTES_MAX];
	const uint32_t pool_n = pymalloc_pools(m, a);
	struct pymalloc_pool pool;
	const uint64_t missing_n = r->damage.count[DAMAGE_MISSING_POOL];
	uint32_t used_n = 0;

	for (uint32_t i = 0; i < pool_n; i++) {
		const addr_t at = a->first + (uint64_t)i * m->pool_bytes;

		if (pymalloc_pool_read(m, a, at, r, scratch, &pool) != POOL_USED)
			continue;
		used_n++;
		TRY(sweep_pool(w, thread, &pool, memo, dead_n));
	}
	if (used_n + a->free_n != a->total_n && missing_n == r->damage.count[DAMAGE_MISSING_POOL])
		pymalloc_note_count(r, a->first, used_n + a->free_n + 1u == a->total_n);
	return 0;
}

int sweep_arenas(struct sweep *w, uint32_t thread)
{
	const struct pymalloc *m = &w->h->universe.pymalloc;
	struct block_memo *memo = calloc(1, sizeof(*memo));
	uint64_t i, dead_n = 0;
	int status = memo ? 0 : CCORE_ENOMEM;

	while (status == 0 && !atomic_load(&w->stop) &&
	       (i = atomic_fetch_add(&w->next_arena, 1)) < m->arenas.n) {
		status = sweep_arena(w, thread, &m->arenas.data[i], memo, &dead_n);
		// The callback belongs to the calling thread.
		if (status == 0 && thread == 0)
			status = progress_report(&w->h->opts.progress, "sweeping arenas", i,
						 m->arenas.n, w->err);
	}
	atomic_fetch_add(&w->dead_n, dead_n);
	free(memo);
	return status;
}

// -- malloc's chunks

// By which a chunk may be larger than what was asked for: rounding, and a remainder too small
// to be a chunk; whole pages where it has its own.
#define CHUNK_SLACK 48u
#define PAGE_SLACK 8192u

bool sweep_chunk_block(struct py_reader *r, const struct malloc_chunk *c, uint8_t *scratch,
		       struct block *ret)
{
	*ret = (struct block){
		.addr = c->addr,
		.p = py_get(r, c->addr, u64_min(c->size, BLOCK_VIEW), scratch),
		.size = c->size,
		.slack = c->state == CHUNK_MMAPPED ? PAGE_SLACK : CHUNK_SLACK,
	};
	if (!ret->p)
		damage_note(&r->damage, DAMAGE_UNREADABLE_OBJECT, c->addr);
	return ret->p;
}

struct chunk_walk {
	struct sweep *w;
	uint64_t dead_n;
};

static int take_chunk(void *ctx, const struct malloc_chunk *c)
{
	struct chunk_walk *cw = ctx;
	struct py_reader *r = heap_reader(cw->w->h);
	const struct py_type *type;
	addr_t addr;
	uint8_t scratch[BLOCK_VIEW];
	struct block b;

	if ((c->state != CHUNK_USED && c->state != CHUNK_MMAPPED) ||
	    !sweep_chunk_block(r, c, scratch, &b))
		return 0;
	switch (block_classify(r, &cw->w->rules, &b, &addr, &type)) {
	case BLOCK_OBJECT:
		return is_current(cw->w, r, addr, type) ? sweep_give(cw->w, 0, addr, type) : 0;
	case BLOCK_DEAD:
		cw->dead_n++;
		break;
	case BLOCK_OTHER:
		break;
	}
	return 0;
}

int sweep_chunks(struct sweep *w)
{
	struct chunk_walk cw = {.w = w};
	struct glibc_malloc *m = &w->h->universe.malloc;

	for (uint64_t i = 0; i < m->ranges.n; i++)
		TRY(glibc_malloc_walk(m, w->h->py.mem, i, take_chunk, &cw,
				      &heap_reader(w->h)->damage));
	atomic_fetch_add(&w->dead_n, cw.dead_n);
	return 0;
}

// -- 2.7's slabs

static int take_slab(struct sweep *w, addr_t first, uint32_t n, uint32_t size)
{
	struct py_reader *r = heap_reader(w->h);

	for (uint32_t i = 0; i < n; i++) {
		const addr_t at = first + (uint64_t)i * size;
		const struct py_type *type = py_type_of(r, at);
		struct py_object o;

		// A free one has a link for a type.
		if (type && py_object_open_typed(r, at, type, &o) &&
		    header_refcount(r->layout, o.p))
			TRY(sweep_give(w, 0, at, type));
	}
	return 0;
}

// The slabs that 2.7 keeps its ints and floats in, chained from the newest on.
static int take_slabs(struct sweep *w, enum symbol_id list, enum struct_id st, enum field_id next,
		      enum field_id objects, uint32_t size)
{
	const struct layout *l = &w->h->layout;
	struct py_reader *r = heap_reader(w->h);
	uint64_t left = r->py->mem->bytes / (l->struct_size[st] + 1);
	addr_t at;

	if (!l->symbols[list] || !layout_has(l, next) || !layout_has(l, objects) || !size)
		return 0;
	for (at = py_read_ptr(r, l->symbols[list], 0); at && left; left--) {
		TRY(take_slab(w, at + layout_off(l, objects), l->fields[objects].size / size,
			      size));
		at = py_read_ptr(r, at + layout_off(l, next), at);
	}
	if (at)
		damage_note(&r->damage, DAMAGE_LIMIT, at);
	return 0;
}

int sweep_slabs(struct sweep *w)
{
	const struct layout *l = &w->h->layout;

	TRY(take_slabs(w, SYM_INT_BLOCKS27, S_intblock, F_INTBLOCK_NEXT, F_INTBLOCK_OBJECTS,
		       l->struct_size[S_PyIntObject]));
	return take_slabs(w, SYM_FLOAT_BLOCKS27, S_floatblock, F_FLOATBLOCK_NEXT,
			  F_FLOATBLOCK_OBJECTS, l->struct_size[S_PyFloatObject]);
}
