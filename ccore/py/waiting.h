// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * waiting: what a thread waits for, told from the functions of the standard library that it is in:
 * threading, queue, concurrent.futures, importlib.
 */
#ifndef NECROPY_WAITING_H
#define NECROPY_WAITING_H

#include "py/stack_frame.h"

enum waiting_kind {
	WAITING_NOT,	// it is in none of these, or waits only for a lock
	WAITING_THREAD, // for the end of threading.Thread `object`
	WAITING_FUTURE, // for the result of concurrent.futures.Future `object`
	WAITING_OWNED,	// for `object`, which thread `owner` has
	WAITING_SEMAPHORE,
	WAITING_OTHER // for some other to do something with `object`: Condition, Event, Queue …
};

struct waiting {
	enum waiting_kind kind;
	addr_t object;	// 0: not known
	uint64_t owner; // threading.get_ident(), or 0
	uint64_t own;	// index of the first frame that is not the library's
};

/** `frames` are a thread's `n`, innermost first. */
void waiting_find(struct py_reader *r, const struct stack_frame *frames, uint64_t n,
		  struct waiting *ret);

/** Whether `frames[i]` is in `function` of `module`, as __name__ calls it; lists have '|'. */
bool frame_is_in(struct py_reader *r, const struct stack_frame *f, const char *modules,
		 const char *functions);

#endif
