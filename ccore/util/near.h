// SPDX-License-Identifier: GPL-2.0-or-later
// Near names: what the user may have meant.
#ifndef NECROPY_NEAR_H
#define NECROPY_NEAR_H

#include "util/strbuf.h"

#define NEAR_NAMES_MAX 3u

/** Collects the names nearest to `wanted`, best first. Set `wanted`, zero the rest. */
struct near_names {
	const char *wanted;
	const char *prefix;		   // shown before each name; may be NULL
	const char *names[NEAR_NAMES_MAX]; // borrowed
	uint64_t distances[NEAR_NAMES_MAX];
	uint64_t n;
};

/**
 * How many letters must be changed, added, dropped or swapped with their neighbour to make
 * `b` of `a`, case counting for nothing. Longer names than 64 bytes are never near.
 */
uint64_t near_distance(const char *a, const char *b);

/** Offer `name`; it is kept when it is near enough and nearer than others. */
void near_offer(struct near_names *near, const char *name);

/** Append "; did you mean A, B or C?", or nothing when no name was near. */
void near_describe(const struct near_names *near, struct strbuf *out);

#endif
