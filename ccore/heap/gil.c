// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/gil.h"

static enum gil_holder compare(addr_t holder, const struct py_thread *state)
{
	return !holder ? GIL_FREE : holder == state->addr ? GIL_HELD : GIL_HELD_BY_OTHER;
}

// The last holder is the holder while the lock is taken; else it is history.
static enum gil_holder from_interpreter(struct heap *h, const struct py_thread *state)
{
	const struct layout *l = &h->layout;
	const addr_t in = h->runtime.interpreters.data[state->interpreter].addr;
	uint64_t gil, holder;
	uint32_t locked;

	if (!layout_has(l, F_GIL_LAST_HOLDER) || !layout_has(l, F_GIL_LOCKED) ||
	    mem_read_u64(h->py.mem, in + layout_off(l, F_IS_GIL), &gil) < 0 || !gil ||
	    mem_read_u64(h->py.mem, gil + layout_off(l, F_GIL_LAST_HOLDER), &holder) < 0 ||
	    mem_read_u32(h->py.mem, gil + layout_off(l, F_GIL_LOCKED), &locked) < 0)
		return GIL_UNKNOWN;
	return compare((int32_t)locked > 0 ? holder : 0, state);
}

enum gil_holder gil_of(struct heap *h, const struct py_thread *state)
{
	const struct layout *l = &h->layout;
	addr_t at = l->symbols[SYM_TSTATE_CURRENT];
	uint64_t holder;

	if (layout_has(l, F_RT_TSTATE_CURRENT) && l->symbols[SYM_PyRuntime])
		at = l->symbols[SYM_PyRuntime] + layout_off(l, F_RT_TSTATE_CURRENT);
	else if (layout_has(l, F_IS_GIL))
		return from_interpreter(h, state);
	if (!at || mem_read_u64(h->py.mem, at, &holder) < 0)
		return GIL_UNKNOWN;
	return compare(holder, state);
}
