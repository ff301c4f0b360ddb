// SPDX-License-Identifier: GPL-2.0-or-later
// Objects that threads wait at: locks, and what has one inside.
#ifndef NECROPY_LOCK_H
#define NECROPY_LOCK_H

#include "py/stack_frame.h"

struct lock {
	addr_t addr;
	const struct py_type *type;
	addr_t word;	// where who waits for it sleeps: a semaphore, or a byte of the object
	uint64_t owner; // threading.get_ident() of who has it, of a lock that notes that; or 0
	bool has_owner; // it notes it
	bool is_plain;	// a threading.Lock
};

/** The lock at `addr`; false when there is none. Counts no damage. */
bool lock_read(struct py_reader *r, addr_t addr, struct lock *ret);

/** The lock whose `word` is inside it and at `word`: of builds that have no semaphores in locks. */
bool lock_around(struct py_reader *r, addr_t word, struct lock *ret);

/**
 * The objects that `with` statements of `f` have been given and that have not been left, the
 * innermost last; read from the part of the value stack that is certain, a try statement's.
 */
void with_blocks_each(struct py_reader *r, const struct stack_frame *f,
		      void (*take)(void *ctx, addr_t manager), void *ctx);

/** Whether `code` calls some acquire(). */
bool code_acquires(struct py_reader *r, addr_t code);

/**
 * Whether `f` has `lock` in a variable of its own, in an attribute of `self`, or in a global that
 * it uses.
 */
bool frame_has_lock(struct py_reader *r, const struct stack_frame *f, addr_t lock);

#endif
