// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wait_referrers: of an Event, queue or the like that a thread waits for, and that nothing has:
 * the other threads and tasks whose variables lead to it by a few references. That is a fact;
 * whether they would set it, or put something into it, only their code says.
 */
#ifndef NECROPY_WAIT_REFERRERS_H
#define NECROPY_WAIT_REFERRERS_H

#include "stacks/task_list.h"
#include "stacks/waits.h"

struct wait_referrer {
	addr_t object;		  // that is waited for
	uint64_t thread;	  // index in threads.all, or UINT64_MAX
	addr_t task;		  // else, or 0
	bool has_frame;		  // else it is the task's own references
	struct stack_frame frame; // where it has the variable
	char *path;		  // "self.jobs"
};

struct wait_referrers {
	VEC(struct wait_referrer) all;
	struct task_list tasks; // when has_tasks
	bool has_tasks, is_cut; // not all was looked at
};

/** Whether it is asked for `w`, who refers to what it waits for. */
bool wait_wants_referrers(const struct wait *w);

int wait_referrers_find(struct wait_referrers *ret, struct session *s,
			const struct threads *threads, const struct waits *waits,
			struct ccore_error *err);
void wait_referrers_done(struct wait_referrers *w);

#endif
