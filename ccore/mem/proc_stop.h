// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proc_stop: all threads of a process held still. The kernel ties tracing to the thread that
 * asked for it: stop and resume belong on one thread, and when that thread ends, by whatever
 * means, everything it still holds runs on by itself. A process that was stopped by SIGSTOP
 * stays so; a signal that arrived meanwhile is delivered on resuming.
 */
#ifndef NECROPY_PROC_STOP_H
#define NECROPY_PROC_STOP_H

#include "util/hashmap.h"
#include "util/progress.h"
#include "util/vec.h"

struct proc_thread {
	int32_t tid;
	bool stopped;
	int signal; // to be delivered when it is resumed, or 0
};

/** Zeroed, it holds nothing. */
struct proc_stop {
	VEC(struct proc_thread) threads;
	struct hashmap known; // tid -> index in `threads`
};

/**
 * Stop all threads of `pid`, also those that start meanwhile. CCORE_EIO says who may do this, or
 * which thread would not stop. To be resumed also on failure.
 */
int proc_stop_all(struct proc_stop *s, int64_t pid, const struct progress *progress,
		  struct ccore_error *err);

/** A struct user_regs_struct. */
#define PROC_REGS_BYTES 216u

/** The registers of a thread that the calling thread has stopped; false when it has not. */
bool proc_stop_regs(int32_t tid, uint8_t ret[PROC_REGS_BYTES]);

/** The thread ids of `pid`, in order; false when there is no such process. */
struct tid_vec {
	int32_t *data;
	uint64_t n, cap;
};
bool proc_tids(int64_t pid, struct tid_vec *ret);

/** Let all go on that proc_stop_all() has stopped; also after it has failed. */
void proc_stop_resume(struct proc_stop *s);

#endif
