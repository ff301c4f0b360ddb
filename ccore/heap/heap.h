// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * heap: one target's Python objects. Opening finds the interpreter, its threads and its
 * layout, and reads no object. The rest is made when first asked for, and kept:
 *
 *	heap_walk_public_gc()  the objects that gc.get_objects() returns
 *	heap_need_gc()     those, and the collector's other lists
 *	heap_need_untracked()  those, and where memory tells what is on none
 *	heap_need_nodes()  all objects: those, what the allocators have given out (universe.h),
 *			   and what is reachable from them and from roots, as one table
 *			   sorted by address
 *	heap_need_roots()  words outside of objects that look like references to them
 *
 * Node ids index that table. Roots are numbered after the objects: node_n + i is root i.
 */
#ifndef NECROPY_HEAP_H
#define NECROPY_HEAP_H

#include "alloc/glibc_malloc.h"
#include "alloc/pymalloc.h"
#include "heap/addrset.h"
#include "heap/gc.h"
#include "heap/roots.h"
#include "runtime/search.h"
#include "sym/symbol_at.h"

enum node_flags {
	NODE_GC = 1,	    // gc.get_objects() returns it
	NODE_PERMANENT = 2, // in the permanent generation
	NODE_IN_FLIGHT = 4, // on a running collection's own lists, as far as can be told
	NODE_BAD = 8,	    // its type is not readable: counted as damage, and nowhere else
	NODE_REACHED = 16,  // found only because something refers to it
	NODE_GUESSED = 32,  // found only by a guess
	NODE_STATIC = 64    // in a module's data, or in an interpreter's state
};

struct heap_opts {
	uint32_t threads;   // at least 1
	uint64_t max_bytes; // that we may allocate
	bool no_cache, redact;
	const char *layout_file; // of --layout, or NULL
	struct progress progress;
};

/** What walking the allocators has shown. */
struct universe {
	struct pymalloc pymalloc;
	struct glibc_malloc malloc;
	uint64_t dead_n; // objects whose refcount is 0: kept for reuse, or about to be freed
	// All objects were found by it: each one that a list has was in memory whose allocator is
	// known. Else only references lead to some.
	bool complete;
};

struct heap_allowance {
	uint64_t words; // that hold references
	int64_t steps;	// of emulated code
};

struct heap {
	const struct target *target;
	struct layout layout;
	const struct module *other_interpreter; // layout_other_interpreter(): not looked at
	struct py py;
	struct emu_env emu;
	struct py_reader *readers; // one a thread; [0] is the calling thread's
	uint32_t thread_n;
	struct runtime runtime;
	struct symbol_index symbols; // names of variables
	struct roots roots;
	struct heap_opts opts;
	struct self_words self_words; // while it is opened: of all layouts that are tried

	bool has_roots; // those that are guesses, too
	// What `gc` holds: gc.get_objects(); all lists; what is on none but seen in memory.
	bool has_public_gc, has_gc, has_untracked;
	struct gc_objects gc;
	uint64_t lost_n; // nodes that are tracked and on no list that was found: gc.is_broken

	struct universe universe;
	struct heap_allowance singly; // see heap_begin_command()
	bool has_spent;		      // a pass of this command has taken all its steps

	bool has_nodes;
	struct addrset set;
	struct addrset reached, guessed; // of them, those found by references, and by guesses
	uint64_t node_n;
	uint64_t guessed_n; // of them, those that only guessed references lead to
	addr_t *node_addr;
	uint32_t *node_type; // index in py.types, of the type it counts under
	uint8_t *node_flags; // enum node_flags
};

/** Find the interpreter in `t`, which stays the caller's. Errors as ccore_open_core(). */
int heap_open(struct heap *h, const struct target *t, const struct heap_opts *opts,
	      struct ccore_error *err);
void heap_close(struct heap *h);

/**
 * The first of heap_need_gc(), while other threads read h->gc: what a failure leaves there is freed
 * by heap_drop_gc(), when they have ended.
 */
int heap_walk_public_gc(struct heap *h, struct ccore_error *err);
void heap_drop_gc(struct heap *h);

int heap_need_gc(struct heap *h, struct ccore_error *err);
int heap_need_untracked(struct heap *h, struct ccore_error *err);
int heap_need_nodes(struct heap *h, struct ccore_error *err);

/** Find the roots that are guesses, too; the last one is then ROOT_HELD. */
int heap_need_roots(struct heap *h, struct ccore_error *err);

/** Find glibc's malloc, of which `p`'s arenas are no part. */
int heap_find_malloc(struct heap *h, const struct pymalloc *p, struct glibc_malloc *ret,
		     struct ccore_error *err);

/** That the index of objects does not fit in what we may use, as an error. */
int heap_out_of_memory(const struct heap *h, struct ccore_error *err);

/** The calling thread's reader. */
static inline struct py_reader *heap_reader(struct heap *h)
{
	return &h->readers[0];
}

/** The object's node id, or false when no object starts at `addr`. After heap_need_nodes(). */
bool heap_node(const struct heap *h, addr_t addr, uint32_t *ret);

/**
 * The refcount of node `id`, which is an object. False when it counts nothing: the object is
 * immortal, or static and its count began with a huge number.
 */
bool heap_refcount(struct heap *h, uint32_t id, uint64_t *ret);

/** What that begins with: references that it counts and that no one holds. */
uint32_t heap_refcount_start(struct heap *h, uint32_t id);

/** Whether node `id` is a type that nothing frees: a variable of its module's. */
bool heap_is_static_type(const struct heap *h, uint32_t id);

static inline const struct py_type *heap_node_type(const struct heap *h, uint64_t id)
{
	return h->py.types.data[h->node_type[id]];
}

/** Memory that the table of nodes, the set of addresses and the collector's list take. */
uint64_t heap_bytes(const struct heap *h);

/**
 * How node `id` was found, the surest way if there are several: "gc", "permanent" or "in-flight"
 * (on a list of the collector), "allocator", "static", "reference", "guess".
 */
const char *heap_node_found(const struct heap *h, uint64_t id);

/** All damage so far: the target's, and every reader's. */
void heap_damage(const struct heap *h, struct damage *ret);

/**
 * Allow each reader, for one pass over the heap, as many edges as the target's memory can honestly
 * hold, and the emulated code as many steps as it takes to visit them. Corrupt containers that
 * share one large table could give many times that, and corrupt code take any time; it is then
 * damage (DAMAGE_LIMIT).
 */
void heap_limit_edges(struct heap *h);

/**
 * The same for all objects together that are then visited one at a time: references_each(); and for
 * frames, py_may_look_at().
 */
void heap_begin_command(struct heap *h);

#endif
