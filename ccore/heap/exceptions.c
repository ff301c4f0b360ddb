// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/exceptions.h"

#include "py/exception.h"

static addr_t read_field(struct py_reader *r, addr_t base, enum field_id f)
{
	return layout_has(r->layout, f) ? py_read_ptr(r, base + layout_off(r->layout, f), base) : 0;
}

// Of one that does not exist yet only the class, and what it will be called with, are there.
static int add(struct thread_exceptions *ret, struct py_reader *r, struct thread_exception e,
	       struct ccore_error *err)
{
	if (e.value == r->py->none)
		e.value = 0;
	if (e.traceback == r->py->none)
		e.traceback = 0;
	if (e.type == r->py->none || is_exception(r, e.value))
		e.type = 0;
	if (!e.value && !e.type)
		return 0;
	return vec_push(&ret->all, e) ? 0 : err_nomem(err);
}

// From 3.7 on each generator that is running has an item of its own.
static int add_items(struct thread_exceptions *ret, struct py_reader *r, addr_t item,
		     struct ccore_error *err)
{
	for (uint32_t i = 0; item && i < LIM_EXCEPTIONS; i++) {
		const struct thread_exception e = {
			.value = read_field(r, item, F_ES_VALUE),
			.type = read_field(r, item, F_ES_TYPE),
			.traceback = read_field(r, item, F_ES_TB),
		};

		TRY(add(ret, r, e, err));
		item = read_field(r, item, F_ES_PREVIOUS);
	}
	if (item)
		damage_note(&r->damage, DAMAGE_LIMIT, item);
	return 0;
}

static int find(struct thread_exceptions *ret, struct py_reader *r, addr_t state,
		struct ccore_error *err)
{
	const struct thread_exception raised = {
		.value = read_field(r, state, F_TS_RAISED),
		.type = read_field(r, state, F_TS_RAISED_TYPE),
		.traceback = read_field(r, state, F_TS_RAISED_TB),
		.is_raised = true,
	};
	const struct thread_exception handled = {
		.value = read_field(r, state, F_TS_HANDLED),
		.type = read_field(r, state, F_TS_HANDLED_TYPE),
		.traceback = read_field(r, state, F_TS_HANDLED_TB),
	};

	TRY(add(ret, r, raised, err));
	if (layout_has(r->layout, F_TS_EXC_INFO))
		return add_items(ret, r, read_field(r, state, F_TS_EXC_INFO), err);
	return add(ret, r, handled, err);
}

int exceptions_find(struct thread_exceptions *ret, struct heap *h, const struct py_thread *state,
		    struct ccore_error *err)
{
	int r;

	*ret = (struct thread_exceptions){0};
	r = find(ret, heap_reader(h), state->addr, err);
	if (r < 0)
		exceptions_done(ret);
	return r;
}

void exceptions_done(struct thread_exceptions *e)
{
	vec_done(&e->all);
}
