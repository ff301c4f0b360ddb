// SPDX-License-Identifier: GPL-2.0-or-later
#include "alloc/mimalloc_page.h"

struct walk {
	struct py_reader *r;
	const struct layout *l;
	const struct mimalloc_visitor *v;
	struct mimalloc_segments segments;
	struct hashmap seen;   // pages and segments: lists of them may lead back
	uint64_t page_limit;   // more than this cannot be
	uint64_t delayed_left; // blocks on heaps' lists: at most one of each page
	struct mimalloc_delayed delayed;
	struct mimalloc_bits is_free; // the blocks of the present page
	bool abandoned;		      // so are the pages that come now
};

static void bad_page(struct walk *w, addr_t at)
{
	damage_note(&w->r->damage, DAMAGE_BAD_PAGE, at);
}

// False, with damage counted, when `at` was met before or cannot be; also when *status is set.
static bool is_new(struct walk *w, addr_t at, int *status)
{
	uint32_t before;

	if (at % 8 || w->seen.n >= w->page_limit || hashmap_get(&w->seen, at, &before)) {
		bad_page(w, at);
		return false;
	}
	if (!hashmap_put(&w->seen, at, 0))
		*status = CCORE_ENOMEM;
	return *status == 0;
}

// -- pages

static int take_blocks(struct walk *w, const struct mimalloc_page *p)
{
	// Where links are encoded, blocks end with a word that tells when they overflow.
	const uint64_t padding = layout_has(w->l, F_PAGE_KEYS) ? 8 : 0;
	struct mimalloc_block block = {.size = p->block_size - padding, .tag = p->tag};

	for (uint64_t i = 0; i < p->capacity; i++) {
		block.addr = p->start + i * p->block_size;
		if (!(w->is_free.words[i / 64] >> (i % 64) & 1))
			TRY(w->v->take(w->v->ctx, &block));
	}
	return 0;
}

static uint32_t used_blocks(const struct walk *w, const struct mimalloc_page *p)
{
	uint32_t n = p->capacity;

	for (uint32_t i = 0; i <= p->capacity / 64; i++)
		n -= (uint32_t)__builtin_popcountll(w->is_free.words[i]);
	return n;
}

// The page at `addr`, if it is of a kind that is wanted, and which comes next in its queue.
static int walk_page(struct walk *w, addr_t addr, addr_t *ret_next)
{
	uint8_t scratch[MIMALLOC_PAGE_BYTES];
	struct mimalloc_page page;
	const uint8_t *p;
	int status = 0;

	*ret_next = 0;
	if (!is_new(w, addr, &status))
		return status;
	p = py_get(w->r, addr, w->l->struct_size[S_mi_page], scratch);
	if (p)
		*ret_next = field_u64(w->l, F_PAGE_NEXT, p);
	if (!p || !mimalloc_page_read(w->l, &w->segments, addr, p, &page)) {
		bad_page(w, addr);
		return 0;
	}
	if (!(w->v->tags >> page.tag & 1))
		return 0;
	if (!mimalloc_page_find_free(w->r, &page, &w->delayed, &w->is_free))
		bad_page(w, addr);
	if (w->v->take_page)
		TRY(w->v->take_page(w->v->ctx, &page, used_blocks(w, &page), w->abandoned));
	return w->v->take ? take_blocks(w, &page) : 0;
}

// -- heaps of threads

static int walk_heap(struct walk *w, addr_t heap)
{
	const struct layout *l = w->l;
	const uint32_t stride = l->struct_size[S_mi_page_queue];
	uint8_t scratch[LAYOUT_STRUCT_MAX];
	const uint8_t *p = py_get(w->r, heap, l->struct_size[S_mi_heap], scratch);
	int status = 0;

	if (!p || !mimalloc_delayed_read(&w->delayed, w->r, heap, p, &w->delayed_left, &status))
		bad_page(w, heap);
	for (uint32_t off = 0; p && off + stride <= l->fields[F_HEAP_QUEUES].size; off += stride) {
		addr_t page =
			field_u64(l, F_PAGE_QUEUE_FIRST, p + layout_off(l, F_HEAP_QUEUES) + off);

		while (page && status == 0)
			status = walk_page(w, page, &page);
	}
	return status;
}

