// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/statics.h"

#include "py/block.h"
#include "py/static_object.h"
#include "sym/mappings.h"

struct scan {
	const struct target *t;
	struct py_reader *r;
	static_fn fn;
	void *ctx;
	uint32_t misses_left; // pieces that may turn out to be unreadable
};

// `p` is what is at `addr`.
static int look_at(struct scan *s, addr_t addr, const uint8_t *p, addr_t type_addr,
		   const struct static_place *place)
{
	const struct py_type *type;
	struct py_object o;
	uint64_t refcount;

	if (type_addr % 8 || !type_addr)
		return 0;
	refcount = header_plausible_refcount(s->r->layout, p);
	if (!refcount_is_plausible(s->r, refcount))
		return 0;
	if (target_module_at(s->t, refcount)) // a row of a table: a function, and a type
		return 0;
	type = py_type_get(s->r, type_addr);
	if (!type || type->flags & TYPE_HEAP || !py_object_open_typed(s->r, addr, type, &o) ||
	    !static_object_is_proved(s->r, &o, place))
		return 0;
	return s->fn(s->ctx, addr, type);
}

#define PIECE 4096u // bytes read at once

// The pieces overlap by the head of an object.
static int scan_data(struct scan *s, addr_t start, const struct static_place *place)
{
	const struct mem *mem = s->r->py->mem;
	const uint64_t type_off = layout_off(s->r->layout, F_OB_TYPE);
	const uint64_t head = s->r->layout->struct_size[S_PyObject];
	uint8_t scratch[PIECE + 64];
	addr_t at = start;

	while (head <= 64 && u64_align_up(mem_next_readable(mem, at), 8, &at) && at < place->end) {
		const uint64_t want = u64_min(place->end - at, PIECE + head - 8);
		const uint64_t n = mem_readable(mem, at, want);
		const uint8_t *p = n < head ? NULL : py_get(s->r, at, n, scratch);

		for (uint64_t off = 0; p && off + head <= n; off += 8)
			TRY(look_at(s, at + off, p + off, load_u64(p + off + type_off), place));
		if (!p && !s->misses_left--) {
			damage_note(&s->r->damage, DAMAGE_LIMIT, at);
			return 0;
		}
		at += p ? u64_align_down(n - head, 8) + 8 : PIECE;
	}
	return 0;
}

#define TEXT_BYTES (64u << 20) // that a module may have before its data

static int scan_module(struct scan *s, const struct module *m)
{
	const bool is_known = !m->headless || m->file;
	const struct mapping *p = NULL;
	struct static_place place = {.lost_end = is_known ? 0 : m->end};

	if (!is_known)
		place.lost_start = m->start - u64_min(m->start, TEXT_BYTES);
	while ((p = module_mapping(s->t, m, p))) {
		if (!(p->flags & MAPPING_W) || p->flags & MAPPING_SHARED || p->start < m->start)
			continue;
		place.end = u64_min(p->end, m->end);
		TRY(scan_data(s, p->start, &place));
	}
	return 0;
}

bool statics_hold(const struct target *t, const struct runtime *rt, const struct layout *l,
		  addr_t addr)
{
	const uint32_t size = l->struct_size[S_PyInterpreterState];

	for (uint64_t i = 0; i < rt->interpreters.n; i++)
		if (addr - rt->interpreters.data[i].addr < size)
			return true;
	return target_module_at(t, addr) != NULL;
}

int statics_find(const struct target *t, const struct runtime *rt, struct py_reader *r,
		 static_fn fn, void *ctx)
{
	const uint32_t size = r->layout->struct_size[S_PyInterpreterState];
	struct scan s = {.t = t, .r = r, .fn = fn, .ctx = ctx, .misses_left = LIM_MISSES};

	for (uint64_t i = 0; i < t->modules.n; i++)
		TRY(scan_module(&s, &t->modules.data[i]));
	for (uint64_t i = 0; i < rt->interpreters.n; i++) {
		const addr_t addr = rt->interpreters.data[i].addr;
		struct static_place place = {0};

		if (!target_module_at(t, addr) && u64_add(addr, size, &place.end))
			TRY(scan_data(&s, addr, &place));
	}
	return 0;
}
