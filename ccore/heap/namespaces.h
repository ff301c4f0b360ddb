// SPDX-License-Identifier: GPL-2.0-or-later
// Dicts whose keys are names, and no values: those of modules, classes and instances.
#ifndef NECROPY_NAMESPACES_H
#define NECROPY_NAMESPACES_H

#include "heap/heap.h"

/** Find them among the nodes, so that --redact leaves their keys: h->py.namespaces. */
void namespaces_find(struct heap *h);

#endif
