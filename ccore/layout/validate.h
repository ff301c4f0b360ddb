// SPDX-License-Identifier: GPL-2.0-or-later
// Every offset checked once, so that the readers need not.
#ifndef NECROPY_VALIDATE_H
#define NECROPY_VALIDATE_H

#include "layout/layout.h"

/**
 * Check that all MUST and KNOWN rows are there, that of ONE_OF and EITHER pairs one is, and that
 * each member lies inside its struct and is aligned. CCORE_ELAYOUT lists all that is wrong.
 */
int validate_layout(const struct layout *l, struct ccore_error *err);

/**
 * The same, but for symbols and KNOWN rows: symbols that are missing may still be found in memory,
 * and of what has no table the types' own code tells.
 */
int validate_fields(const struct layout *l, struct ccore_error *err);

#endif
