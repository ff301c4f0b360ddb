// SPDX-License-Identifier: GPL-2.0-or-later
// Who has which part of the target's memory: of ledger.h.
#ifndef NECROPY_LEDGER_CLAIMS_H
#define NECROPY_LEDGER_CLAIMS_H

#include "heap/heap.h"
#include "heap/mimalloc_use.h"

enum claim_kind {
	// Whole, or not at all: their parts are counted one by one.
	CLAIM_PYMALLOC,
	CLAIM_MIMALLOC,
	CLAIM_MALLOC,
	// As far as nobody else has it.
	CLAIM_DATA_STACK_USED,
	CLAIM_DATA_STACK_FREE,
	CLAIM_MAIN_STACK_USED,
	CLAIM_MAIN_STACK_FREE,
	CLAIM_STACK_USED,
	CLAIM_STACK_FREE,
	CLAIM_OLD_STACK, // of a thread that has ended
	CLAIM_TLS,
	CLAIM_MALLOC_RESERVED,
	CLAIM_MIMALLOC_RESERVED,
	CLAIM_NONE
};

/** Exclusive end. */
struct claim {
	addr_t start, end;
	enum claim_kind kind;
	uint64_t index; // in the allocator's array
};

struct claim_vec {
	struct claim *data;
	uint64_t n, cap;
};

struct claims {
	struct claim_vec whole; // by address; without overlaps
	struct claim_vec parts; // the same; some may lie in `whole`, or where nothing is mapped
};

/**
 * Find all claims. Arenas, segments and ranges that overlap, or that are not mapped, are taken
 * out of `py`, `mi` and `m`, with damage counted. On failure `*ret` needs no claims_done().
 */
int claims_find(struct claims *ret, struct heap *h, struct pymalloc *py, struct mimalloc_use *mi,
		struct glibc_malloc *m, struct ccore_error *err);
void claims_done(struct claims *c);

#endif
