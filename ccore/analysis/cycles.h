// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cycles: the strongly connected components of a graph that are cycles: of more than one node, or
 * of one that refers to itself. Guessed edges count for nothing.
 *
 * While it works, 8 bytes a node, and 16 for each on the longest way that it goes down: 24 at the
 * worst. What it returns has 4 bytes a node of the graph, and 4 for each that is in a cycle.
 */
#ifndef NECROPY_CYCLES_H
#define NECROPY_CYCLES_H

#include "graph/graph.h"

#define NO_CYCLE UINT32_MAX

struct cycle {
	uint32_t first, n; // of its nodes, in cycles.nodes
};

struct cycles {
	VEC(struct cycle) all;
	VEC(uint32_t) nodes; // ascending within each cycle
	uint32_t *of;	     // by node of the graph: index in `all`, or NO_CYCLE
};

/** CCORE_ENOMEM when that may take more than `max_bytes`. On failure `*ret` is empty. */
int cycles_find(struct cycles *ret, const struct graph *g, uint64_t max_bytes,
		const struct progress *progress, struct ccore_error *err);
void cycles_done(struct cycles *c);

#endif
