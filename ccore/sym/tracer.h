// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tracer: work on a thread of its own, that ends with the work. So the kernel lets go of all
 * that it traced, even of a thread that would not stop. The caller waits and reports progress,
 * as callbacks are called on its thread only.
 */
#ifndef NECROPY_TRACER_H
#define NECROPY_TRACER_H

#include "util/progress.h"

typedef int (*tracer_fn)(void *ctx, const struct progress *progress, struct ccore_error *err);

/** Run `fn`, and return what it returns. `progress` stays the caller's. */
int tracer_run(tracer_fn fn, void *ctx, const struct progress *progress, struct ccore_error *err);

#endif
