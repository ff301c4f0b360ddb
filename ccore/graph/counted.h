// SPDX-License-Identifier: GPL-2.0-or-later
// How many references to each object were found, of those that its refcount counts.
#ifndef NECROPY_COUNTED_H
#define NECROPY_COUNTED_H

#include "heap/heap.h"

/**
 * For each node of `h`, the references to it that some object or exact root owns, each place
 * counted once. The caller frees `*ret`.
 */
int counted_references(struct heap *h, uint32_t **ret, struct ccore_error *err);

#endif
