// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * thread_state: what a thread was doing, told from its registers, its native stack, and who
 * holds the GIL.
 */
#ifndef NECROPY_THREAD_STATE_H
#define NECROPY_THREAD_STATE_H

#include "heap/gil.h"
#include "heap/threads.h"
#include "sym/native_stack.h"

struct thread_state {
	const char *state;  // static text: "runs Python", "waits for the GIL" …
	const char *detail; // name of the system call, or NULL; static
	const char *gil;    // static: "holds", "waits"; NULL: neither, or not known
	bool is_idle;	    // it waits for something that is not the GIL
	bool is_idle_known;
	bool in_mutex;	    // it waits for a pthread_mutex_t
	bool in_join;	    // it waits for the end of an OS thread, in pthread_join()
	const char *native; // the innermost function of the machine's that has a name; the
			    // unwinder's, or NULL
};

/** `u` may be NULL: then less is known. */
int thread_state_find(struct thread_state *ret, struct heap *h, const struct thread *t,
		      struct unwinder *u, struct ccore_error *err);

#endif
