// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * generator_search: the frames of running generators and coroutines (3.11+). They lie inside the
 * generators, wherever those are: the C stack and the slots of other frames lead to them.
 */
#ifndef NECROPY_GENERATOR_SEARCH_H
#define NECROPY_GENERATOR_SEARCH_H

#include "runtime/frame_search.h"

/**
 * Put into `found`, which has the frames of the data stack of the thread `os` (NULL: not known),
 * frames of generators that are certain: it says that it is running, its frame fits, and so does
 * what called it, by way of other such frames, to one of `found` that is not `seen`. Each stands
 * before that one; where two could, neither does. Those that others lead to are left to them.
 * `*left` is how many bytes are looked at, at most, and then how many of them were not. False
 * when memory is out.
 */
bool generators_search(struct found_frames *found, const struct runtime *rt, struct py_reader *r,
		       const struct os_thread *os, uint64_t *left, const struct hashmap *seen);

#endif
