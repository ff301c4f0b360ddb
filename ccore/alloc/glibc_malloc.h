// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * glibc_malloc: the chunks of glibc's malloc, from the target's memory alone. Nothing is asked
 * of debug information: a struct malloc_state is known by its 127 bins, of which the empty ones
 * point to themselves; the rest follows from it.
 *
 *	main arena	in libc's data; its heap ends with the top chunk
 *	other arenas	in a ring with it; heaps aligned to their largest size, chained backward
 *	mmapped chunks	on pages of their own, known by their heads
 *
 * Chunks that free() keeps in the caches of threads (tcache) and in fastbins look as if they
 * were in use: the lists of both are read, plain or with the protected links of glibc 2.32.
 */
#ifndef NECROPY_GLIBC_MALLOC_H
#define NECROPY_GLIBC_MALLOC_H

#include "sym/target.h"
#include "util/hashmap.h"

enum chunk_state {
	CHUNK_USED,
	CHUNK_MMAPPED, // in use, on pages of its own
	CHUNK_TCACHE,  // free, kept for one thread
	CHUNK_FASTBIN, // free, kept by an arena
	CHUNK_FREE,    // free, in a bin
	CHUNK_TOP      // what a heap has left
};

/** A piece of memory that holds nothing but chunks; exclusive end. */
struct malloc_range {
	addr_t start, end;
	addr_t base;	// where the heap begins: with its own head, if it has one
	uint32_t arena; // index
	bool mmapped;	// it is one chunk, of no arena
};

/** A struct malloc_state, in the order of the ring: the main arena is the first. */
struct malloc_arena {
	addr_t addr, top_at;   // its `top` is at the latter
	uint64_t system_bytes; // what it says that it has of the system
	uint32_t fastbin_n;
};

struct glibc_malloc {
	VEC(struct malloc_range) ranges; // sorted by address
	VEC(struct malloc_arena) arenas;
	struct hashmap cached; // memory of cached chunks, to enum chunk_state
	uint64_t links_left;   // that may still be followed to find those
	bool known;	       // the main arena was found
};

/** A chunk, as its user sees it: `size` bytes at `addr`. */
struct malloc_chunk {
	addr_t addr;
	uint64_t size;
	enum chunk_state state;
};

/** Memory that is known to be someone else's; exclusive end. */
struct known_range {
	addr_t start, end;
};

/**
 * Find all arenas, heaps and mmapped chunks of `t`; `ret->known` is false when it has another
 * malloc. `skip`, sorted, is not searched for mmapped chunks. What contradicts itself is damage.
 */
int glibc_malloc_find(struct glibc_malloc *ret, const struct target *t,
		      const struct known_range *skip, uint64_t skip_n, struct damage *damage,
		      struct ccore_error *err);
void glibc_malloc_done(struct glibc_malloc *m);

/** Takes a chunk; not 0 to stop. */
typedef int (*malloc_chunk_fn)(void *ctx, const struct malloc_chunk *c);

/**
 * Give the chunks of range `i` in address order. Returns what `fn` returned when it stopped, else
 * 0. A chunk whose size is not possible ends the range, with damage counted.
 */
int glibc_malloc_walk(const struct glibc_malloc *m, const struct mem *mem, uint64_t i,
		      malloc_chunk_fn fn, void *ctx, struct damage *damage);

/**
 * Walk the bins of arena `i`: the number of chunks in them. What leads out of this malloc's memory,
 * or back, ends a bin, with damage counted.
 */
uint64_t glibc_malloc_binned(const struct glibc_malloc *m, const struct mem *mem, uint32_t i,
			     struct damage *damage);

/** Whether `addr` lies in memory of this malloc. */
bool glibc_malloc_owns(const struct glibc_malloc *m, addr_t addr);

#endif
