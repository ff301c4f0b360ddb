// SPDX-License-Identifier: GPL-2.0-or-later
// sweeper: one thread's part of a sweep. For the files of sweep.h only.
#ifndef NECROPY_SWEEPER_H
#define NECROPY_SWEEPER_H

#include "heap/sweep.h"
#include "py/block_memo.h"

struct sweeper {
	struct sweep *w;
	uint32_t thread;
	struct py_reader *r;
	struct block_memo *memo; // what it counts in a shape is not yet given
	uint64_t dead_n;
	struct gc_rings rings;
};

/** 0 or CCORE_ENOMEM. */
int sweeper_start(struct sweeper *s, struct sweep *w, uint32_t thread);

/** Give what is counted, after a sweep that ended with `status`; that, or a failure of it. */
int sweeper_end(struct sweeper *s, int status);

/** Give the objects that were counted in a shape, which is then forgotten. */
int sweeper_give_shape(struct sweeper *s, const struct block_shape *shape);

/**
 * Whether the object of `type`, which a block proves, is one, and no copy that realloc() has left
 * behind: those have refcounts, too. The second, of one that is known not to be tracked; the
 * third, of one that is, before which `next` stands in its GC head.
 */
bool sweeper_is_current(struct sweeper *s, addr_t addr, const struct py_type *type);
bool sweeper_is_current_untracked(struct sweeper *s, addr_t addr, const struct py_type *type);
bool sweeper_is_linked(struct sweeper *s, addr_t addr, addr_t next);

#endif
