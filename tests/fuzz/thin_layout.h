// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef NECROPY_FUZZ_THIN_LAYOUT_H
#define NECROPY_FUZZ_THIN_LAYOUT_H

#include "layout/layout.h"

/** Numbers that look like chance, and are the same in each run. */
static inline uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

/**
 * Let one row in four be missing from `l`, as in a file that someone gives with --layout: other ones
 * for each `choice`, and none for 0. Of choices that are not 0 one in three leaves no table of dict
 * and the like, and one some.
 */
void thin_out(struct layout *l, uint64_t choice);

#endif
