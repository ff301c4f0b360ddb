// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pymalloc: CPython's allocator of blocks up to 512 bytes. Arenas are cut into pools of one
 * size and alignment; a pool is carved into blocks of one size, from its start to `nextoffset`;
 * carved blocks that are free are chained through their first word. So the blocks in use are
 * known exactly.
 *
 * The sizes of pools and the unit of block sizes are in no debug information: they are taken
 * from the headers of pools, which give them away.
 */
#ifndef NECROPY_PYMALLOC_H
#define NECROPY_PYMALLOC_H

#include "runtime/runtime.h"

#define PYMALLOC_POOL_BYTES_MAX 16384u
#define PYMALLOC_BLOCKS_MAX 2048u
#define PYMALLOC_BLOCK_BYTES_MAX 512u // SMALL_REQUEST_THRESHOLD, of every version

/** What is in use of one arena: pools from `first` to `end`, some of them free. */
struct pymalloc_arena {
	addr_t first, end;
	addr_t start, stop; // all of its memory
	uint32_t state;	    // index in `states`
	uint32_t index;	    // in the target's array, which pools repeat
	uint32_t total_n;   // pools it has room for
	uint32_t free_n;    // of them, those that should be free, or were never used
};

/** An interpreter's pymalloc; before 3.12, and mostly since, there is one. */
struct pymalloc_state {
	addr_t arenas_at;     // the variable, which tells states apart
	uint32_t interpreter; // index, of the first that has it
	// What sys.getallocatedblocks() counts besides the arenas' blocks: those too large for
	// them; or, before 3.7, all blocks. UINT64_MAX where nobody counts.
	uint64_t large_n, all_n;
};

struct pymalloc {
	VEC(struct pymalloc_state) states;
	VEC(struct pymalloc_arena) arenas; // sorted by address; they do not overlap
	uint32_t pool_bytes, unit;	   // 0 when no pool was found
	bool known;			   // whether these are all: no list of them was unreadable
};

/** The carved blocks of one pool: `n` of `size` bytes from `first` on. */
struct pymalloc_pool {
	addr_t first;
	const uint8_t *view; // of the first block: n * size bytes
	uint32_t size, n;
	uint64_t free[PYMALLOC_BLOCKS_MAX / 64]; // bit i: block i is free
};

/** Find the arenas of all interpreters. What contradicts itself is damage, and left out. */
int pymalloc_find(struct pymalloc *ret, const struct runtime *rt, struct py_reader *r,
		  struct ccore_error *err);
void pymalloc_done(struct pymalloc *m);

enum pool_kind {
	POOL_FREE, // nothing of it is in use
	POOL_USED,
	POOL_BAD // its header is not possible, or not readable: damage was counted
};

/**
 * Read the pool at `addr` of arena `a`. `scratch` has room for pool_bytes. Sets `*ret` for
 * POOL_USED only. Where only the chain of free blocks is broken, with damage counted, the blocks
 * that it no longer reaches count as used.
 */
enum pool_kind pymalloc_pool_read(const struct pymalloc *m, const struct pymalloc_arena *a,
				  addr_t addr, struct py_reader *r, uint8_t *scratch,
				  struct pymalloc_pool *ret);

/**
 * A count of the pool or arena at `addr` is wrong, `by_one` as while a thread is inside the
 * allocator. One such in a target is no damage: r->py->half_done has it.
 */
void pymalloc_note_count(struct py_reader *r, addr_t addr, bool by_one);

/** Pools of `a` from its first to its end. */
static inline uint32_t pymalloc_pools(const struct pymalloc *m, const struct pymalloc_arena *a)
{
	return (uint32_t)((a->end - a->first) / m->pool_bytes);
}

static inline bool pymalloc_is_free(const struct pymalloc_pool *p, uint32_t i)
{
	return p->free[i / 64] >> (i % 64) & 1;
}

/** The arena that `addr` lies in, or NULL. */
const struct pymalloc_arena *pymalloc_arena_of(const struct pymalloc *m, addr_t addr);

/**
 * The pool in use that `addr` lies in, at *ret_pool, if `addr` is in a block of it. Counts no
 * damage: that is for whoever reads the heap.
 */
bool pymalloc_pool_of(const struct pymalloc *m, addr_t addr, struct py_reader *r, uint8_t *scratch,
		      struct pymalloc_pool *ret, addr_t *ret_pool);

/** Where interpreter `i` counts the arenas that it has, a size_t; 0: nowhere that is known. */
addr_t pymalloc_arena_counter(const struct runtime *rt, struct py_reader *r, uint64_t i);

#endif
