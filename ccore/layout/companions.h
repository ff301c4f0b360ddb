// SPDX-License-Identifier: GPL-2.0-or-later
// Rows that say nothing without others: WITH, WITH_ONE, EITHER and KNOWN of cpython.def.
#ifndef NECROPY_COMPANIONS_H
#define NECROPY_COMPANIONS_H

#include "layout/layout.h"

/**
 * Drop each row of `l` without those that its readers take for granted where it is, so that
 * what is incomplete is not read at all: a family without the field it needs is none, and the
 * emulator, or a guess, is asked instead. In a layout of a build that was tried there is none
 * to drop.
 */
void companions_drop(struct layout *l);

/** Whether every CPython has struct `id`, and `l`, after that, nothing of it. */
bool layout_lacks(const struct layout *l, enum struct_id id);

/** Whether `l` lacks what sys.hexversion is read with: dict, str or int. */
bool layout_lacks_version(const struct layout *l);

#endif
