// SPDX-License-Identifier: GPL-2.0-or-later
// Compressed files, made plain in a temporary file.
#ifndef NECROPY_UNPACK_H
#define NECROPY_UNPACK_H

#include "mem/decompress.h"
#include "mem/src.h"
#include "util/progress.h"

struct unpacked {
	struct file_map file;
	// Why the file ends where it does, when that is too early: "is cut off", "is corrupt".
	const char *ended; // or NULL
};

/**
 * Decompress `packed` into a sparse file without a name in `dir`, and map that. A stream that
 * breaks off gives what came before. CCORE_EIO when the disk has no room for it, or when it
 * grows beyond LIM_UNPACK_*; CCORE_ECANCELED when `progress` says so.
 */
int unpack(struct unpacked *ret, const struct compression *format, const struct file_map *packed,
	   const char *dir, const struct progress *progress, struct ccore_error *err);

#endif
