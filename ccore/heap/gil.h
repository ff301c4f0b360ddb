// SPDX-License-Identifier: GPL-2.0-or-later
// The global interpreter lock: who holds it.
#ifndef NECROPY_GIL_H
#define NECROPY_GIL_H

#include "heap/heap.h"

enum gil_holder { GIL_UNKNOWN, GIL_HELD_BY_OTHER, GIL_FREE, GIL_HELD };

/** Whether thread state `state` holds the GIL of its interpreter. */
enum gil_holder gil_of(struct heap *h, const struct py_thread *state);

#endif
