// SPDX-License-Identifier: GPL-2.0-or-later
// The kinds of sources that a mem can be given.
#ifndef NECROPY_SRC_H
#define NECROPY_SRC_H

#include "mem/mem.h"

struct stat;

/** A file mapped read-only; all of it that there was at that time. */
struct file_map {
	const uint8_t *data; // NULL when it is empty
	uint64_t size;
};

/**
 * Map the regular file at `path`. It must not be made shorter while it is mapped. `ret_st` (may be
 * NULL) receives what fstat() says. CCORE_EIO with a sentence when it cannot be opened or is
 * no regular file.
 */
int file_map_open(const char *path, struct file_map *ret, struct stat *ret_st,
		  struct ccore_error *err);

void file_map_close(struct file_map *f);

/** Give `f` to `m`, which closes it in mem_done(). On failure it is closed. */
int file_map_own(struct mem *m, struct file_map f, struct ccore_error *err);

/**
 * A source that asks `read` in blocks of 64 KiB and keeps at most `max_bytes` of them; 0: a
 * default. Source offsets are target addresses. A block that fails is tried again in pages,
 * a page that fails as just the bytes wanted.
 */
int src_callback_new(struct mem *m, ccore_read_fn read, void *ctx, uint64_t max_bytes,
		     struct mem_source **ret, struct ccore_error *err);

#endif
