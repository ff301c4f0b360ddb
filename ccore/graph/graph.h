// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * graph: who refers to each of the nodes 0 to n - 1, as compressed rows. Knows nothing of
 * Python and reads no target: it is told the edges by a callback.
 *
 * A source is a node id; its top bit (GRAPH_GUESS) says that the edge is a guess. Rows are
 * sorted by node id, so that the same edges give the same graph. There are no rows of what a
 * node refers to: the node itself says that, and they would take as much memory again.
 *
 * 4 bytes a node and 4 an edge; while it is built twice that.
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
	uint64_t max; // ids that there may be
	bool failed;  // memory ran out
};

static inline void graph_targets_add(struct graph_targets *t, uint32_t id)
{
	if (t->ids.n >= t->max || !vec_push(&t->ids, id))
		t->failed = true;
}

/** Append the targets of node `id`. Called on thread `thread`, for any node, once for each. */
typedef void (*graph_visit_fn)(void *ctx, uint32_t thread, uint32_t id, struct graph_targets *out);

#define GRAPH_BLOCK_SHIFT 16u // nodes of a block, as a power of two

struct graph {
	uint32_t n;
	uint64_t edge_n;
	uint32_t *in;	       // edge_n sources
	uint32_t *in_first;    // by node: where its row begins in those of its block
	uint64_t *block_first; // by block: where its rows begin; one more, the end
};

/** The sources of node `id`, `*ret_n` of them. */
static inline const uint32_t *graph_sources(const struct graph *g, uint32_t id, uint64_t *ret_n)
{
	const uint64_t block = id >> GRAPH_BLOCK_SHIFT;
	const uint64_t base = g->block_first[block], first = base + g->in_first[id];
	const bool last = id + 1 == g->n || (id + 1) >> GRAPH_BLOCK_SHIFT != block;

	*ret_n = (last ? g->block_first[block + 1] : base + g->in_first[id + 1]) - first;
	return g->in + first;
}

/**
 * Ask `visit` for all edges between `n` nodes, on `thread_n` threads, and index them by target,
 * in at most `max_bytes` of memory: else CCORE_ENOMEM, whose text is the caller's. On failure
 * `*ret` needs no graph_done().
 */
int graph_build(struct graph *ret, uint32_t n, uint32_t thread_n, uint64_t max_bytes,
		graph_visit_fn visit, void *ctx, const struct progress *progress,
		struct ccore_error *err);

/**
 * The graph `g` with its edges turned round: a node's row is then what it refers to. With
 * `guesses` the guessed ones too, marked. Limits and errors as graph_build().
 */
int graph_turn(struct graph *ret, const struct graph *g, bool guesses, uint64_t max_bytes,
	       const struct progress *progress, struct ccore_error *err);

/** Memory that its rows take. */
uint64_t graph_bytes(const struct graph *g);

void graph_done(struct graph *g);

#endif
