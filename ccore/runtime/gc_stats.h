// SPDX-License-Identifier: GPL-2.0-or-later
// What gc.get_stats() says.
#ifndef NECROPY_GC_STATS_H
#define NECROPY_GC_STATS_H

#include "runtime/runtime.h"

/** Since the start of one generation's collections. */
struct gc_stats {
	uint64_t collections, collected, uncollectable;
};

/** Of generation `i`; false where the version counts nothing, or it cannot be read. */
bool gc_stats_read(const struct layout *l, const struct mem *m, const struct gc_state *gc,
		   unsigned i, struct gc_stats *ret);

#endif
