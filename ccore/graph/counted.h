// SPDX-License-Identifier: GPL-2.0-or-later
// What leads to each object: references that its refcount counts, and words that may be some.
#ifndef NECROPY_COUNTED_H
#define NECROPY_COUNTED_H

#include "heap/heap.h"

/** By node id; zeroed, it is empty. */
struct counted {
	uint32_t *known;  // references that some object or exact root owns, each place counted once
	uint8_t *guessed; // 1: some word that is a guess leads to it
};

/** Count what leads to each node of `h`, and find its roots for it. */
int counted_references(struct counted *ret, struct heap *h, struct ccore_error *err);
void counted_done(struct counted *c);

#endif
