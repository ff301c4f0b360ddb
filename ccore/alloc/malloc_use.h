// SPDX-License-Identifier: GPL-2.0-or-later
// How much of glibc's malloc is in use, arena by arena, as malloc_info(3) and mallinfo2(3) count.
#ifndef NECROPY_MALLOC_USE_H
#define NECROPY_MALLOC_USE_H

#include "alloc/glibc_malloc.h"

/** Chunks in one state, with their heads. */
struct chunk_use {
	uint64_t n, bytes;
};

/** Of an arena: the parts sum to `bytes`. */
struct malloc_use {
	uint64_t heap_n;
	uint64_t bytes;			    // of its heaps
	struct chunk_use by[CHUNK_TOP + 1]; // by enum chunk_state
	uint64_t other_bytes;		    // heads of heaps, fences at their ends, damage
	uint64_t idle_bytes;		    // whole pages of free chunks and tops
};

/** Bytes that a chunk takes, with its head. */
uint64_t malloc_chunk_bytes(const struct malloc_chunk *c);

/**
 * Walk range `i` of `m` and add it to `*ret`. `fn`, or NULL, gets each chunk; not 0 ends the walk
 * and is returned.
 */
int malloc_use_add(struct malloc_use *ret, const struct glibc_malloc *m, const struct mem *mem,
		   uint64_t i, malloc_chunk_fn fn, void *ctx, struct damage *damage);

#endif
