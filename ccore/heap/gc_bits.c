// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/gc_bits.h"

#include "alloc/mimalloc.h"
#include "runtime/search.h"

// ob_gc_bits, Include/internal/pycore_gc.h
#define BIT_TRACKED 1u
#define BIT_UNREACHABLE 4u // while a collection runs
#define BIT_FROZEN 8u	   // gc.freeze()
#define BIT_DEFERRED 64u

#define DEBUG_HOOK_BYTES 16u // that debug hooks put before each block
#define PREHEADER_BYTES 16u  // words of a managed dict before an object

bool gc_bits_deferred(const struct py_reader *r, const struct py_object *o)
{
	return object_u64(r, o, F_OB_GC_BITS) & BIT_DEFERRED;
}

struct selection {
	struct gc_sink *sink;
	struct py_reader *r;
	uint32_t before; // bytes of a block before the object and its pre-header
	uint32_t bits, mask;
};

static addr_t object_of(const struct selection *s, const struct mimalloc_block *b)
{
	return b->addr + s->before + (b->tag == MIMALLOC_GC_PRE ? PREHEADER_BYTES : 0);
}

static int take_tracked(void *ctx, const struct mimalloc_block *b)
{
	struct selection *s = ctx;
	const addr_t object = object_of(s, b);
	uint8_t scratch;
	const uint8_t *p =
		py_get(s->r, object + layout_off(s->r->layout, F_OB_GC_BITS), 1, &scratch);

	if (!p) {
		damage_note(s->sink->damage, DAMAGE_UNREADABLE_OBJECT, object);
		return 0;
	}
	return (*p & s->mask) == s->bits ? gc_sink_push(s->sink, object) : 0;
}

// Whether the block holds an object: one that is being made, or is on a free list, has no
// references, and what is no object at all has no type.
static bool is_live_object(struct py_reader *r, addr_t object, enum mimalloc_tag tag)
{
	const struct py_type *type = py_type_of(r, object);
	struct py_object o;
	bool immortal;
	uint64_t n;

	if (!type || !(type->flags & TYPE_GC) != (tag == MIMALLOC_OBJECT) ||
	    (type->prefix != 0) != (tag == MIMALLOC_GC_PRE) ||
	    !py_object_open_typed(r, object, type, &o))
		return false;
	n = py_refcount(r, &o, &immortal);
	return n > 0 && n <= INT64_MAX;
}

static int take_untracked(void *ctx, const struct mimalloc_block *b)
{
	struct selection *s = ctx;
	const addr_t object = object_of(s, b);
	uint8_t scratch;
	const uint8_t *p =
		py_get(s->r, object + layout_off(s->r->layout, F_OB_GC_BITS), 1, &scratch);

	// Of the collector's heaps this was said when tracked objects were looked for.
	if (!p && b->tag == MIMALLOC_OBJECT)
		damage_note(s->sink->damage, DAMAGE_UNREADABLE_OBJECT, object);
	if (!p || *p & BIT_TRACKED || !is_live_object(s->r, object, b->tag))
		return 0;
	return gc_sink_push(s->sink, object);
}

static uint32_t bytes_before(const struct py_reader *r)
{
	const struct layout *l = r->layout;
	uint32_t hooks = 0;

	if (layout_has(l, F_RT_DEBUG_HOOKS))
		// Unreadable: then so is the list of interpreters beside it.
		(void)mem_read_u32(r->py->mem,
				   l->symbols[SYM_PyRuntime] + layout_off(l, F_RT_DEBUG_HOOKS),
				   &hooks);
	return hooks ? DEBUG_HOOK_BYTES : 0;
}

static int walk(struct selection *s, const struct runtime *rt, uint32_t i, uint32_t generation,
		int (*take)(void *ctx, const struct mimalloc_block *b), unsigned tags)
{
	const struct mimalloc_visitor v = {.take = take, .ctx = s, .tags = tags};
	const uint64_t first = s->sink->out->objects.n;

	s->before = bytes_before(s->r);
	TRY(mimalloc_walk(rt, i, s->r, &v));
	return gc_sink_list(s->sink, i, generation, first);
}

#define TAGS_GC (1u << MIMALLOC_GC | 1u << MIMALLOC_GC_PRE)

static int walk_tracked(struct gc_sink *sink, const struct runtime *rt, uint32_t i,
			struct py_reader *r, uint32_t generation, uint32_t bits, uint32_t mask)
{
	struct selection s = {.sink = sink, .r = r, .bits = BIT_TRACKED | bits, .mask = mask};

	s.mask |= BIT_TRACKED;
	return walk(&s, rt, i, generation, take_tracked, TAGS_GC);
}

struct sample {
	struct selection s;
	uint32_t max, n, bad;
};

#define SAMPLE_IS_FULL CCORE_ENOTFOUND // ends the walk

static int take_sample(void *ctx, const struct mimalloc_block *b)
{
	struct sample *x = ctx;
	struct py_reader *r = x->s.r;
	const addr_t object = object_of(&x->s, b);
	uint8_t bits;

	if (mem_read(r->py->mem, object + layout_off(r->layout, F_OB_GC_BITS), &bits, 1) < 0 ||
	    !(bits & BIT_TRACKED))
		return 0;
	x->bad += !search_is_object(r, object);
	return ++x->n < x->max ? 0 : SAMPLE_IS_FULL;
}

int gc_bits_sample(const struct runtime *rt, uint32_t i, struct py_reader *r, uint32_t max,
		   uint32_t *ret_n, uint32_t *ret_bad)
{
	struct sample x = {.s = {.r = r, .before = bytes_before(r)}, .max = max};
	const struct mimalloc_visitor v = {.take = take_sample, .ctx = &x, .tags = TAGS_GC};
	const struct damage before = r->damage;
	const int status = mimalloc_walk(rt, i, r, &v);

	r->damage = before;
	if (status < 0 && status != SAMPLE_IS_FULL)
		return status;
	*ret_n = x.n;
	*ret_bad = x.bad;
	return 0;
}

int gc_bits_walk_public(struct gc_sink *sink, const struct runtime *rt, uint32_t i,
			struct py_reader *r)
{
	return walk_tracked(sink, rt, i, r, 0, 0, BIT_UNREACHABLE | BIT_FROZEN);
}

int gc_bits_walk_rest(struct gc_sink *sink, const struct runtime *rt, uint32_t i,
		      struct py_reader *r)
{
	TRY(walk_tracked(sink, rt, i, r, GC_PERMANENT, BIT_FROZEN, BIT_FROZEN));
	return walk_tracked(sink, rt, i, r, GC_IN_FLIGHT, BIT_UNREACHABLE,
			    BIT_UNREACHABLE | BIT_FROZEN);
}

int gc_bits_walk_untracked(struct gc_sink *sink, const struct runtime *rt, uint32_t i,
			   struct py_reader *r)
{
	struct selection s = {.sink = sink, .r = r};

	return walk(&s, rt, i, GC_UNTRACKED, take_untracked, TAGS_GC | 1u << MIMALLOC_OBJECT);
}
