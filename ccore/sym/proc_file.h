// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel tells of a process, in files of /proc/PID.
#ifndef NECROPY_PROC_FILE_H
#define NECROPY_PROC_FILE_H

#include "util/error.h"
#include "util/strbuf.h"

/** All of /proc/PID/`name`, appended to `ret`. CCORE_EIO says why it cannot be read. */
int proc_file_read(int64_t pid, const char *name, struct strbuf *ret, struct ccore_error *err);

/** The error for a process that has no memory of its own. */
int proc_no_memory(int64_t pid, struct ccore_error *err);

#endif
