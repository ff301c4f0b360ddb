// SPDX-License-Identifier: GPL-2.0-or-later
// The exceptions that a thread was raising or handling.
#ifndef NECROPY_EXCEPTIONS_H
#define NECROPY_EXCEPTIONS_H

#include "heap/heap.h"

struct thread_exception {
	addr_t value;	  // of an exception that is not yet made, what it will be made of; or 0
	addr_t type;	  // then its class; else 0
	addr_t traceback; // or 0: then the exception's own
	bool is_raised;	  // on its way to a handler; else it is being handled
};

/** First what is being raised, then what is being handled, innermost first. */
struct thread_exceptions {
	VEC(struct thread_exception) all;
};

/** Those of one Python thread. CCORE_ENOMEM. */
int exceptions_find(struct thread_exceptions *ret, struct heap *h, const struct py_thread *state,
		    struct ccore_error *err);
void exceptions_done(struct thread_exceptions *e);

#endif
