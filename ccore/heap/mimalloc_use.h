// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much of mimalloc's memory is in use: by what a page is for and the size of its blocks, and
 * segment by segment. All interpreters' heaps, those of threads that have ended included.
 */
#ifndef NECROPY_MIMALLOC_USE_H
#define NECROPY_MIMALLOC_USE_H

#include "alloc/mimalloc_page.h"
#include "heap/heap.h"

/** Pages of one kind. */
struct page_use {
	enum mimalloc_tag tag;
	uint64_t block_size;
	bool abandoned; // of threads that have ended
	uint64_t page_n;
	uint64_t used_n;     // blocks
	uint64_t pending_n;  // freed by other threads, which the owner has not taken note of
	uint64_t free_n;     // and those never given out
	uint64_t rest_bytes; // of the pages that are in no block
};

struct segment_use {
	addr_t addr;
	uint64_t bytes, header_bytes; // of it; its own description, at its beginning
	uint64_t page_n, page_bytes;
	uint64_t used_n, used_bytes; // blocks in use
	struct {
		uint64_t n, bytes;
	} used[MIMALLOC_TAG_N];		    // of them, by what they are for
	uint64_t free_bytes, pending_bytes; // other blocks
	bool abandoned;
};

struct mimalloc_use {
	VEC(struct page_use) pages;	  // by tag, size and abandoned
	VEC(struct segment_use) segments; // by address
};

/** "buffers", "objects", "gc objects" or "gc objects with a dict". */
const char *mimalloc_tag_name(enum mimalloc_tag tag);

/**
 * Only for layouts that have F_TSI_HEAPS: else it finds none. What contradicts itself is damage.
 * `v`'s `take`, or NULL, is given the blocks. On failure `*ret` needs no mimalloc_use_done().
 */
int mimalloc_use_find(struct mimalloc_use *ret, struct heap *h,
		      int (*take)(void *ctx, const struct mimalloc_block *block), void *ctx,
		      struct ccore_error *err);
void mimalloc_use_done(struct mimalloc_use *u);

#endif
