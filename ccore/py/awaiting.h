// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * awaiting: coroutines, what each waits for, and the futures and tasks of asyncio, both those
 * written in C and those written in Python.
 */
#ifndef NECROPY_AWAITING_H
#define NECROPY_AWAITING_H

#include "py/stack_frame.h"

enum future_state { FUTURE_PENDING, FUTURE_CANCELLED, FUTURE_FINISHED, FUTURE_UNKNOWN };

/** Whether objects of `type` are asyncio's tasks, or of a class derived from them. */
bool type_is_task(const struct py_type *type);

/** The same of futures, which tasks are, too. */
bool type_is_future(const struct py_type *type);

/** FUTURE_UNKNOWN where it cannot be read. */
enum future_state future_state(struct py_reader *r, addr_t future);
const char *future_state_name(enum future_state state);

struct task {
	addr_t coroutine; // 0 when it is not readable, or the task has ended
	addr_t waiter;	  // the future it waits for, or 0
	enum future_state state;
};

/** Task `addr`, whose type type_is_task(). */
void task_read(struct py_reader *r, addr_t addr, struct task *ret);

/** What Task.get_name() returns; from before there were names, or unreadable: "Task 0x…". */
void task_name(struct py_reader *r, addr_t addr, struct strbuf *out);

/** A coroutine or generator on the way from a task to what it waits for. */
struct coroutine {
	struct stack_frame frame;
	bool is_running; // its frame is on a thread's stack
	addr_t awaits;	 // the object it is suspended on, or 0
};

/**
 * Read coroutine, generator or asynchronous generator `addr`, or what wraps one. False when it is
 * none of these, or its frame is gone: it has ended.
 */
bool coroutine_read(struct py_reader *r, addr_t addr, struct coroutine *ret);

/** The future that `addr` is, or iterates over; 0: neither. */
addr_t awaited_future(struct py_reader *r, addr_t addr);

#endif
