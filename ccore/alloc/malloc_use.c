// SPDX-License-Identifier: GPL-2.0-or-later
#include "alloc/malloc_use.h"

#include "util/checked.h"

#define PAGE 4096u
#define FREE_HEAD 48u // of a free chunk, its links included: malloc_trim() leaves those

uint64_t malloc_chunk_bytes(const struct malloc_chunk *c)
{
	// One that is not free has 8 bytes of its size in the next one's head.
	switch (c->state) {
	case CHUNK_USED:
	case CHUNK_TCACHE:
	case CHUNK_FASTBIN:
		return c->size + 8;
	case CHUNK_MMAPPED:
	case CHUNK_FREE:
	case CHUNK_TOP:
		break;
	}
	return c->size + 16;
}

struct count {
	struct malloc_use *use;
	uint64_t sum;
	malloc_chunk_fn fn;
	void *ctx;
};

static uint64_t whole_pages(addr_t start, addr_t end)
{
	addr_t first;

	if (!u64_align_up(start, PAGE, &first))
		return 0;
	end = u64_align_down(end, PAGE);
	return end > first ? end - first : 0;
}

static int take(void *ctx, const struct malloc_chunk *c)
{
	struct count *count = ctx;
	const uint64_t bytes = malloc_chunk_bytes(c);

	count->use->by[c->state].n++;
	count->use->by[c->state].bytes += bytes;
	count->sum += bytes;
	if (c->state == CHUNK_FREE || c->state == CHUNK_TOP)
		count->use->idle_bytes +=
			whole_pages(c->addr - 16 + FREE_HEAD, c->addr - 16 + bytes);
	return count->fn ? count->fn(count->ctx, c) : 0;
}

int malloc_use_add(struct malloc_use *ret, const struct glibc_malloc *m, const struct mem *mem,
		   uint64_t i, malloc_chunk_fn fn, void *ctx, struct damage *damage)
{
	const struct malloc_range *range = &m->ranges.data[i];
	struct count count = {.use = ret, .fn = fn, .ctx = ctx};
	const int status = glibc_malloc_walk(m, mem, i, take, &count, damage);

	ret->heap_n++;
	ret->bytes += range->end - range->base;
	ret->other_bytes += range->end - range->base - count.sum;
	return status;
}