static int walk_thread(struct walk *w, addr_t tstate)
{
	const struct layout *l = w->l;
	const uint32_t size = l->struct_size[S_mi_heap];
	const uint32_t n = l->fields[F_TSI_HEAPS].size / size;
	uint32_t ready;

	if (mem_read_u32(w->r->py->mem, tstate + layout_off(l, F_TSI_HEAPS_READY), &ready) < 0) {
		bad_page(w, tstate);
		return 0;
	}
	for (uint32_t i = 0; ready && i < n && i < MIMALLOC_TAG_N; i++)
		if (w->v->tags >> i & 1)
			TRY(walk_heap(w, tstate + layout_off(l, F_TSI_HEAPS) + (addr_t)i * size));
	return 0;
}

// -- segments of threads that have ended

// The slices that begin a page or a free span, after those of the segment's own header.
static int walk_slices(struct walk *w, addr_t segment, uint64_t slice_n)
{
	const struct layout *l = w->l;
	const uint32_t size = l->struct_size[S_mi_page];
	uint8_t scratch[MIMALLOC_PAGE_BYTES];

	for (uint64_t i = 0, n; i < slice_n; i += n) {
		addr_t at = segment + layout_off(l, F_SEGMENT_SLICES) + i * size;
		const uint8_t *p = py_get(w->r, at, size, scratch);

		n = p ? field_u64(l, F_PAGE_SLICE_N, p) : 0;
		if (!n) {
			bad_page(w, segment);
			return 0;
		}
		if (i && field_u64(l, F_PAGE_BLOCK_SIZE, p))
			TRY(walk_page(w, at, &at));
	}
	return 0;
}

static int walk_segments(struct walk *w, addr_t segment)
{
	const struct layout *l = w->l;
	const struct mem *m = w->r->py->mem;
	int status = 0;

	while (segment && is_new(w, segment, &status)) {
		uint64_t slice_n;
		addr_t next;

		if (segment % w->segments.bytes ||
		    mem_read_u64(m, segment + layout_off(l, F_SEGMENT_SLICE_N), &slice_n) < 0 ||
		    mem_read_u64(m, segment + layout_off(l, F_SEGMENT_ABANDONED_NEXT), &next) < 0) {
			bad_page(w, segment);
			return 0;
		}
		TRY(walk_slices(w, segment, u64_min(slice_n, w->segments.slice_n - 1)));
		segment = next;
	}
	return status;
}

static int walk_abandoned(struct walk *w, addr_t interpreter)
{
	static const enum field_id lists[] = {F_IS_ABANDONED, F_IS_ABANDONED_VISITED};

	w->delayed.blocks.n = 0;
	w->abandoned = true;
	for (unsigned k = 0; k < 2; k++) {
		const addr_t at = interpreter + layout_off(w->l, lists[k]);
		addr_t first;

		// A counter is in the low bits.
		if (mem_read_u64(w->r->py->mem, at, &first) < 0)
			bad_page(w, interpreter);
		else
			TRY(walk_segments(w, first & ~(w->segments.bytes - 1)));
	}
	return 0;
}

int mimalloc_walk(const struct runtime *rt, uint32_t i, struct py_reader *r,
		  const struct mimalloc_visitor *v)
{
	const addr_t interpreter = rt->interpreters.data[i].addr;
	struct walk w = {.r = r, .l = r->layout, .v = v};
	int status = 0;

	if (!mimalloc_segments_init(&w.segments, r->layout)) {
		bad_page(&w, interpreter);
		return 0;
	}
	w.page_limit = r->py->mem->bytes / r->layout->struct_size[S_mi_page];
	w.delayed_left = w.page_limit;
	for (uint64_t t = 0; status == 0 && t < rt->threads.n; t++)
		if (rt->threads.data[t].interpreter == i)
			status = walk_thread(&w, rt->threads.data[t].addr);
	if (status == 0)
		status = walk_abandoned(&w, interpreter);
	hashmap_done(&w.seen);
	vec_done(&w.delayed.blocks);
	return status;
}
