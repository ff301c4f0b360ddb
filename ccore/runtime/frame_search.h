// SPDX-License-Identifier: GPL-2.0-or-later
// A thread's frames by search, where the links between them are broken.
#ifndef NECROPY_FRAME_SEARCH_H
#define NECROPY_FRAME_SEARCH_H

#include "runtime/runtime.h"

/** Addresses as threads and frames have them, the innermost first. */
struct found_frames {
	VEC(addr_t) all;
};

/**
 * Frames of `t` that are being executed: from 3.11 on in its data stack, and where it is certain
 * those of generators (generator_search.h); before that those that its C stack leads to. `seen` are
 * frames that are known. `*left` is what the searches for all threads may still look at, in bytes,
 * LIM_FRAME_SEARCH_BYTES at first; where it is used up, what was found by then is returned, and
 * damage is counted.
 */
int frames_search(struct found_frames *ret, const struct runtime *rt, struct py_reader *r,
		  const struct py_thread *t, const struct hashmap *seen, uint64_t *left,
		  struct ccore_error *err);

#endif
