// SPDX-License-Identifier: GPL-2.0-or-later
// What a process that reads a hostile target may still do: read files, compute, and answer.
#ifndef NECROPY_SANDBOX_H
#define NECROPY_SANDBOX_H

#include <stdbool.h>

/**
 * From here on this process, its threads to be among them, opens no file for writing but ones
 * without a name in `tmp_dir`, starts no program, has no network, and signals no one. With
 * `may_trace` it may also stop and read a process. NULL, or in one sentence why that cannot be.
 */
const char *sandbox_enter(const char *tmp_dir, bool may_trace);

#endif
