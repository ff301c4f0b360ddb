// SPDX-License-Identifier: GPL-2.0-or-later
// Work shared by some threads, which is over when the call returns.
#ifndef NECROPY_PARALLEL_H
#define NECROPY_PARALLEL_H

#include <stdint.h>

#define PARALLEL_MAX 8u

/**
 * Call `fn(ctx, i)` for i in [0, n), n at most PARALLEL_MAX: 0 on the calling thread, the rest
 * each on one of its own, or on the calling thread too when none can be started. Returns the
 * first failure by `i`, else 0.
 */
int parallel_run(uint32_t n, int (*fn)(void *ctx, uint32_t i), void *ctx);

/** Processors this process may use, at most PARALLEL_MAX. */
uint32_t parallel_processors(void);

#endif
