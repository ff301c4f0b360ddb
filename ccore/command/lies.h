// SPDX-License-Identifier: GPL-2.0-or-later
// The lie detector over all objects of the collector, as `verify` wants it.
#ifndef NECROPY_LIES_H
#define NECROPY_LIES_H

#include "heap/lie_detector.h"
#include "session/session.h"

#define LIES_KEPT 1000u

/** Zeroed, it is empty. */
struct lies {
	uint64_t compared_n; // objects; 0 without an emulator
	uint64_t n;	     // of them, those that differ
	VEC(struct lie) all; // the first LIES_KEPT
	bool failed;	     // memory ran out
};

/** Compare what the tables say of each tracked object with what its type's own code says. */
int lies_find(struct lies *ret, struct session *s, struct ccore_error *err);
void lies_done(struct lies *l);

#endif
