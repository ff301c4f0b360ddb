// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The objects in pymalloc's arenas. This is where most of a large heap lies, so that few
 * instructions are spent on a block whose shape is known.
 */
#include "heap/sweeper.h"

#define POOL_SLOTS (PYMALLOC_POOL_BYTES_MAX >> ADDRSET_SLOT_SHIFT)

// An object with a GC head, whose neighbour in its list is still to be looked at.
struct pending {
	addr_t addr, next;
	struct block_shape *shape;
	const struct py_type *type; // the shape's; it may be another's by then
	uint64_t size;
	bool is_tracked;
};

// What is found in one pool.
struct pool_sweep {
	struct sweeper *s;
	addr_t base;		    // of the pool, whole slots before its first block
	uint64_t slots[POOL_SLOTS]; // of the set
	struct universe_object some[PYMALLOC_BLOCKS_MAX]; // that are given singly
	uint32_t some_n;
	struct pending pending[PYMALLOC_BLOCKS_MAX];
	uint32_t pending_n;
};

static inline void mark(struct pool_sweep *p, addr_t addr)
{
	p->slots[(addr - p->base) >> ADDRSET_SLOT_SHIFT] |= addrset_bit(addr);
}

static void take_singly(struct pool_sweep *p, addr_t addr, const struct py_type *type)
{
	mark(p, addr);
	p->some[p->some_n++] = (struct universe_object){.addr = addr, .type = type, .n = 1};
}

static inline void take_shaped(struct pool_sweep *p, addr_t addr, struct block_shape *shape)
{
	if (!shape->size) {
		take_singly(p, addr, shape->type);
		return;
	}
	mark(p, addr);
	shape->n++;
}

// The object in block `i`, whose shape is known.
static inline void sweep_shaped(struct pool_sweep *p, addr_t block, const uint8_t *view,
				struct block_shape *shape)
{
	const struct layout *l = p->s->r->layout;
	const addr_t addr = block + shape->prefix;
	struct pending *next;

	// What has a GC head has it before the object.
	if (!shape->prefix || !(shape->type->flags & TYPE_GC) || p->s->w->is_collecting) {
		take_shaped(p, addr, shape);
		return;
	}
	next = &p->pending[p->pending_n++];
	*next = (struct pending){
		.addr = addr,
		.shape = shape,
		.type = shape->type,
		.size = shape->size,
	};
	next->is_tracked =
		gc_head_next(l, view + shape->prefix - l->struct_size[S_PyGC_Head], &next->next);
	if (next->is_tracked)
		gc_prefetch_back(p->s->r, next->next);
}

// The object in block `b`, if there is one.
static int sweep_unknown(struct pool_sweep *p, struct block *b)
{
	struct sweeper *s = p->s;
	const struct block_rules *rules = &s->w->rules;
	const addr_t whole = b->addr;
	const struct py_type *type;
	struct block_shape forgotten;
	addr_t addr;

	switch (block_classify(s->r, rules, b, &addr, &type)) {
	case BLOCK_OBJECT:
		if (sweeper_is_current(s, addr, type))
			take_singly(p, addr, type);
		if (b->addr != whole)
			return 0;
		block_remember(s->memo, s->r, rules, b, (uint32_t)(addr - b->addr), type,
			       &forgotten);
		return sweeper_give_shape(s, &forgotten);
	case BLOCK_DEAD:
		s->dead_n++;
		break;
	case BLOCK_OTHER:
		break;
	}
	return 0;
}

static void settle_pending(struct pool_sweep *p)
{
	for (uint32_t i = 0; i < p->pending_n; i++) {
		const struct pending *x = &p->pending[i];

		if (x->is_tracked ? !sweeper_is_linked(p->s, x->addr, x->next)
				  : !sweeper_is_current_untracked(p->s, x->addr, x->type))
			continue;
		if (x->shape->type == x->type && x->shape->size == x->size)
			take_shaped(p, x->addr, x->shape);
		else
			take_singly(p, x->addr, x->type);
	}
}

// Nobody else gives what lies in a pool, so all of it is new.
static int give_pool(struct pool_sweep *p)
{
	const struct sweep *w = p->s->w;
	uint64_t fresh;

	for (uint32_t i = 0; i < POOL_SLOTS; i++)
		if (p->slots[i])
			TRY(addrset_add_bits(w->set, p->base + ((addr_t)i << ADDRSET_SLOT_SHIFT),
					     p->slots[i], &fresh));
	return w->fn && p->some_n ? w->fn(w->ctx, p->s->thread, p->some, p->some_n) : 0;
}

// Two passes, so that the cache misses for the links of many objects overlap.
static int sweep_pool(struct sweeper *s, addr_t at, const struct pymalloc_pool *pool)
{
	const struct block_rules *rules = &s->w->rules;
	struct pool_sweep p;

	p.s = s;
	p.base = at;
	p.some_n = p.pending_n = 0;
	memset(p.slots, 0, sizeof(p.slots));
	for (uint32_t i = 0; i < pool->n; i++) {
		const uint64_t off = (uint64_t)i * pool->size;
		struct block_shape *shape;

		if (pymalloc_is_free(pool, i))
			continue;
		shape = rules->plain ? block_recall(s->memo, rules, pool->view + off, pool->size)
				     : NULL;
		if (shape) {
			sweep_shaped(&p, pool->first + off, pool->view + off, shape);
		} else {
			struct block b = {
				.addr = pool->first + off,
				.p = pool->view + off,
				.size = pool->size,
			};

			TRY(sweep_unknown(&p, &b));
		}
	}
	settle_pending(&p);
	return give_pool(&p);
}

static int sweep_arena(struct sweeper *s, const struct pymalloc_arena *a)
{
	const struct pymalloc *m = &s->w->h->universe.pymalloc;
	struct py_reader *r = s->r;
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
		TRY(sweep_pool(s, at, &pool));
	}
	if (used_n + a->free_n != a->total_n && missing_n == r->damage.count[DAMAGE_MISSING_POOL])
		damage_note(&r->damage, DAMAGE_BAD_POOL, a->first);
	return 0;
}

int sweep_arenas(struct sweep *w, uint32_t thread)
{
	const struct pymalloc *m = &w->h->universe.pymalloc;
	struct sweeper s;
	uint64_t i;
	int status = sweeper_start(&s, w, thread);

	if (status < 0)
		return status;
	while (status == 0 && !atomic_load(&w->stop) &&
	       (i = atomic_fetch_add(&w->next_arena, 1)) < m->arenas.n) {
		status = sweep_arena(&s, &m->arenas.data[i]);
		// The callback belongs to the calling thread.
		if (status == 0 && thread == 0)
			status = progress_report(&w->h->opts.progress, "sweeping arenas", i,
						 m->arenas.n, w->err);
	}
	return sweeper_end(&s, status);
}
