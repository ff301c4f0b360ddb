// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose malloc's chunks in use are. A chunk holds an object, by what is in it; or it is a buffer:
 * an object, or another buffer, has a pointer to it; or the interpreter's variables lead to it.
 * The rest is someone else's: C code's that no object leads to.
 */
#ifndef NECROPY_CHUNK_OWNERS_H
#define NECROPY_CHUNK_OWNERS_H

#include "alloc/malloc_use.h"
#include "heap/mimalloc_use.h"
#include "heap/pymalloc_use.h"
#include "py/block.h"
#include "util/parallel.h"

enum chunk_owner { OWNER_OTHER, OWNER_OBJECT, OWNER_BUFFER, OWNER_INTERPRETER, OWNER_N };

#define CHUNK_MAPPED (1ull << 63) // in `bytes`: it has a mapping of its own

struct chunk_owners {
	struct heap *h;
	struct addrset chunks;	 // what a pointer to a chunk in use points to
	VEC(uint64_t) bytes;	 // of chunk `id`, with its head
	_Atomic uint8_t *owner;	 // enum chunk_owner of chunk `id`
	struct malloc_use total; // of all arenas
	struct block_rules rules;
	struct {
		VEC(uint32_t) ids;
	} found[PARALLEL_MAX]; // chunks whose words are still to be looked at
};

/** Register the chunks of `m`. On failure `*ret` needs no chunk_owners_done(). */
int chunk_owners_init(struct chunk_owners *ret, struct heap *h, const struct glibc_malloc *m,
		      struct ccore_error *err);
void chunk_owners_done(struct chunk_owners *o);

/** Chunks that the `n` words at `p` point to belong to what these are of. From any thread. */
int chunk_owners_words(struct chunk_owners *o, uint32_t thread, const uint8_t *p, uint64_t n);

/**
 * Find the objects in the chunks, and all that they, what chunk_owners_words() was given, and the
 * interpreter lead to.
 */
int chunk_owners_spread(struct chunk_owners *o, const struct glibc_malloc *m,
			struct ccore_error *err);

#endif
