// SPDX-License-Identifier: GPL-2.0-or-later
// Which pages of a process exist, so that those it never touched are not touched by us either.
#ifndef NECROPY_PROC_PAGES_H
#define NECROPY_PROC_PAGES_H

#include "util/progress.h"
#include "util/vec.h"

enum proc_copy_what {
	PROC_COPY_TOUCHED, // anonymous memory: pages that exist; the others are zeros
	PROC_COPY_OWN,	   // pages that the process has changed; the others are left alone
	PROC_COPY_ALL
};

struct run {
	addr_t start;
	uint64_t n; // bytes
};

/** Runs of pages, sorted, with gaps between them. */
struct run_vec {
	struct run *data;
	uint64_t n, cap;
	uint64_t bytes; // of all
};

/** Add what lies above all that is there; false when memory is out. */
bool run_vec_add(struct run_vec *v, addr_t start, uint64_t n);

/**
 * The pages of [start, start + size) that `what` asks for, as /proc/PID/pagemap tells that is
 * open as `fd`; all of them where it does not tell, or `fd` is negative.
 */
int proc_pages_find(int fd, addr_t start, uint64_t size, enum proc_copy_what what,
		    const struct progress *progress, struct run_vec *ret, struct ccore_error *err);

#endif
