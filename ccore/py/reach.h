// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reach: what a variable leads to by a few references, nearest first. For questions about a
 * handful of variables, which no graph of all objects is needed for: both the references and the
 * objects are bounded. Modules, classes, code and frames are not entered, nor what only code of
 * C extensions knows the references of; a function only for its closure and defaults.
 */
#ifndef NECROPY_REACH_H
#define NECROPY_REACH_H

#include "py/py.h"
#include "util/hashmap.h"
#include "util/vec.h"

struct reach_step {
	addr_t addr;
	uint32_t from;	// index of the step it was found from; its own: the start
	uint32_t depth; // references so far; an instance's dict, and a cell's content, are none
	bool was_free;	// the last reference did not count
	struct edge edge;
};

struct reach {
	struct py_reader *r;
	uint32_t depth_max;
	uint64_t objects_max;
	bool enter_globals;	      // of functions
	VEC(struct reach_step) steps; // emptied by the next start
	struct hashmap seen;	      // address -> 1; over all starts
	bool is_cut, failed;	      // objects_max was reached; out of memory
	uint32_t at;		      // while a step is being visited
};

/**
 * Call `take` for `start` and for what it leads to, with an index in s->steps, unless an earlier
 * start has led there. When it returns false, this start is done.
 */
void reach_from(struct reach *s, addr_t start, bool (*take)(void *ctx, uint32_t step), void *ctx);

/** Append how the start leads to `step`: ".jobs[0].queue". */
void reach_path(struct reach *s, uint32_t step, struct strbuf *out);

void reach_done(struct reach *s);

#endif
