// SPDX-License-Identifier: GPL-2.0-or-later
// What is to be said where the target's malloc is not one that is walked.
#ifndef NECROPY_MALLOC_NOTES_H
#define NECROPY_MALLOC_NOTES_H

#include "session/session.h"

/** A note that says whose malloc it is, as far as that shows, and `then`. */
void note_other_malloc(const struct session *s, struct ccore_result *r, const char *then);

#endif
