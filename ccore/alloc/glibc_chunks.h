// SPDX-License-Identifier: GPL-2.0-or-later
// What the two files on glibc's malloc share: single chunks, and those that are cached.
#ifndef NECROPY_GLIBC_CHUNKS_H
#define NECROPY_GLIBC_CHUNKS_H

#include "alloc/glibc_malloc.h"

/** Whether chunks from `start` on lead to the one at `top`, each where the one before ends. */
bool chunks_lead_to(const struct mem *mem, addr_t start, addr_t top);

/** Remember as cached what the `n` fastbins at `at` hold. */
int cached_fastbins(struct glibc_malloc *m, const struct mem *mem, addr_t at, uint32_t n,
		    struct ccore_error *err);

/** Remember as cached what the tcaches hold that lie in range `i`. */
int cached_by_threads(struct glibc_malloc *m, const struct mem *mem, uint64_t i,
		      struct ccore_error *err);

#endif
