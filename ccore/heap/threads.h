// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * threads: the target's OS threads and Python's thread states put together, and the stack of
 * each. An OS thread may have no thread state (it runs no Python), or several (one for each
 * interpreter it has entered); a thread state may have no OS thread (it has ended, or the target
 * does not tell of its threads).
 */
#ifndef NECROPY_THREADS_H
#define NECROPY_THREADS_H

#include "heap/heap.h"
#include "py/stack_frame.h"

#define NO_THREAD UINT32_MAX

struct thread {
	uint32_t state; // index in runtime.threads, or NO_THREAD
	uint32_t os;	// index in target.threads, or NO_THREAD
	bool crashed;	// the signal that ended the process came to it
	addr_t object;	// its threading.Thread, or 0
	uint64_t frame; // index in roots.all of its innermost frame; those of its others follow
};

/** The one that crashed first, then Python's by age, then those without a thread state. */
struct threads {
	VEC(struct thread) all;
};

/** The kernel's threads and CPython's thread states, put together. CCORE_ENOMEM. */
int threads_find(struct threads *ret, struct heap *h, struct ccore_error *err);
void threads_done(struct threads *t);

/** The Python thread state of `t`, or NULL. */
const struct py_thread *thread_state(const struct heap *h, const struct thread *t);

/** The OS thread of `t`, or NULL. */
const struct os_thread *thread_os(const struct heap *h, const struct thread *t);

/** What the kernel calls the thread: 0 when that is not known. */
int64_t thread_tid(const struct heap *h, const struct thread *t);

/** Append what threading.Thread.name says of `t`; false when there is no such thing. */
bool thread_name(struct heap *h, const struct thread *t, struct strbuf *out);

/**
 * The frames of `t` as sys._current_frames() would show them, innermost first: none of the
 * interpreter's own, none that is only being set up.
 */
struct stack {
	VEC(struct stack_frame) frames;
	bool is_lost; // it has some, and the innermost cannot be read
};
int thread_stack(struct heap *h, const struct thread *t, struct stack *ret,
		 struct ccore_error *err);
void stack_done(struct stack *s);

#endif
