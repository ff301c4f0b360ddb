// SPDX-License-Identifier: GPL-2.0-or-later
// Structs of the standard library's extension modules, from their own debug information.
#ifndef NECROPY_LAYOUT_EXTENSIONS_H
#define NECROPY_LAYOUT_EXTENSIONS_H

#include "layout/layout.h"

/**
 * Add to `l`, the interpreter's layout, what it does not have and the extension modules do
 * that `t` has loaded. One without debug information adds nothing: objects of its types are
 * then read as those of any extension. Each has a cache file of its own, by its build-id.
 */
int extensions_add(struct layout *l, const struct target *t, const struct layout_opts *opts,
		   struct ccore_error *err);

#endif
