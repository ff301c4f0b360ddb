// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as glibc's malloc: the data of libc at DATA, a heap at HEAP, other memory at OTHER,
 * where mmapped chunks and heaps of other arenas may be. Whatever they say, chunks come in
 * order and lie in the range they were found in. The seeds are made by make_malloc_seeds.py.
 */
#include "alloc/malloc_use.h"

#include <assert.h>

#define DATA 0x10000u
#define DATA_BYTES 4096u
#define HEAP 0x100000u
#define OTHER 0x4000000u // where heaps of other arenas may begin
#define PART_BYTES_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
	const struct malloc_range *range;
	addr_t last_end;
};

static int check_chunk(void *ctx, const struct malloc_chunk *c)
{
	struct check *check = ctx;

	assert(c->addr >= check->last_end && c->addr >= check->range->start);
	assert(c->addr <= check->range->end);
	// The last word of one in use is the next one's first.
	assert(c->size <= check->range->end - c->addr + 8);
	check->last_end = c->addr;
	return 0;
}

// What is counted of a range is no more than there is.
static void check_use(const struct glibc_malloc *m, const struct mem *mem, uint64_t i)
{
	const struct malloc_range *range = &m->ranges.data[i];
	struct malloc_use use = {0};
	struct damage damage = {0};
	uint64_t sum;

	assert(range->base <= range->start && (range->mmapped || range->arena < m->arenas.n));
	assert(malloc_use_add(&use, m, mem, i, NULL, NULL, &damage) == 0);
	sum = use.other_bytes;
	assert(use.other_bytes <= use.bytes);
	for (unsigned state = 0; state <= CHUNK_TOP; state++)
		sum += use.by[state].bytes;
	assert(sum == use.bytes && use.bytes == range->end - range->base);
	assert(use.idle_bytes <= use.by[CHUNK_FREE].bytes + use.by[CHUNK_TOP].bytes);
}

static void check_malloc(const struct target *t)
{
	const struct known_range skip = {OTHER + 4096, OTHER + 8192};
	struct damage damage = {0};
	struct glibc_malloc m;

	if (glibc_malloc_find(&m, t, &skip, 1, &damage, NULL) < 0)
		return;
	for (uint64_t i = 0; i < m.ranges.n; i++) {
		struct check check = {.range = &m.ranges.data[i]};

		assert(check.range->start <= check.range->end);
		(void)glibc_malloc_walk(&m, &t->mem, i, check_chunk, &check, &damage); // 0 always
		check_use(&m, &t->mem, i);
	}
	for (uint32_t i = 0; i < m.arenas.n; i++) // a chunk has 32 bytes at least
		assert(glibc_malloc_binned(&m, &t->mem, i, &damage) <= t->mem.bytes / 32);
	(void)glibc_malloc_owns(&m, HEAP);
	glibc_malloc_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mapping maps[] = {
		{.start = DATA, .end = DATA + DATA_BYTES, .flags = MAPPING_W, .name = "/libc.so.6"},
		{.start = HEAP, .flags = MAPPING_W, .name = "[heap]"},
		{.start = OTHER, .flags = MAPPING_W, .name = ""},
	};
	struct module libc = {.name = "/libc.so.6", .start = DATA, .end = DATA + DATA_BYTES};
	struct target t = {
		.mappings = {.data = maps, .n = 3},
		.modules = {.data = &libc, .n = 1},
	};
	uint64_t heap, other;

	if (size < DATA_BYTES + 64 || size > DATA_BYTES + 2 * PART_BYTES_MAX)
		return 0;
	heap = (size - DATA_BYTES) / 32 * 16;
	other = size - DATA_BYTES - heap;
	maps[1].end = HEAP + heap;
	maps[2].end = OTHER + other;
	if (mem_add(&t.mem, DATA, DATA_BYTES, data, NULL, 0, NULL) == 0 &&
	    mem_add(&t.mem, HEAP, heap, data + DATA_BYTES, NULL, 0, NULL) == 0 &&
	    mem_add(&t.mem, OTHER, other, data + DATA_BYTES + heap, NULL, 0, NULL) == 0 &&
	    mem_freeze(&t.mem, NULL) == 0)
		check_malloc(&t);
	mem_done(&t.mem);
	return 0;
}
