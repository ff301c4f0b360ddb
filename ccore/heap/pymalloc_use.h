// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much of pymalloc's arenas is in use: by size of block, as sys._debugmallocstats() counts
 * it, and arena by arena. One pass over all pools, on all threads.
 */
#ifndef NECROPY_PYMALLOC_USE_H
#define NECROPY_PYMALLOC_USE_H

#include "heap/heap.h"

#define PYMALLOC_CLASSES (PYMALLOC_BLOCK_BYTES_MAX / 8)

/** Blocks of one size. */
struct class_use {
	uint64_t pool_n;
	uint64_t used_n, free_n; // blocks; what was never given out is free
};

struct arena_use {
	uint64_t used_n, used_bytes; // blocks in use
	uint32_t used_pools, bad_pools;
};

struct pymalloc_use {
	const struct pymalloc *m;
	uint32_t header_bytes;	   // of a pool
	struct class_use *classes; // PYMALLOC_CLASSES for each of m->states
	struct arena_use *arenas;  // one for each of m->arenas
};

/** Takes a pool that is in use, of arena `arena`, on thread `thread`. 0, or a failure. */
struct pool_visitor {
	int (*take)(void *ctx, uint32_t thread, uint64_t arena, const struct pymalloc_pool *pool);
	void *ctx;
};

/**
 * Walk the pools of `m`, which must outlive `*ret`. `v` may be NULL. What contradicts itself is
 * damage. On failure `*ret` needs no pymalloc_use_done().
 */
int pymalloc_use_find(struct pymalloc_use *ret, struct heap *h, const struct pymalloc *m,
		      const struct pool_visitor *v, struct ccore_error *err);
void pymalloc_use_done(struct pymalloc_use *u);

/** Blocks of class `i` have this size. */
static inline uint32_t pymalloc_class_size(const struct pymalloc *m, uint32_t i)
{
	return (i + 1) * m->unit;
}

/** Bytes of each pool of blocks of `size` that are in no block and not in its header. */
static inline uint32_t pymalloc_rest(const struct pymalloc_use *u, uint32_t size)
{
	return size ? (u->m->pool_bytes - u->header_bytes) % size : 0;
}

/** Bytes of an arena. */
static inline uint64_t pymalloc_arena_bytes(const struct pymalloc_arena *a)
{
	return a->stop - a->start;
}

#endif
