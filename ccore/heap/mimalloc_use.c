// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/mimalloc_use.h"

#include <stdlib.h>

#define ALL_TAGS ((1u << MIMALLOC_TAG_N) - 1)

const char *mimalloc_tag_name(enum mimalloc_tag tag)
{
	static const char *const names[] = {
		[MIMALLOC_MEM] = "buffers",
		[MIMALLOC_OBJECT] = "objects",
		[MIMALLOC_GC] = "gc objects",
		[MIMALLOC_GC_PRE] = "gc objects with a dict",
	};

	return names[tag];
}

struct gather {
	struct mimalloc_use *use;
	struct heap *h;
	struct hashmap segments; // address to index
	int (*take)(void *ctx, const struct mimalloc_block *block);
	void *ctx;
};

static struct page_use *kind_of(struct gather *g, const struct mimalloc_page *p, bool abandoned)
{
	struct page_use one = {.tag = p->tag, .block_size = p->block_size, .abandoned = abandoned};

	// There are some 75 sizes: most likely the last page was alike.
	for (uint64_t i = g->use->pages.n; i-- > 0;) {
		struct page_use *u = &g->use->pages.data[i];

		if (u->tag == one.tag && u->block_size == one.block_size &&
		    u->abandoned == abandoned)
			return u;
	}
	return vec_push(&g->use->pages, one) ? &g->use->pages.data[g->use->pages.n - 1] : NULL;
}

// A segment's size and that of its description; what is not possible is a plain one, with damage.
static void describe_segment(struct gather *g, struct segment_use *s)
{
	struct py_reader *r = heap_reader(g->h);
	const struct layout *l = r->layout;
	struct mimalloc_segments plain;
	uint64_t slices = 0, info = 0;

	if (!mimalloc_segments_init(&plain, l)) // then there was no page either
		return;
	s->bytes = plain.bytes;
	s->header_bytes = MIMALLOC_SLICE_BYTES;
	if (mem_read_u64(r->py->mem, s->addr + layout_off(l, F_SEGMENT_ALL_SLICES), &slices) == 0 &&
	    mem_read_u64(r->py->mem, s->addr + layout_off(l, F_SEGMENT_INFO_SLICES), &info) == 0 &&
	    slices && slices <= LIM_OBJECT_BYTES / MIMALLOC_SLICE_BYTES && info <= slices) {
		s->bytes = slices * MIMALLOC_SLICE_BYTES;
		s->header_bytes = info * MIMALLOC_SLICE_BYTES;
	} else {
		damage_note(&r->damage, DAMAGE_BAD_PAGE, s->addr);
	}
}

static struct segment_use *segment_of(struct gather *g, const struct mimalloc_page *p)
{
	struct segment_use s = {.addr = p->segment};
	uint32_t i;

	if (hashmap_get(&g->segments, p->segment, &i))
		return &g->use->segments.data[i];
	describe_segment(g, &s);
	if (!hashmap_put(&g->segments, p->segment, (uint32_t)g->use->segments.n) ||
	    !vec_push(&g->use->segments, s))
		return NULL;
	return &g->use->segments.data[g->use->segments.n - 1];
}

static int take_page(void *ctx, const struct mimalloc_page *p, uint32_t used_n, bool abandoned)
{
	struct gather *g = ctx;
	struct page_use *k = kind_of(g, p, abandoned);
	struct segment_use *s = segment_of(g, p);
	const uint64_t room = (p->area_bytes - (p->start - p->area)) / p->block_size;
	// Where its lists contradict its counts, more may be in use than it says.
	const uint64_t pending = p->used > used_n ? p->used - used_n : 0;
	const uint64_t free_n = room - used_n - pending;

	if (!k || !s)
		return CCORE_ENOMEM;
	k->page_n++;
	k->used_n += used_n;
	k->pending_n += pending;
	k->free_n += free_n;
	k->rest_bytes += p->area_bytes - room * p->block_size;
	s->abandoned |= abandoned;
	s->page_n++;
	s->page_bytes += p->area_bytes;
	s->used_n += used_n;
	s->used_bytes += used_n * p->block_size;
	s->used[p->tag].n += used_n;
	s->used[p->tag].bytes += used_n * p->block_size;
	s->pending_bytes += pending * p->block_size;
	s->free_bytes += free_n * p->block_size;
	return 0;
}

static int take_block(void *ctx, const struct mimalloc_block *block)
{
	struct gather *g = ctx;

	return g->take(g->ctx, block);
}

static int by_kind(const void *a, const void *b)
{
	const struct page_use *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	if (x->block_size != y->block_size)
		return x->block_size < y->block_size ? -1 : 1;
	return x->abandoned - y->abandoned;
}

static int by_address(const void *a, const void *b)
{
	const struct segment_use *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int mimalloc_use_find(struct mimalloc_use *ret, struct heap *h,
		      int (*take)(void *ctx, const struct mimalloc_block *block), void *ctx,
		      struct ccore_error *err)
{
	struct gather g = {.use = ret, .h = h, .take = take, .ctx = ctx};
	const struct mimalloc_visitor v = {
		.take = take ? take_block : NULL,
		.take_page = take_page,
		.ctx = &g,
		.tags = ALL_TAGS,
	};
	int status = 0;

	*ret = (struct mimalloc_use){0};
	if (!layout_has(&h->layout, F_TSI_HEAPS))
		return 0;
	for (uint32_t i = 0; status == 0 && i < h->runtime.interpreters.n; i++)
		status = mimalloc_walk(&h->runtime, i, heap_reader(h), &v);
	hashmap_done(&g.segments);
	if (status < 0) {
		mimalloc_use_done(ret);
		return err_nomem(err);
	}
	if (ret->pages.n)
		qsort(ret->pages.data, ret->pages.n, sizeof(*ret->pages.data), by_kind);
	if (ret->segments.n)
		qsort(ret->segments.data, ret->segments.n, sizeof(*ret->segments.data), by_address);
	return 0;
}

void mimalloc_use_done(struct mimalloc_use *u)
{
	vec_done(&u->pages);
	vec_done(&u->segments);
}
