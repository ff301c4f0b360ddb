// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory a process has at the moment, as the kernel counts it. It is not stopped.
#ifndef NECROPY_PROC_SAMPLE_H
#define NECROPY_PROC_SAMPLE_H

#include "util/error.h"

#include <stdbool.h>

#define SAMPLE_UNKNOWN UINT64_MAX

/** In bytes; SAMPLE_UNKNOWN where the kernel does not tell. */
struct proc_sample {
	uint64_t vmsize, rss;
	uint64_t shr;	   // resident, of files and shared memory
	uint64_t pss;	   // resident, a page's bytes divided among those that share it
	uint64_t attaches; // of System V segments: a number
};

/** CCORE_EIO when there is no such process any more, or it has no memory left. */
int proc_sample_take(int64_t pid, struct proc_sample *ret, struct ccore_error *err);

#endif
