// SPDX-License-Identifier: GPL-2.0-or-later
// Copies of a process's memory, taken in bulk while it is stopped.
#ifndef NECROPY_SRC_PROC_H
#define NECROPY_SRC_PROC_H

#include "mem/mem.h"
#include "mem/proc_pages.h"
#include "util/progress.h"

/** Zeroed apart from the first four, the rest is of src_proc.c. */
struct proc_copier {
	int64_t pid;
	struct mem *mem;    // receives the copies
	uint64_t max_bytes; // of copies, in all
	struct progress progress;
	int mem_fd, pagemap_fd; // -1: not to be had
	bool no_readv;		// process_vm_readv() is not permitted here
};

/** Open what copying needs; what cannot be opened shows in proc_copy(). */
void proc_copier_open(struct proc_copier *c);
void proc_copier_close(struct proc_copier *c);

/**
 * Copy [start, end), whole pages, into c->mem. Pages that cannot be read become "not saved".
 * `*ret` is how many bytes were copied. CCORE_ENOMEM over the limit, CCORE_EIO when nothing at
 * all may be read of that process.
 */
int proc_copy(struct proc_copier *c, addr_t start, addr_t end, enum proc_copy_what what,
	      uint64_t *ret, struct ccore_error *err);

#endif
