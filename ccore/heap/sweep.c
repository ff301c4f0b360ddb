// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/sweeper.h"

#include <stdlib.h>

int sweep_give(struct sweep *w, uint32_t thread, addr_t addr, const struct py_type *type)
{
	const struct universe_object o = {.addr = addr, .type = type, .n = 1};
	const int added = addrset_add(w->set, addr);

	if (added <= 0 || !w->fn)
		return added < 0 ? added : 0;
	return w->fn(w->ctx, thread, &o, 1);
}

int sweeper_start(struct sweeper *s, struct sweep *w, uint32_t thread)
{
	*s = (struct sweeper){
		.w = w,
		.thread = thread,
		.r = &w->h->readers[thread],
		.memo = calloc(1, sizeof(*s->memo)),
	};
	return s->memo ? 0 : CCORE_ENOMEM;
}

int sweeper_give_shape(struct sweeper *s, const struct block_shape *shape)
{
	const struct universe_object o = {.type = shape->type, .size = shape->size, .n = shape->n};

	return s->w->fn && shape->n ? s->w->fn(s->w->ctx, s->thread, &o, 1) : 0;
}

int sweeper_end(struct sweeper *s, int status)
{
	for (uint32_t i = 0; status == 0 && i < BLOCK_MEMO_SHAPES; i++)
		status = sweeper_give_shape(s, &s->memo->shapes[i]);
	atomic_fetch_add(&s->w->dead_n, s->dead_n);
	atomic_fetch_add(&s->w->rings, s->rings.sum);
	free(s->memo);
	return status;
}

// Instances of Python classes are tracked from when they are made until they are freed.
bool sweeper_is_current_untracked(struct sweeper *s, addr_t addr, const struct py_type *type)
{
	struct py_reader *r = s->r;

	if (type->flags & TYPE_PYTHON && r->layout->symbols[SYM_SUBTYPE_DEALLOC])
		return false;
	return type->family != &family_tuple || tuple_is_sound(r, addr);
}

bool sweeper_is_linked(struct sweeper *s, addr_t addr, addr_t next)
{
	if (!gc_points_back(s->r, next, addr) && !gc_is_pointed_to(s->r, addr))
		return false;
	gc_rings_add(&s->rings, s->r->layout, addr, next);
	return true;
}

/*
 * What a block proves is not enough for objects with a GC head: realloc() leaves copies behind
 * (of tuples that are cut to their length), with the refcount they had, which later blocks may
 * not overwrite. One that is tracked must be linked; the tuples among the others have sound items.
 */
bool sweeper_is_current(struct sweeper *s, addr_t addr, const struct py_type *type)
{
	const uint32_t head_n = s->r->layout->struct_size[S_PyGC_Head];
	uint8_t scratch[LIM_GC_HEAD_BYTES];
	const uint8_t *head;
	addr_t next;

	if (!(type->flags & TYPE_GC) || s->w->is_collecting)
		return true;
	head = py_get(s->r, addr - head_n, head_n, scratch);
	return head && gc_head_next(s->r->layout, head, &next)
		       ? sweeper_is_linked(s, addr, next)
		       : sweeper_is_current_untracked(s, addr, type);
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

static int take_chunk(void *ctx, const struct malloc_chunk *c)
{
	struct sweeper *s = ctx;
	const struct py_type *type;
	addr_t addr;
	uint8_t scratch[BLOCK_VIEW];
	struct block b;

	if ((c->state != CHUNK_USED && c->state != CHUNK_MMAPPED) ||
	    !sweep_chunk_block(s->r, c, scratch, &b))
		return 0;
	switch (block_classify(s->r, &s->w->rules, &b, &addr, &type)) {
	case BLOCK_OBJECT:
		return sweeper_is_current(s, addr, type) ? sweep_give(s->w, s->thread, addr, type)
							 : 0;
	case BLOCK_DEAD:
		s->dead_n++;
		break;
	case BLOCK_OTHER:
		break;
	}
	return 0;
}

int sweep_chunks(struct sweep *w)
{
	struct glibc_malloc *m = &w->h->universe.malloc;
	struct sweeper s;
	int status = sweeper_start(&s, w, 0);

	if (status < 0)
		return status;
	for (uint64_t i = 0; status == 0 && i < m->ranges.n; i++)
		status = glibc_malloc_walk(m, w->h->py.mem, i, take_chunk, &s, &s.r->damage);
	return sweeper_end(&s, status);
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
