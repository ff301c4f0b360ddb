// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unreachable: objects that no chain of references from a root leads to. Roots are frames,
 * threads and interpreters, and static objects; a guessed reference reaches, too, as it may be
 * one.
 *
 * Why such an object is there, its refcount tells: it counts more references than other objects
 * have to it, so C code holds it; or it is only held by what C code holds; or by nothing but
 * others of its kind: garbage, cycles that the collector has not yet found and what hangs on them.
 */
#ifndef NECROPY_UNREACHABLE_H
#define NECROPY_UNREACHABLE_H

#include "graph/graph.h"

enum unreachable_why {
	REACHABLE,
	HELD_BY_C,
	HELD_THROUGH_C, // by something that C holds
	HELD_IN_CYCLE	// by nothing that is alive
};

struct unreachable {
	uint8_t *why; // enum unreachable_why of each node; the owner's
	uint64_t n;   // nodes that are not REACHABLE
};

struct unreachable_query {
	const struct graph *graph;
	bool (*is_root)(void *ctx, uint32_t id);
	// Whether its refcount counts more references than are known, or is none at all.
	bool (*is_held)(void *ctx, uint32_t id);
	void *ctx;
	const struct progress *progress;
	uint64_t max_bytes; // of memory; else it fails with CCORE_ENOMEM
};

/** On failure `*ret` needs no unreachable_done(). */
int unreachable_find(struct unreachable *ret, const struct unreachable_query *q,
		     struct ccore_error *err);
void unreachable_done(struct unreachable *u);

/** "c", "through-c" or "cycle"; NULL of one that is reachable. */
const char *unreachable_name(enum unreachable_why why);

#endif
