// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/trio.h"

#include "py/attribute.h"
#include "py/exception.h"

bool type_is_trio_task(const struct py_type *type)
{
	// as its __module__ says; the last is where it really is
	static const char names[] = "trio.lowlevel.Task|trio.hazmat.Task|trio._core._run.Task";

	for (; type; type = type->base)
		if (name_in_list(type->name, names))
			return true;
	return false;
}

static addr_t attribute(struct py_reader *r, addr_t addr, const char *name)
{
	const addr_t value = addr ? instance_attribute(r, addr, name) : 0;

	return value == r->py->none ? 0 : value;
}

// Whether its task has come to the end of the nursery's block.
static bool is_being_left(struct py_reader *r, addr_t nursery)
{
	const addr_t value = attribute(r, nursery, "_parent_waiting_in_aexit");
	int64_t yes;

	return value && int_value(r, value, &yes) && yes;
}

// Nurseries are left in the reverse order of their opening.
static addr_t awaited_nursery(struct py_reader *r, addr_t task)
{
	const addr_t nurseries = attribute(r, task, "_child_nurseries");
	addr_t last;
	uint64_t n = 0;

	(void)sequence_item(r, nurseries, 0, &n); // its length is wanted
	last = n ? sequence_item(r, nurseries, n - 1, NULL) : 0;
	return last && is_being_left(r, last) ? last : 0;
}

void trio_task_read(struct py_reader *r, addr_t addr, struct trio_task *ret)
{
	*ret = (struct trio_task){
		.coroutine = attribute(r, addr, "coro"),
		.name = attribute(r, addr, "name"),
		.nursery = attribute(r, addr, "_parent_nursery"),
		.awaits = attribute(r, addr, "custom_sleep_data"),
		.is_ready = attribute(r, addr, "_next_send_fn") != 0,
	};
	ret->parent = attribute(r, ret->nursery, "_parent_task");
	ret->is_awaited = ret->parent && is_being_left(r, ret->nursery);
	if (!ret->awaits && !ret->is_ready) {
		ret->awaits = awaited_nursery(r, addr);
		ret->awaits_nursery = ret->awaits != 0;
	}
}
