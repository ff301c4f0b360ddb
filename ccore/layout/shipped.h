// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The layouts that necropy brings: those of builds that were read with their DWARF, by
 * tools/gen_layouts.py, as rows with the values that they have in each build.
 */
#ifndef NECROPY_SHIPPED_H
#define NECROPY_SHIPPED_H

#include "layout/layout.h"

struct shipped_build {
	uint32_t version;     // PY_VERSION_HEX
	bool is_debug;	      // Py_DEBUG
	const char *build_id; // hex
};

extern const struct shipped_build shipped_builds[];
extern const uint32_t shipped_build_n;

/** Set in `l` the rows that build `i` has; the others are left as they are. */
void shipped_read(uint32_t i, struct layout *l);

/** sizeof(_PyRuntime) of build `i`, which tells builds apart; 0: it has none. */
uint64_t shipped_runtime_bytes(uint32_t i);

#endif
