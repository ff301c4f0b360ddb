// SPDX-License-Identifier: GPL-2.0-or-later
// Files of ours that appear whole, or not at all.
#ifndef NECROPY_FILE_H
#define NECROPY_FILE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Make `n` bytes at `data` the contents of the file at `path`, by way of a temporary file
 * beside it. `shared`: with the usual permissions, else only its owner may read it. Returns 0,
 * or a negative errno, and then nothing is left behind.
 */
int file_replace(const char *path, const char *data, uint64_t n, bool shared);

#endif
