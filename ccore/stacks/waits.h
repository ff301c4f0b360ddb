// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * waits: which thread waits for what, and for which other thread. What a thread sleeps at tell its
 * registers (the address given to futex(2)) and its stacks; who has it, the lock itself where it
 * notes that, else the frame whose `with` statement has been given it, which is a guess.
 */
#ifndef NECROPY_WAITS_H
#define NECROPY_WAITS_H

#include "py/lock.h"
#include "stacks/stack_table.h"
#include "stacks/thread_state.h"

enum wait_kind {
	WAIT_NONE,
	WAIT_GIL,
	WAIT_LOCK,    // lock `object`
	WAIT_THREAD,  // the end of Thread `object`, or of an OS thread
	WAIT_FUTURE,  // the result of Future `object`
	WAIT_OTHER,   // `object`: Condition, Event, Semaphore, Queue …
	WAIT_MUTEX,   // a pthread_mutex_t of C code, at `word`
	WAIT_ADDRESS, // nothing is known of it but `word`
};

/** One that could end a wait. */
struct wait_owner {
	uint64_t thread; // index in threads.all; UINT64_MAX: there is no such thread any more
	const char *how; // static: "noted in the lock"
	bool is_guess;
	bool has_frame; // `frame` is where
	struct stack_frame frame;
};

struct wait {
	enum wait_kind kind;
	addr_t object, lock, word; // lock: the object it sleeps at, of which `object` is made; or 0
	uint64_t owner, owner_n;   // in waits.owners: any of them can end it
	uint64_t own_frame;	   // index of the first frame that is not the library's
	bool others_can;	   // besides these, others may
	bool is_stuck;		   // all that could end it are stuck themselves, or gone
	uint32_t deadlock;	   // number from 1 on of the cycle that it is a part of, or 0
	struct thread_state state;
};

struct waits {
	VEC(struct wait) all; // of threads.all, with the same index
	VEC(struct wait_owner) owners;
	uint32_t deadlock_n;
};

/** `u` may be NULL: then less is known. */
int waits_find(struct waits *ret, struct session *s, const struct threads *threads,
	       struct unwinder *u, struct ccore_error *err);
void waits_done(struct waits *w);

/** Fill in is_stuck, deadlock and deadlock_n from the owners. */
int waits_find_stuck(struct waits *w, struct ccore_error *err);

/** "RLock 0x7f…", "thread \"worker\"", "the GIL". */
void wait_text(struct session *s, const struct threads *threads, const struct waits *waits,
	       const struct wait *w, struct strbuf *out);

#endif
