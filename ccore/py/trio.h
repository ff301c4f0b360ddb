// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * trio: the tasks of Trio, plain objects of Python, and the nurseries that they are children of.
 * Their coroutines are awaiting.h's.
 */
#ifndef NECROPY_TRIO_H
#define NECROPY_TRIO_H

#include "py/families.h"

/** Whether objects of `type` are Trio's tasks. */
bool type_is_trio_task(const struct py_type *type);

struct trio_task {
	addr_t coroutine; // or 0
	addr_t name;	  // str, or 0
	addr_t nursery;	  // that it is a child of, or 0
	addr_t parent;	  // the task that has that nursery, or 0
	bool is_awaited;  // by that task, which has nothing left to do in the nursery's block
	addr_t awaits;	  // what it says itself, or a nursery of its own, or 0
	bool awaits_nursery;
	bool is_ready; // it is to go on, at the next turn
};

/** Task `addr`, whose type type_is_trio_task(). */
void trio_task_read(struct py_reader *r, addr_t addr, struct trio_task *ret);

#endif
