// SPDX-License-Identifier: GPL-2.0-or-later
// Where bytes of the target come from.
#ifndef NECROPY_SOURCE_H
#define NECROPY_SOURCE_H

#include "util/error.h"

/**
 * One kind of source. `read` copies `n` bytes at source offset `off` to `buf` and returns
 * `n`; anything else is a fault. Called on the opening thread only, unless the source has
 * `base` set in its segments, in which case it is not called at all.
 */
struct mem_source_ops {
	const char *name;
	int64_t (*read)(void *ctx, uint64_t off, void *buf, uint64_t n);
	void (*close)(void *ctx);
};

struct mem_source {
	const struct mem_source_ops *ops;
	void *ctx;
	struct mem_source *next; // of the same mem
};

#endif
