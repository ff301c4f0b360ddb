// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One page of mimalloc: where its blocks are, and which of them are in use.
 */
#ifndef NECROPY_MIMALLOC_PAGE_H
#define NECROPY_MIMALLOC_PAGE_H

#include "alloc/mimalloc.h"

#define MIMALLOC_PAGE_BYTES 256u	 // of its struct, which has some 100
#define MIMALLOC_CAPACITY_MAX UINT16_MAX // blocks: the field has 16 bits

/** What encodes the links of a list, in builds that do. */
struct mimalloc_keys {
	addr_t null; // stands for the end of a list
	uint64_t k[2];
};

/** A segment's header describes slices of 64 KiB. */
struct mimalloc_segments {
	uint64_t slice_n; // in the header: one more than a segment has
	uint64_t bytes;	  // of a segment, and its alignment: a power of two
};

struct mimalloc_page {
	addr_t addr, start, end; // its struct; its blocks
	addr_t segment, area;	 // where its segment and its memory begin
	uint64_t area_bytes;
	uint64_t block_size;
	uint32_t capacity; // blocks that were ever made of it; there may be room for more
	uint32_t used;	   // of them, until what other threads have freed is noted
	enum mimalloc_tag tag;
	struct mimalloc_keys keys;
	addr_t free, local_free, thread_free;
};

/** Blocks that a heap lists as freed: the first that other threads have freed in full pages. */
struct mimalloc_delayed {
	VEC(addr_t) blocks; // sorted
};

/** A bit for each block of a page. */
struct mimalloc_bits {
	uint64_t words[MIMALLOC_CAPACITY_MAX / 64 + 1];
};

/** False when the layout's structs are not such as we can read. */
bool mimalloc_segments_init(struct mimalloc_segments *ret, const struct layout *l);

/** The page whose struct, at `addr`, was read to `p`; false when it cannot be one. */
bool mimalloc_page_read(const struct layout *l, const struct mimalloc_segments *s, addr_t addr,
			const uint8_t *p, struct mimalloc_page *ret);

/**
 * Set the bits of the blocks that are free, as far as they can be found. False when a list leads
 * out of the page or to a block twice, or when their lengths contradict the page's counts.
 */
bool mimalloc_page_find_free(struct py_reader *r, const struct mimalloc_page *p,
			     const struct mimalloc_delayed *delayed, struct mimalloc_bits *ret);

/**
 * Read the list of the heap whose struct, at `heap`, was read to `p`: at most *left blocks, which
 * it counts down. False when it leads nowhere, or back; CCORE_ENOMEM goes to *status.
 */
bool mimalloc_delayed_read(struct mimalloc_delayed *ret, struct py_reader *r, addr_t heap,
			   const uint8_t *p, uint64_t *left, int *status);

#endif
