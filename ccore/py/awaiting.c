// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/awaiting.h"

#include "py/attribute.h"
#include "py/redact.h"

#include <inttypes.h>

// -- futures and tasks

static bool is_or_derives(const struct py_type *type, const char *names)
{
	for (; type; type = type->base)
		if (name_in_list(type->name, names))
			return true;
	return false;
}

#define TASKS "_asyncio.Task|asyncio.tasks.Task"
#define FUTURES "_asyncio.Future|asyncio.futures.Future"

bool type_is_task(const struct py_type *type)
{
	return is_or_derives(type, TASKS);
}

bool type_is_future(const struct py_type *type)
{
	return is_or_derives(type, TASKS "|" FUTURES);
}

// A task written in Python may be derived from the future written in C.
static bool is_c_task(const struct py_type *type)
{
	return is_or_derives(type, "_asyncio.Task");
}

static bool is_c_future(const struct py_type *type)
{
	return is_or_derives(type, "_asyncio.Task|_asyncio.Future");
}

static addr_t member(struct py_reader *r, addr_t addr, enum field_id f)
{
	return layout_has(r->layout, f) ? py_read_ptr(r, addr + layout_off(r->layout, f), addr) : 0;
}

static addr_t not_none(struct py_reader *r, addr_t addr)
{
	return addr == r->py->none ? 0 : addr;
}

// The head of a task's struct is that of a future's.
enum future_state future_state(struct py_reader *r, addr_t future)
{
	static const char *const names[] = {"PENDING", "CANCELLED", "FINISHED"};
	const struct py_type *type = py_type_of(r, future);
	bool of_class;
	uint32_t state;
	addr_t text;

