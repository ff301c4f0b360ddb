// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shortest chains of references, found backwards: one breadth-first search over the graph's
 * reverse rows, from the object to the nearest goals.
 */
#ifndef NECROPY_PATHS_H
#define NECROPY_PATHS_H

#include "graph/graph.h"

struct path_query {
	const struct graph *graph;
	const uint32_t *from; // objects to explain
	uint64_t from_n;
	uint64_t wanted;    // chains
	uint64_t max_depth; // edges in a chain
	bool guesses;	    // follow guessed edges too, as few of them as possible
	void *ctx;
	// Whether a guessed reference to `target` may be one; NULL: all may.
	bool (*may_be_guessed)(void *ctx, uint32_t target);
	bool (*is_goal)(void *ctx, uint32_t id);
	// Whether the reference from `source` to `target` does not count; may be NULL.
	bool (*is_excluded)(void *ctx, uint32_t source, uint32_t target);
	const struct progress *progress;
};

/** A chain: ids[0] is the goal, ids[n - 1] one of the objects asked for. */
struct path {
	VEC(uint32_t) ids;
};

struct paths {
	VEC(struct path) all; // shortest first
	bool depth_was_hit;   // a longer chain may exist
};

/**
 * The `wanted` shortest chains from different goals to any of the objects. An object that is
 * a goal itself is a chain of one.
 */
int paths_find(struct paths *ret, const struct path_query *q, struct ccore_error *err);

/**
 * The same, but to different objects: chains to the `wanted` objects that are nearest to goals,
 * one each, by certain references only. One search forward from all goals, however many are
 * wanted. It takes `max_bytes` at most, else it fails with CCORE_ENOMEM.
 */
int paths_find_nearest(struct paths *ret, const struct path_query *q, uint64_t max_bytes,
		       struct ccore_error *err);
void paths_done(struct paths *p);

#endif
