// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/gc_stats.h"

// The struct gc_generation_stats at `at`.
static bool read_at(const struct layout *l, const struct mem *m, addr_t at, struct gc_stats *ret)
{
	struct gc_stats s;

	if (mem_read_u64(m, at + layout_off(l, F_STATS_COLLECTIONS), &s.collections) < 0 ||
	    mem_read_u64(m, at + layout_off(l, F_STATS_COLLECTED), &s.collected) < 0 ||
	    mem_read_u64(m, at + layout_off(l, F_STATS_UNCOLLECTABLE), &s.uncollectable) < 0)
		return false;
	*ret = s;
	return true;
}

// Of a ring with its items at `items`: the one that its index says. A wild index reads wild
// numbers, as the target itself would.
static bool read_ring(const struct layout *l, const struct mem *m, addr_t items, addr_t index,
		      struct gc_stats *ret)
{
	uint8_t i;

	return mem_read(m, index, &i, 1) == 0 && i < 128 &&
	       read_at(l, m, items + i * (uint64_t)l->struct_size[S_gc_generation_stats], ret);
}

bool gc_stats_read(const struct layout *l, const struct mem *m, const struct gc_state *gc,
		   unsigned i, struct gc_stats *ret)
{
	addr_t at = gc->stats;

	if (!at || !layout_has(l, F_STATS_COLLECTIONS) || i >= GC_GENERATIONS)
		return false;
	if (!layout_has(l, F_STATS_YOUNG))
		return read_at(l, m, at + i * (uint64_t)l->struct_size[S_gc_generation_stats], ret);
	if (mem_read_u64(m, at, &at) < 0)
		return false;
	if (i == 0)
		return read_ring(l, m, at + layout_off(l, F_STATS_YOUNG),
				 at + layout_off(l, F_STATS_YOUNG_INDEX), ret);
	at += layout_off(l, F_STATS_OLD) +
	      (i - 1) * (uint64_t)l->struct_size[S_gc_old_stats_buffer];
	return read_ring(l, m, at + layout_off(l, F_STATS_OLD_ITEMS),
			 at + layout_off(l, F_STATS_OLD_INDEX), ret);
}