	if (!type)
		return FUTURE_UNKNOWN;
	if (is_c_future(type)) {
		if (!layout_has(r->layout, F_FUT_STATE) ||
		    mem_read_u32(r->py->mem, future + layout_off(r->layout, F_FUT_STATE), &state) <
			    0 ||
		    state > FUTURE_FINISHED)
			return FUTURE_UNKNOWN;
		return (enum future_state)state;
	}
	text = object_attribute(r, future, "_state", &of_class); // pending is the class's
	for (unsigned i = 0; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (text_equals(r, text, names[i]))
			return (enum future_state)i;
	return FUTURE_UNKNOWN;
}

const char *future_state_name(enum future_state state)
{
	static const char *const names[] = {"pending", "cancelled", "finished", "unknown"};

	return names[state];
}

void task_read(struct py_reader *r, addr_t addr, struct task *ret)
{
	const struct py_type *type = py_type_of(r, addr);
	const bool in_c = type && is_c_task(type);

	*ret = (struct task){
		.coroutine =
			in_c ? member(r, addr, F_TASK_CORO) : instance_attribute(r, addr, "_coro"),
		.waiter = in_c ? member(r, addr, F_TASK_WAITER)
			       : instance_attribute(r, addr, "_fut_waiter"),
		.state = future_state(r, addr),
	};
	ret->coroutine = not_none(r, ret->coroutine);
	ret->waiter = not_none(r, ret->waiter);
}

void task_name(struct py_reader *r, addr_t addr, struct strbuf *out)
{
	const struct py_type *type = py_type_of(r, addr);
	const addr_t name = type && is_c_task(type) ? member(r, addr, F_TASK_NAME)
						    : instance_attribute(r, addr, "_name");
	int64_t number;

	if (name && (r->py->redact ? redact_str(r, name, out)
				   : text_append(r, name, LIM_NAME_BYTES, out, NULL)))
		return;
	// Names that no one has asked for yet are numbers.
	if (name && int_value(r, name, &number))
		strbuf_printf(out, "Task-%" PRId64, number);
	else
		strbuf_printf(out, "Task 0x%" PRIx64, addr);
}

addr_t awaited_future(struct py_reader *r, addr_t addr)
{
	const struct py_type *type = py_type_of(r, addr);

	if (!type)
		return 0;
	if (type_is_future(type))
		return addr;
	return strcmp(type->name, "_asyncio.FutureIter") == 0 ? member(r, addr, F_FUTITER_FUTURE)
							      : 0;
}

// -- coroutines

// The coroutine in an object that stands for one of its steps; `addr` itself when it is none.
static addr_t unwrapped(struct py_reader *r, addr_t addr)
{
	static const struct {
		const char *type;
		enum field_id field;
	} wrappers[] = {
		{"coroutine_wrapper", F_CW_COROUTINE},
		{"async_generator_asend", F_AGS_GEN},
		{"async_generator_athrow", F_AGT_GEN},
	};
	const struct py_type *type = py_type_of(r, addr);

	for (unsigned i = 0; type && i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		if (strcmp(type->name, wrappers[i].type) == 0)
			return member(r, addr, wrappers[i].field);
	return addr;
}

// The top of the value stack of a frame that is suspended, or 0. Since 3.15 an index lies on what
// is iterated over, or a lone tag where there is none.
static addr_t stack_top(struct py_reader *r, const struct stack_frame *f)
{
	const struct layout *l = r->layout;
	uint64_t locals_n, stack_n, n, top;
	uint32_t word;

	if (!code_slots(r, f->code, &locals_n, &stack_n))
		return 0;
	if (layout_has(l, F_IF_STACKTOP)) {
		if (mem_read_u32(r->py->mem, f->addr + layout_off(l, F_IF_STACKTOP), &word) < 0)
			return 0;
		n = word;
	} else if (layout_has(l, F_F_STACKDEPTH)) {
		if (mem_read_u32(r->py->mem, f->addr + layout_off(l, F_F_STACKDEPTH), &word) < 0)
			return 0;
		n = locals_n + word;
	} else {
		const enum field_id field =
			layout_has(l, F_IF_STACKPOINTER) ? F_IF_STACKPOINTER : F_F_STACKTOP;

		if (!layout_has(l, field) ||
		    mem_read_u64(r->py->mem, f->addr + layout_off(l, field), &top) < 0)
			return 0;
		n = (top - f->slots) / 8;
	}
	if (n <= locals_n || n > locals_n + stack_n)
		return 0;
	top = frame_reference(l, py_read_ptr(r, f->slots + (n - 1) * 8, f->addr));
	if (!top && l->facts[FACT_STACK_HAS_INDEX] && n - 1 > locals_n)
		top = frame_reference(l, py_read_ptr(r, f->slots + (n - 2) * 8, f->addr));
	return top;
}

// To 3.10: no frame means that it has ended; one without a stack of values is being executed.
static bool read_old(struct py_reader *r, const struct py_object *o, struct coroutine *ret)
{
	const struct layout *l = r->layout;
	uint64_t top = 1;
	uint32_t depth = 0;

	if (!stack_frame_of_object(r, object_u64(r, o, F_GI_FRAME), &ret->frame))
		return false;
	if (layout_has(l, F_F_STACKDEPTH))
		(void)mem_read_u32(r->py->mem, ret->frame.addr + layout_off(l, F_F_STACKDEPTH),
				   &depth); // it was readable just now
	else if (layout_has(l, F_F_STACKTOP))
		(void)mem_read_u64(r->py->mem, ret->frame.addr + layout_off(l, F_F_STACKTOP),
				   &top); // the same
	ret->is_running = (int32_t)depth < 0 || !top;
	return true;
}

static bool read_new(struct py_reader *r, const struct py_object *o, struct coroutine *ret)
{
	const int64_t state = field_i64(r->layout, F_GI_FRAME_STATE, o->p);
	const int64_t executing = r->layout->facts[FACT_FRAME_EXECUTING];

	if (state > executing)
		return false;
	ret->is_running = state == executing;
	return stack_frame_read(r, o->addr + layout_off(r->layout, F_GI_IFRAME), &ret->frame);
}

bool coroutine_read(struct py_reader *r, addr_t addr, struct coroutine *ret)
{
	struct py_object o;

	*ret = (struct coroutine){0};
	addr = unwrapped(r, addr);
	if (!py_object_open(r, addr, &o) || o.type->family != &family_generator)
		return false;
	if (!(layout_has(r->layout, F_GI_IFRAME) && layout_has(r->layout, F_GI_FRAME_STATE)
		      ? read_new(r, &o, ret)
		      : read_old(r, &o, ret)))
		return false;
	if (!ret->is_running && ret->frame.offset >= 0)
		ret->awaits = stack_top(r, &ret->frame);
	return true;
}
