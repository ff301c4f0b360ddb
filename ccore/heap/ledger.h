// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ledger: what every byte that is mapped in the target is used for. Each byte of each mapping is
 * counted in one line, so that the lines sum to exactly what is mapped.
 *
 * Memory of an allocator that was walked (pymalloc's arenas, mimalloc's segments, malloc's heaps)
 * is a claim: it is taken whole, if all of it is mapped and nobody has claimed it, and its parts
 * sum to it. What is left of a mapping is divided among stacks and the like, and named after the
 * mapping.
 *
 * Objects are not listed for it: it takes one pass over the allocators' memory, which is also
 * searched for pointers to malloc's chunks.
 */
#ifndef NECROPY_LEDGER_H
#define NECROPY_LEDGER_H

#include "heap/heap.h"

struct ledger_line {
	const char *path; // from the root of the tree on, a part a line; the ledger's
	uint64_t size;	  // bytes
	uint64_t count;	  // of blocks, chunks, mappings …
};

struct ledger {
	VEC(struct ledger_line) lines; // by path, each once; none is a beginning of another
	uint64_t mapped_bytes;	       // the sum of all lines
	uint64_t private_bytes;	       // of them, neither files' nor shared, and accessible
	uint64_t unknown_bytes;
	uint64_t malloc_idle_bytes; // whole pages that malloc has free
	bool malloc_known;	    // it is glibc's; else what it gave out is unknown
	struct arena text;
};

/** On failure `*ret` needs no ledger_done(). */
int ledger_make(struct ledger *ret, struct heap *h, struct ccore_error *err);
void ledger_done(struct ledger *l);

#endif
