// SPDX-License-Identifier: GPL-2.0-or-later
// The interpreters and threads of the target, and where each keeps its garbage collector.
#ifndef NECROPY_RUNTIME_H
#define NECROPY_RUNTIME_H

#include "py/families.h"
#include "sym/target.h"

#define GC_GENERATIONS 3u

/** Addresses of the collector's variables; 0 where the version has none. */
struct gc_state {
	addr_t generations[GC_GENERATIONS]; // struct gc_generation, youngest first
	addr_t heads[GC_GENERATIONS];	    // the anchors of their lists
	addr_t permanent;		    // anchor of the permanent generation (3.7+)
	addr_t collecting, enabled, debug, garbage, callbacks;
	addr_t stats;			 // of gc_stats.h
	addr_t long_total, long_pending; // objects that survived the oldest collections
};

struct interpreter {
	addr_t addr;
	int64_t id;
	addr_t sysdict;
	addr_t static_types[2]; // arrays of static_type_state, 3.12+
	bool owns_gc;		// false: `gc` is shared with an interpreter before it
	struct gc_state gc;
};

struct py_thread {
	addr_t addr;
	uint32_t interpreter; // index
	uint64_t thread_id;   // pthread_self()
	uint64_t native_id;   // gettid(), 0 where not known
	addr_t frame;	      // PyFrameObject (to 3.10) or interpreter frame; 0: none
	addr_t cframe;	      // on the C stack of the thread that runs it, if any; 0: not known
};

struct symbol_index;

struct runtime {
	const struct target *target;
	struct symbol_index *symbols;	      // the heap's
	VEC(struct interpreter) interpreters; // the main one first
	VEC(struct py_thread) threads;
};

/**
 * Find the interpreters and threads, tell the version from sys.hexversion, and settle what
 * depends on it in `layout` and `r->py`. Where that cannot be read the version is `otherwise`,
 * unless it is 0: then it is an error.
 */
int runtime_read(struct runtime *ret, struct py_reader *r, struct layout *layout,
		 uint32_t otherwise, struct ccore_error *err);

/** After more symbols of the layout have been found. */
int runtime_read_again(struct runtime *rt, struct py_reader *r, struct ccore_error *err);

void runtime_done(struct runtime *rt);

/** Whether runtime_is_collecting() can be told: of stripped 2.7 and 3.6 it cannot. */
bool runtime_knows_collecting(const struct runtime *rt, const struct mem *m);

/** Whether some interpreter's collector was running, as far as is known. */
bool runtime_is_collecting(const struct runtime *rt, const struct mem *m);

#endif
