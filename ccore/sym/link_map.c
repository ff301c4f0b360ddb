// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/link_map.h"

#include "util/checked.h"

#include <elf.h>

// struct link_map, and r_map of struct r_debug.
#define LM_NAME 8u
#define LM_DYNAMIC 16u
#define LM_NEXT 24u
#define LM_PREV 32u
#define LM_BYTES 40u
#define R_DEBUG_MAP 8u

bool dynamic_value(const struct mem *m, addr_t dynamic, int64_t tag, uint64_t *ret)
{
	for (unsigned i = 0; dynamic && i < LIM_DYNAMIC; i++) {
		Elf64_Dyn d;

		if (mem_read(m, dynamic + i * sizeof(d), &d, sizeof(d)) < 0 || d.d_tag == DT_NULL)
			return false;
		if (d.d_tag == tag) {
			*ret = d.d_un.d_val;
			return true;
		}
	}
	return false;
}

bool dynamic_addr(const struct mem *m, addr_t dynamic, int64_t tag, uint64_t bias, addr_t *ret)
{
	uint64_t value;

	if (!dynamic_value(m, dynamic, tag, &value))
		return false;
	*ret = value < bias ? value + bias : value;
	return true;
}

struct entry {
	uint64_t bias;
	addr_t name, dynamic, next, prev;
};

static bool read_entry(const struct mem *m, addr_t at, struct entry *ret)
{
	uint8_t buf[LM_BYTES];

	if (at % 8 || mem_read(m, at, buf, sizeof(buf)) < 0)
		return false;
	*ret = (struct entry){.bias = load_u64(buf),
			      .name = load_u64(buf + LM_NAME),
			      .dynamic = load_u64(buf + LM_DYNAMIC),
			      .next = load_u64(buf + LM_NEXT),
			      .prev = load_u64(buf + LM_PREV)};
	return true;
}

static addr_t entry_of(const struct mem *m, addr_t dynamic, uint64_t bias)
{
	addr_t got, at;
	struct entry e;

	if (!dynamic_addr(m, dynamic, DT_PLTGOT, bias, &got) || mem_read_u64(m, got + 8, &at) < 0 ||
	    !at || !read_entry(m, at, &e) || e.dynamic != dynamic || e.bias != bias)
		return 0;
	return at;
}

addr_t link_map_head(const struct mem *m, addr_t dynamic, uint64_t bias)
{
	struct entry e, before;
	uint64_t debug;
	addr_t at;

	if (dynamic_value(m, dynamic, DT_DEBUG, &debug) && debug &&
	    mem_read_u64(m, debug + R_DEBUG_MAP, &at) == 0 && at && read_entry(m, at, &e) &&
	    !e.prev)
		return at;
	at = entry_of(m, dynamic, bias);
	for (unsigned i = 0; at && i < LIM_LOST_FILES; i++) {
		if (!read_entry(m, at, &e))
			return 0;
		if (!e.prev)
			return at;
		if (!read_entry(m, e.prev, &before) || before.next != at)
			return 0;
		at = e.prev;
	}
	return 0;
}

static int give(const struct mem *m, const struct entry *e, link_map_fn fn, void *ctx,
		struct ccore_error *err)
{
	struct link_map l = {.bias = e->bias, .dynamic = e->dynamic};

	if (mem_read_cstr(m, e->name, l.name, sizeof(l.name)) < 0)
		l.name[0] = '\0';
	return fn(ctx, &l, err);
}

int link_map_each(const struct mem *m, addr_t head, link_map_fn fn, void *ctx,
		  struct ccore_error *err)
{
	addr_t before = 0;
	struct entry e;

	// An entry has one before it, which ends every loop but that of a list of one.
	for (unsigned i = 0; head && i < LIM_LOST_FILES; i++) {
		if (!read_entry(m, head, &e) || e.prev != before)
			return 0;
		TRY(give(m, &e, fn, ctx, err));
		before = head;
		head = e.next;
	}
	return 0;
}

int link_map_of(const struct mem *m, addr_t dynamic, uint64_t bias, link_map_fn fn, void *ctx,
		struct ccore_error *err)
{
	const addr_t at = entry_of(m, dynamic, bias);
	struct entry e;

	return at && read_entry(m, at, &e) ? give(m, &e, fn, ctx, err) : 0;
}
