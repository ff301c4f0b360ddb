// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * native_stack: the stacks of OS threads as the machine sees them, by the unwind tables of the
 * modules' files; out of code that is in none, where it leads straight to its return
 * (straight_code.h). What is not found ends a stack early; it is never guessed on.
 */
#ifndef NECROPY_NATIVE_STACK_H
#define NECROPY_NATIVE_STACK_H

#include "sym/target.h"

struct native_frame {
	addr_t pc;
	const char *function; // without what compilers add to it; NULL: not known
	const char *module;   // its path in the target; NULL: in none
};

struct native_stack {
	VEC(struct native_frame) frames; // innermost first
	bool is_cut;			 // it does not end where a thread begins
};

struct unwinder;

/** `t` stays the caller's and must outlive it. */
int unwinder_open(struct unwinder **ret, const struct target *t, struct ccore_error *err);

/**
 * At most `max` frames of `th`. The texts live as long as the unwinder. Without registers, or
 * without the module's file, it has one frame or none, and is cut.
 */
int unwinder_stack(struct unwinder *u, const struct os_thread *th, uint64_t max,
		   struct native_stack *ret, struct ccore_error *err);

void native_stack_done(struct native_stack *s);
void unwinder_close(struct unwinder *u);

#endif
