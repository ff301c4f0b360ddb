// SPDX-License-Identifier: GPL-2.0-or-later
// How far a collection is that was running.
#ifndef NECROPY_GC_PHASE_H
#define NECROPY_GC_PHASE_H

#include "session/session.h"

/**
 * Append what the collector was doing, by the functions on the stack of the thread that runs it,
 * and their names; false when no thread is seen to.
 */
bool gc_phase_text(struct session *s, struct strbuf *out);

#endif
