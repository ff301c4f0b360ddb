// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef NECROPY_DISCOVER_H
#define NECROPY_DISCOVER_H

#include "heap/heap.h"

/**
 * Put into h->set all objects: those on the GC lists, which must have been walked, and what
 * they and the roots lead to. CCORE_ENOMEM leaves `err` to the caller.
 */
int heap_discover(struct heap *h, struct ccore_error *err);

#endif
