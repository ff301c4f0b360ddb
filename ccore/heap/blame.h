// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blame: what keeps memory of Python's allocator that is almost empty. An arena, or a segment of
 * mimalloc, goes back to the system only when nothing of it is in use.
 */
#ifndef NECROPY_BLAME_H
#define NECROPY_BLAME_H

#include "heap/heap.h"

/** Objects of one type in almost empty arenas, or their buffers there. */
struct blame_row {
	const char *type; // the heap's; NULL: blocks that no object has a pointer to
	bool is_buffer;	  // not the objects themselves
	uint64_t count, size;
	uint64_t arena_n; // in which there are some
	addr_t example;	  // an object of that type: the lowest; 0 when there is none
};

struct blame {
	VEC(struct blame_row) rows;	  // what is in most arenas first
	uint64_t arena_n, all_arena_n;	  // almost empty ones, and all
	uint64_t arena_bytes, used_bytes; // of the almost empty ones
};

/** Arenas less than `percent` in use are almost empty. */
int blame_find(struct blame *ret, struct heap *h, uint64_t percent, struct ccore_error *err);
void blame_done(struct blame *b);

#endif
