// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proc_words: a few variables of a process, read while it runs, again and again. The kernel ties
 * the opened /proc/PID/mem to the memory that the process had then: when it has ended or executes
 * another program, that is gone, and nothing else is read by mistake.
 */
#ifndef NECROPY_PROC_WORDS_H
#define NECROPY_PROC_WORDS_H

#include "util/error.h"

#include <stdbool.h>

struct proc_words {
	int fd;
};

/** Of an opened /proc/PID/mem, which stays the caller's. CCORE_EIO when that fails. */
int proc_words_open(struct proc_words *w, int mem_fd, struct ccore_error *err);
void proc_words_close(struct proc_words *w);

/** The 4 or 8 bytes at `addr`; false when they are not, or no longer, mapped. */
bool proc_words_read(const struct proc_words *w, addr_t addr, unsigned size, uint64_t *ret);

#endif
