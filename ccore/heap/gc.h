// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gc: the collector's objects, those that gc.get_objects() returns and some it does not. They are
 * on lists (gc.c) or, in free-threaded builds, marked in their headers (gc_bits.c).
 */
#ifndef NECROPY_GC_H
#define NECROPY_GC_H

#include "runtime/runtime.h"
#include "util/progress.h"

#include <stdatomic.h>

#define GC_PERMANENT GC_GENERATIONS	   // as a generation number: gc.freeze(), immortals
#define GC_IN_FLIGHT (GC_GENERATIONS + 1u) // on a running collection's own lists
#define GC_UNTRACKED (GC_GENERATIONS + 2u) // on none: found in the memory of the heap

/** A run of objects that came from one list. */
struct gc_list {
	uint32_t interpreter; // index
	uint32_t generation;  // 0 to 2, GC_PERMANENT, GC_IN_FLIGHT, GC_UNTRACKED
	uint64_t first, n;    // in objects
};

/**
 * What gc.get_objects() returns comes first: objects[0 .. public_n).
 *
 * While one thread runs gc_walk_public(), others may read objects[0 .. public_ready), and wait
 * for more until `public_is_complete`: the array stays in place when its address space could
 * be reserved at the start, and else nothing is ready before the end.
 */
struct gc_objects {
	VEC(addr_t) objects;
	VEC(struct gc_list) lists;
	uint64_t public_n;
	bool is_broken;	   // a list of these could not be followed: objects of it are missing
	uint8_t apart[64]; // others look at what follows while what is above changes
	_Atomic uint64_t public_ready;
	_Atomic bool public_is_complete;
};

/** Walk the lists that gc.get_objects() shows, of all interpreters, into zeroed `*ret`. */
int gc_walk_public(struct gc_objects *ret, const struct runtime *rt, struct py_reader *r,
		   const struct progress *progress, struct ccore_error *err);

/**
 * After that, the permanent generations; and while a collection was running, what it had moved
 * to lists of its own, which are found through their anchors on the threads' stacks.
 */
int gc_walk_rest(struct gc_objects *ret, const struct runtime *rt, struct py_reader *r,
		 const struct target *t, const struct progress *progress, struct ccore_error *err);

/** Whether the object at `addr`, whose type has a GC head, is tracked: on some list. */
bool gc_is_tracked(struct py_reader *r, addr_t addr);

/** The node after the GC head `head`, in *ret; false when its object is not tracked. */
bool gc_head_next(const struct layout *l, const uint8_t *head, addr_t *ret);

/**
 * Whether node `next` points back to the object at `addr`: one that is on a list is linked from
 * both sides, but while a collection runs. gc_prefetch_back() fetches what that will read.
 */
bool gc_points_back(struct py_reader *r, addr_t next, addr_t addr);

/** The same from the other side: whether the node before the object at `addr` leads to it. */
bool gc_is_pointed_to(struct py_reader *r, addr_t addr);

void gc_prefetch_back(struct py_reader *r, addr_t next);

/**
 * Whether the objects that were found are all that the lists hold, without walking these: a list
 * is a ring, so what its nodes' links lead to is, all in all, the nodes themselves. The sum is
 * of all nodes, less what their links lead to, each spread by a hash.
 */
struct gc_rings {
	uint64_t sum;
};

/** Add the object at `addr`, once, and the node after it. */
void gc_rings_add(struct gc_rings *g, const struct layout *l, addr_t addr, addr_t next);

/** With the anchors of all lists: whether nothing is missing. */
bool gc_rings_are_closed(struct gc_rings g, const struct runtime *rt, struct py_reader *r);

/**
 * After that, where memory tells all objects and not only the collector's: the others. The layout
 * says whether it does (gc_sees_untracked()).
 */
int gc_walk_untracked(struct gc_objects *ret, const struct runtime *rt, struct py_reader *r,
		      const struct progress *progress, struct ccore_error *err);

static inline bool gc_sees_untracked(const struct layout *l)
{
	return layout_has(l, F_OB_GC_BITS);
}

void gc_objects_done(struct gc_objects *g);

#endif
