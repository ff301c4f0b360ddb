// SPDX-License-Identifier: GPL-2.0-or-later
// gc --cycles: what the collector is there for, as rows of a table.
#ifndef NECROPY_GC_CYCLES_H
#define NECROPY_GC_CYCLES_H

#include "session/session.h"

/** With `unreachable` only what nothing leads to. */
int gc_cycles_list(struct session *s, bool unreachable, struct ccore_result *r,
		   struct ccore_error *err);

#endif
