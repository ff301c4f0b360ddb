// SPDX-License-Identifier: GPL-2.0-or-later
// The layout cache: what DWARF said of one build, under $XDG_CACHE_HOME/necropy.
#ifndef NECROPY_LAYOUT_CACHE_H
#define NECROPY_LAYOUT_CACHE_H

#include "layout/layout.h"

/**
 * Read the cached layout of `mod`, interpreter or extension, into `ret`; false when there is
 * none that fits this build-id and these tables and whose checksum is right. What it says is
 * still to be validated. `debug_dirs` is where debug information was to be looked for: who names
 * other folders does not get what was found there.
 */
bool cache_read(struct layout *ret, const struct module *mod, const char *debug_dirs);

/** Write `l`. Failure is silent: the cache only saves time. */
void cache_write(const struct layout *l, const struct module *mod, const char *debug_dirs);

#endif
