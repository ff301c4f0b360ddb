// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sweep: the objects in what the allocators have given out, each once: pymalloc's blocks, on all
 * threads, then malloc's chunks and 2.7's slabs of ints and floats. A part of universe.h.
 */
#ifndef NECROPY_SWEEP_H
#define NECROPY_SWEEP_H

#include "heap/universe.h"
#include "py/block.h"

struct sweep {
	struct heap *h; // h->universe says where the arenas and chunks are
	struct addrset *set;
	universe_fn fn; // or NULL
	void *ctx;
	struct ccore_error *err;
	struct block_rules rules;
	bool is_collecting; // links of the collector are then not to be trusted
	bool walks_lists;   // while the arenas are swept; else afterwards, if they have more
	_Atomic uint64_t next_arena, next_object; // that no thread has taken
	_Atomic uint64_t dead_n;
	_Atomic uint64_t rings; // gc_rings of what allocators gave out
	_Atomic bool strange;	// an object lies in memory of nobody that is known
	_Atomic int stop;	// a thread failed
};

/**
 * `c`, which is in use, as a block; `scratch` has room for BLOCK_VIEW. False, with damage counted,
 * when it cannot be read.
 */
bool sweep_chunk_block(struct py_reader *r, const struct malloc_chunk *c, uint8_t *scratch,
		       struct block *ret);

/** Add an object to the set, and give it to `fn` if it is new there. */
int sweep_give(struct sweep *w, uint32_t thread, addr_t addr, const struct py_type *type);

/** One thread's part of all arenas. */
int sweep_arenas(struct sweep *w, uint32_t thread);

/** All chunks, and all slabs: on the calling thread. */
int sweep_chunks(struct sweep *w);
int sweep_slabs(struct sweep *w);

#endif
