// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a heap of mimalloc: the walk ends, and gives blocks where blocks can be.
#include "../c/small_heap.h"

#include "alloc/mimalloc_page.h"

#include <assert.h>

#define BLOCKS_MAX (SMALL_SLICES * UINT16_MAX) // pages there can be, blocks each can have

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct count {
	unsigned tags;
	uint64_t n;
	uint64_t of_pages; // blocks that were announced
};

static int take_page(void *ctx, const struct mimalloc_page *p, uint32_t used_n, bool abandoned)
{
	struct count *c = ctx;

	assert(p->area >= p->segment && p->start >= p->area && p->block_size);
	assert(p->end - p->area <= p->area_bytes);
	assert(used_n <= p->capacity && p->used <= p->capacity);
	assert(p->capacity <= (p->area_bytes - (p->start - p->area)) / p->block_size);
	(void)abandoned; // either may be
	c->of_pages += used_n;
	return 0;
}

static int take(void *ctx, const struct mimalloc_block *b)
{
	struct count *c = ctx;

	assert(b->addr >= SMALL_BLOCKS && b->addr % 8 == 0 && b->size < LIM_OBJECT_BYTES);
	assert(c->tags >> b->tag & 1);
	assert(++c->n <= BLOCKS_MAX);
	return 0;
}

static uint64_t cut(uint8_t *part, uint64_t n, const uint8_t **data, size_t *size)
{
	n = n < *size ? n : *size;
	if (n)
		memcpy(part, *data, n);
	*data += n;
	*size -= n;
	return n;
}

// The first byte chooses: bit 0 encoded links, the next four which heaps are walked.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct small_heap *h = calloc(1, sizeof(*h));
	struct damage damage;
	struct count count = {0};
	struct mimalloc_visitor v = {.take = take, .take_page = take_page, .ctx = &count};
	uint8_t how = 0;

	if (!h)
		return 0;
	(void)cut(&how, 1, &data, &size); // none: all zero
	(void)cut(h->state, sizeof(h->state), &data, &size);
	(void)cut(h->segment, sizeof(h->segment), &data, &size);
	h->blocks_n = cut(h->blocks, sizeof(h->blocks), &data, &size);
	h->encoded = how & 1;
	count.tags = v.tags = how >> 1 & 15;
	if (small_heap_walk(h, &v, &damage) == 0) // else memory is out
		assert(count.of_pages == count.n);
	free(h);
	return 0;
}
