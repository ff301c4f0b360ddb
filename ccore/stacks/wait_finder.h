// SPDX-License-Identifier: GPL-2.0-or-later
// What the files that find waits share.
#ifndef NECROPY_WAIT_FINDER_H
#define NECROPY_WAIT_FINDER_H

#include "py/waiting.h"
#include "stacks/waits.h"

// `thread` has been given `object`, in `frame` (of kept[thread]).
struct held {
	addr_t object;
	uint64_t thread, frame;
};

struct wait_finder {
	struct session *s;
	struct py_reader *r;
	const struct threads *threads;
	struct unwinder *u;
	struct waits *w;
	struct stack *kept; // by thread; not all frames of all
	uint64_t kept_n, searched_n;
	bool is_cut;
	struct hashmap by_ident, by_tid, by_object, by_end; // index + 1 of a thread
	bool has_held, has_acquiring, has_work;
	VEC(struct held) held;	    // by `with` statements, sorted by object
	VEC(struct held) acquiring; // by frames whose code calls acquire(); object: the code
	VEC(struct held) runs;	    // object: a Future that the thread runs
	VEC(struct held) pools;	    // object: the queue that the thread takes its work from
	bool out_of_memory;
	// While the frames of one thread are looked at.
	struct held at;
	// While the items of a queue are looked at.
	addr_t future;
	bool found;
};

/**
 * The lock that OS thread `os` sleeps at, when *word is the address it has given to futex(2);
 * `*word` becomes where that lock has those who wait. False: it is no lock of Python's.
 */
bool wait_lock_find(struct wait_finder *f, const struct os_thread *os, const struct stack *stack,
		    addr_t *word, struct lock *ret);

/**
 * The threading.Thread for the end of which OS thread `os` sleeps in C, when `word` is the address
 * it has given to futex(2); 0: it does not. From 3.13 on, where a thread's handle is joined.
 */
addr_t wait_thread_find(const struct wait_finder *f, const struct os_thread *os, addr_t word);

/** Append to waits.owners those that could end the wait of thread `i`. After all are looked at. */
void wait_owners_find(struct wait_finder *f, uint64_t i);

#endif
