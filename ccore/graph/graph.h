// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * graph: who refers to whom, for nodes 0 to n - 1, as compressed rows in both directions when
 * asked for. Knows nothing of Python and reads no target: it is told the edges by a callback.
 *
 * A neighbour is a node id; its top bit (GRAPH_GUESS) says that the edge is a guess. Rows are
 * sorted by node id, so that the same edges give the same graph.
 */
#ifndef NECROPY_GRAPH_H
#define NECROPY_GRAPH_H

#include "util/error.h"
#include "util/progress.h"
#include "util/vec.h"

#define GRAPH_GUESS 0x80000000u

/** Where a visit puts the targets of one node: ids, GRAPH_GUESS set where guessed. */
struct graph_targets {
	VEC(uint32_t) ids;
	bool failed; // memory ran out
};

static inline void graph_targets_add(struct graph_targets *t, uint32_t id)
{
	if (!vec_push(&t->ids, id))
		t->failed = true;
}

/** Append the targets of node `id`. Called on thread `thread`, for any node, once for each. */
typedef void (*graph_visit_fn)(void *ctx, uint32_t thread, uint32_t id, struct graph_targets *out);

struct graph {
	uint32_t n;
	uint64_t edge_n;
	uint64_t *in_first; // n + 1 of them; NULL without nodes
	uint32_t *in;	    // edge_n sources
	uint64_t *out_first;
	uint32_t *out; // edge_n targets
};

/**
 * Ask `visit` for all edges between `n` nodes, on `thread_n` threads, and index them both
 * ways. On failure `*ret` needs no graph_done().
 */
int graph_build(struct graph *ret, uint32_t n, uint32_t thread_n, graph_visit_fn visit, void *ctx,
		const struct progress *progress, struct ccore_error *err);
void graph_done(struct graph *g);

#endif
