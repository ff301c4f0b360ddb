// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/greenlet.h"

// What stack_stop is of a thread's own greenlet.
#define WHOLE_STACK UINT64_MAX

static const struct py_type *greenlet_type(const struct py_type *type)
{
	while (type && strcmp(type->name, "greenlet.greenlet") != 0)
		type = type->base;
	return type;
}

bool type_is_greenlet(const struct py_type *type)
{
	return greenlet_type(type);
}

// Where its words stack_start, stack_stop lie, and its top frame. Before 2.0 they are in the
// object; since then it ends in a pointer to a C++ object (class Greenlet) of these words: the
// table of virtual functions, since 3.2 the greenlet, what it handles, what it was switched to
// with, its stack, its context, its top frame.
struct place {
	addr_t stack, frame;
};

static bool find_place(struct py_reader *r, addr_t addr, const struct py_type *type,
		       struct place *ret)
{
	enum { STACK_WORDS = 5, OLD_WORDS = 7, WORDS_AFTER_HEADER = 3 };
	const struct py_type *base = greenlet_type(type);
	const uint32_t header = r->layout->struct_size[S_PyObject];
	uint64_t words = (uint64_t)r->layout->facts[FACT_GREENLET_STACK];
	uint64_t vtable, self;
	addr_t inside;

	if (!base || !header || base->basicsize < header + WORDS_AFTER_HEADER * 8)
		return false;
	if (base->basicsize >= header + OLD_WORDS * 8) {
		*ret = (struct place){addr + header, addr + header + OLD_WORDS * 8};
		return true;
	}
	inside = py_read_ptr(r, addr + base->basicsize - 8, addr);
	if (!inside || mem_read_u64(r->py->mem, inside, &vtable) < 0 ||
	    mem_read_u64(r->py->mem, inside + 8, &self) < 0 ||
	    mem_read_u64(r->py->mem, vtable, &(uint64_t){0}) < 0)
		return false;
	words += self == addr;
	ret->stack = inside + words * 8;
	ret->frame = ret->stack +
		     (STACK_WORDS + (uint64_t)r->layout->facts[FACT_GREENLET_HAS_CONTEXT]) * 8;
	return true;
}

// A version with other words would hardly pass for one of these.
static enum greenlet_state state_of(struct py_reader *r, uint64_t start, uint64_t stop,
				    addr_t frame)
{
	const struct py_type *type = frame ? py_type_of(r, frame) : NULL;

	if (frame && (!type || type->family != &family_frame))
		return GREENLET_UNKNOWN;
	if (!start)
		return frame ? GREENLET_UNKNOWN : stop ? GREENLET_FINISHED : GREENLET_CREATED;
	if (start >= stop || mem_read_u64(r->py->mem, stop & ~7ull, &(uint64_t){0}) < 0)
		if (stop != WHOLE_STACK)
			return GREENLET_UNKNOWN;
	return frame ? GREENLET_SUSPENDED : GREENLET_RUNNING;
}

void greenlet_read(struct py_reader *r, addr_t addr, struct greenlet *ret)
{
	uint64_t start, stop, frame;
	struct place at;

	*ret = (struct greenlet){.state = GREENLET_UNKNOWN};
	if (!find_place(r, addr, py_type_of(r, addr), &at) ||
	    mem_read_u64(r->py->mem, at.stack, &start) < 0 ||
	    mem_read_u64(r->py->mem, at.stack + 8, &stop) < 0 ||
	    mem_read_u64(r->py->mem, at.frame, &frame) < 0)
		return;
	ret->state = state_of(r, start, stop, frame);
	if (ret->state == GREENLET_UNKNOWN)
		return;
	ret->frame = frame;
	ret->stack_stop = stop;
	ret->is_main = stop == WHOLE_STACK;
}
