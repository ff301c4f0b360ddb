// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * greenlet: stacks that their owner switches between within one thread, as the library of that
 * name makes them, and gevent from it. A C extension that brings no debug information: what is
 * known of its objects is that they have looked the same since 2.0, and before that since 0.4.
 */
#ifndef NECROPY_GREENLET_H
#define NECROPY_GREENLET_H

#include "py/families.h"

enum greenlet_state {
	GREENLET_CREATED, // it has no stack yet
	GREENLET_SUSPENDED,
	GREENLET_RUNNING, // its frames are a thread's
	GREENLET_FINISHED,
	GREENLET_UNKNOWN // it does not look like any greenlet that is known
};

struct greenlet {
	enum greenlet_state state;
	addr_t frame;	   // the frame object of the innermost Python frame while suspended, or 0
	addr_t stack_stop; // where its part of the thread's stack began; 0: it has none
	bool is_main;	   // the thread's own, which has all of it
};

/** Whether objects of `type` are greenlets. */
bool type_is_greenlet(const struct py_type *type);

/** Greenlet `addr`, whose type type_is_greenlet(). */
void greenlet_read(struct py_reader *r, addr_t addr, struct greenlet *ret);

#endif
