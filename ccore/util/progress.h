// SPDX-License-Identifier: GPL-2.0-or-later
// Polling the caller's progress callback from long loops: cheap enough for every step.
#ifndef NECROPY_PROGRESS_H
#define NECROPY_PROGRESS_H

#include "util/error.h"

struct progress {
	ccore_progress_fn fn; // may be NULL
	void *ctx;
};

#define PROGRESS_STEP 65536u

/** 0 to go on, CCORE_ECANCELED when the caller said stop. */
static inline int progress_report(const struct progress *p, const char *what, uint64_t done,
				  uint64_t total, struct ccore_error *err)
{
	if (p->fn && p->fn(p->ctx, what, done, total) != 1)
		return err_set(err, CCORE_ECANCELED, 0, "canceled");
	return 0;
}

/** As progress_report(), but asks only every PROGRESS_STEP steps. */
static inline int progress_poll(const struct progress *p, const char *what, uint64_t done,
				uint64_t total, struct ccore_error *err)
{
	if (done % PROGRESS_STEP)
		return 0;
	return progress_report(p, what, done, total, err);
}

#endif
