// SPDX-License-Identifier: GPL-2.0-or-later
// What is reachable: the objects that no list and no allocator tells of.
#ifndef NECROPY_DISCOVER_H
#define NECROPY_DISCOVER_H

#include "heap/heap.h"

/**
 * Add to h->set what the roots and the `n` objects at `known`, which are in it, lead to; and to
 * h->reached or h->guessed too. CCORE_ENOMEM leaves `err` to the caller.
 */
int heap_discover(struct heap *h, const addr_t *known, uint64_t n, struct ccore_error *err);

#endif
