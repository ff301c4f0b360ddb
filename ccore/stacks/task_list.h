// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * task_list: what takes turns within a thread: tasks of asyncio and of Trio, and greenlets. Each
 * with the frames it is suspended in, what it waits for, and who waits for it.
 */
#ifndef NECROPY_TASK_LIST_H
#define NECROPY_TASK_LIST_H

#include "heap/threads.h"
#include "session/session.h"

enum task_kind { TASK_ASYNCIO, TASK_TRIO, TASK_GREENLET };

struct task_item {
	addr_t addr;
	enum task_kind kind;
	const char *state;	    // static
	bool has_ended, is_running; // running: its frames are a thread's
	addr_t waiter;		    // the future, nursery or other object it waits for, or 0
	bool waits_for_tasks;	    // `waiter` is a nursery
	addr_t nursery;		    // of Trio, that it is a child of, or 0
	addr_t parent;		    // the task that has that nursery, or 0
	uint64_t first, n;	    // in task_list.frames
	uint64_t hash;		    // of its stack
	uint64_t same;		    // how many that one stands for: 1
};

// `by` waits for `task`, itself or by way of gather() or a nursery.
struct task_wait {
	addr_t task, by;
};

struct task_list {
	struct session *s;
	struct py_reader *r;
	VEC(struct task_item) all;
	VEC(struct stack_frame) frames; // of each task, outermost first
	VEC(struct task_wait) waits;	// sorted by `task`
	VEC(struct task_wait) children; // `by` is a nursery: sorted by it
	struct threads threads;		// when has_threads
	bool has_threads;
	struct hashmap runs;	       // thread -> index + 1 of the greenlet that runs in it
	uint64_t running_n, unknown_n; // unknown: greenlets of no version that is known
};

/** All that have not ended, or `with_done` all. */
int task_list_find(struct task_list *ret, struct session *s, bool with_done,
		   struct ccore_error *err);
void task_list_done(struct task_list *t);

/** What it is called; of a greenlet without a name, its type and address. */
void task_item_name(struct task_list *t, addr_t addr, struct strbuf *out);

/** Whether an object at `addr` is one of what this is about. */
bool is_task(struct py_reader *r, addr_t addr);

#endif
