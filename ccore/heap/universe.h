// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * universe: all objects there are, found without following references: the collector's lists,
 * the blocks of pymalloc and of malloc that hold objects, and the static objects of modules.
 * Each is given once. What lies in memory of another kind (an allocator that an extension
 * brought along) is on a list or is found by the references that lead to it: universe_find()
 * says whether there was such memory.
 */
#ifndef NECROPY_UNIVERSE_H
#define NECROPY_UNIVERSE_H

#include "heap/heap.h"

/** One object; or `n` of one type and size that are not named one by one, and `addr` is 0. */
struct universe_object {
	addr_t addr;
	const struct py_type *type;
	uint64_t size; // what py_sizeof() would say, and is certain; 0: not known
	uint64_t n;
};

/** Takes `n` elements, on thread `thread`. 0 or CCORE_ENOMEM. */
typedef int (*universe_fn)(void *ctx, uint32_t thread, const struct universe_object *some,
			   uint32_t n);

/**
 * Walk the collector's lists and the allocators, add every object to `set`, and give those that
 * were not there to `fn`, unless it is NULL. `h->universe` then says what was found. With
 * `lists_too` it is as after heap_need_untracked(); else lists may not have been walked.
 */
int universe_find(struct heap *h, struct addrset *set, bool lists_too, universe_fn fn, void *ctx,
		  struct ccore_error *err);

#endif
