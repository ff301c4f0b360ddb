// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * merged_stack: one stack of a thread's native and Python frames. Each native frame of the
 * interpreter's evaluation loop is replaced by the Python frames it runs: one, or from 3.11 on
 * all up to the one that C code called it for.
 */
#ifndef NECROPY_MERGED_STACK_H
#define NECROPY_MERGED_STACK_H

#include "heap/threads.h"
#include "sym/native_stack.h"

/** Exactly one of the two is set; they point into the stacks that were merged. */
struct merged_frame {
	const struct native_frame *native;
	const struct stack_frame *python;
};

struct merged_stack {
	VEC(struct merged_frame) frames; // innermost first
	uint64_t unplaced;		 // Python frames no loop was found for: they come last
	uint64_t idle_loops; // loops no Python frame was left for: they are shown as native
};

int merged_stack_make(struct merged_stack *ret, const struct native_stack *native,
		      const struct stack *python, struct ccore_error *err);
void merged_stack_done(struct merged_stack *s);

/** Whether `function` is the evaluation loop, in any version. */
bool is_eval_loop(const char *function);

#endif
