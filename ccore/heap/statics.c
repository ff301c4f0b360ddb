// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/statics.h"

#include "py/block.h"
#include "py/static_object.h"

struct scan {
	struct py_reader *r;
	static_fn fn;
	void *ctx;
};

static int look_at(struct scan *s, addr_t addr, uint64_t refcount, addr_t type_addr, addr_t end)
{
	const struct py_type *type;
	struct py_object o;

	if (type_addr % 8 || !type_addr || !refcount_is_plausible(s->r, refcount))
		return 0;
	type = py_type_get(s->r, type_addr);
	if (!type || type->flags & TYPE_HEAP || !py_object_open_typed(s->r, addr, type, &o) ||
	    !static_object_is_proved(s->r, &o, end))
		return 0;
	return s->fn(s->ctx, addr, type);
}

static int scan_data(struct scan *s, addr_t start, addr_t end)
{
	const uint64_t type_off = layout_off(s->r->layout, F_OB_TYPE);
	const uint64_t refcount_off = layout_off(s->r->layout, F_OB_REFCNT);

	for (addr_t at = start; end - at >= type_off + 8; at += 8) {
		uint8_t scratch[64];
		const uint8_t *p = py_get(s->r, at, type_off + 8, scratch);

		if (p && load_u64(p + refcount_off))
			TRY(look_at(s, at, load_u64(p + refcount_off), load_u64(p + type_off),
				    end));
	}
	return 0;
}

static int scan_module(struct scan *s, const struct target *t, const struct module *m)
{
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *p = &t->mappings.data[i];
		const addr_t start = p->start > m->start ? p->start : m->start;
		const addr_t end = u64_min(p->end, m->end);
		addr_t from;

		if (start < end && p->flags & MAPPING_W && !(p->flags & MAPPING_SHARED) &&
		    u64_align_up(start, 8, &from))
			TRY(scan_data(s, from, end));
	}
	return 0;
}

// The last module that begins at or before `addr`, if it is in it: they are sorted.
static bool in_module(const struct target *t, addr_t addr)
{
	uint64_t low = 0, high = t->modules.n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (t->modules.data[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low && addr < t->modules.data[low - 1].end;
}

bool statics_hold(const struct target *t, const struct runtime *rt, const struct layout *l,
		  addr_t addr)
{
	const uint32_t size = l->struct_size[S_PyInterpreterState];

	for (uint64_t i = 0; i < rt->interpreters.n; i++)
		if (addr - rt->interpreters.data[i].addr < size)
			return true;
	return in_module(t, addr);
}

int statics_find(const struct target *t, const struct runtime *rt, struct py_reader *r,
		 static_fn fn, void *ctx)
{
	const uint32_t size = r->layout->struct_size[S_PyInterpreterState];
	struct scan s = {.r = r, .fn = fn, .ctx = ctx};

	for (uint64_t i = 0; i < t->modules.n; i++)
		TRY(scan_module(&s, t, &t->modules.data[i]));
	for (uint64_t i = 0; i < rt->interpreters.n; i++) {
		const addr_t addr = rt->interpreters.data[i].addr;
		addr_t end;

		if (!in_module(t, addr) && u64_add(addr, size, &end))
			TRY(scan_data(&s, addr, end));
	}
	return 0;
}
