// SPDX-License-Identifier: GPL-2.0-or-later
// Objects by type: how many, how large.
#ifndef NECROPY_HISTOGRAM_H
#define NECROPY_HISTOGRAM_H

#include "heap/heap.h"

struct histogram_row {
	const char *type; // the heap's
	uint64_t count, size;
	uint64_t estimated; // objects whose size is an estimate
};

struct histogram {
	VEC(struct histogram_row) rows; // one a name, in no particular order
};

/**
 * Count all objects, or with `gc_only` those that gc.get_objects() returns. Neither needs a table
 * of nodes, unless there is memory whose allocator is not known.
 */
int histogram_count(struct histogram *ret, struct heap *h, bool gc_only, struct ccore_error *err);

/** Count the `n` nodes of `ids`. */
int histogram_of_nodes(struct histogram *ret, struct heap *h, const uint32_t *ids, uint64_t n,
		       struct ccore_error *err);

/** Count the `n` objects at `objects`, on several threads. */
int histogram_of_objects(struct histogram *ret, struct heap *h, const addr_t *objects, uint64_t n,
			 struct ccore_error *err);

void histogram_done(struct histogram *g);

#endif
