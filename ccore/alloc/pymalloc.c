// SPDX-License-Identifier: GPL-2.0-or-later
#include "alloc/pymalloc.h"

#include <stdatomic.h>
#include <stdlib.h>

// An arena is never cut into more pools; one that does not begin at a pool's boundary has one
// less.
#define ARENA_POOLS 64u

static bool layout_knows_pools(const struct layout *l)
{
	static const enum field_id needed[] = {
		F_ARENA_ADDRESS,   F_ARENA_POOL_ADDRESS, F_ARENA_NFREEPOOLS, F_ARENA_NTOTALPOOLS,
		F_POOL_COUNT,	   F_POOL_FREEBLOCK,	 F_POOL_ARENAINDEX,  F_POOL_SZIDX,
		F_POOL_NEXTOFFSET, F_POOL_MAXNEXTOFFSET};

	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!layout_has(l, needed[i]))
			return false;
	return true;
}

// -- where interpreters keep their arenas

// Addresses of one interpreter's variables; 0 for those that are not there.
struct variables {
	addr_t arenas, max, large_n, all_n;
};

// The variables of interpreter `i`; false: it has none.
static bool find_variables(const struct runtime *rt, struct py_reader *r, uint64_t i,
			   struct variables *ret)
{
	const struct layout *l = r->layout;
	addr_t state;

	*ret = (struct variables){0};
	if (l->symbols[SYM_ARENAS] && l->symbols[SYM_MAXARENAS]) {
		ret->arenas = l->symbols[SYM_ARENAS];
		ret->max = l->symbols[SYM_MAXARENAS];
		ret->large_n = l->symbols[SYM_RAW_BLOCKS];
		ret->all_n = l->symbols[SYM_ALL_BLOCKS];
		return i == 0;
	}
	if (!layout_has(l, F_IS_OBMALLOC) || !layout_has(l, F_OBM_ARENAS) ||
	    !layout_has(l, F_OBM_MAXARENAS))
		return false;
	state = rt->interpreters.data[i].addr + layout_off(l, F_IS_OBMALLOC);
	if (l->fields[F_IS_OBMALLOC].size == sizeof(addr_t))
		state = py_read_ptr(r, state, rt->interpreters.data[i].addr);
	ret->arenas = state + layout_off(l, F_OBM_ARENAS);
	ret->max = state + layout_off(l, F_OBM_MAXARENAS);
	if (layout_has(l, F_OBM_RAW_BLOCKS))
		ret->large_n = state + layout_off(l, F_OBM_RAW_BLOCKS);
	return state != 0;
}

// -- the geometry

static const struct {
	uint32_t pool_bytes, unit;
} geometries[] = {{4096, 16}, {16384, 16}, {4096, 8}};

#define GEOMETRY_N (sizeof(geometries) / sizeof(geometries[0]))

// A pool's last block may begin where the pool ends less one block. False where there is no pool.
static bool vote(struct py_reader *r, addr_t pool, uint32_t votes[GEOMETRY_N])
{
	const struct layout *l = r->layout;
	uint8_t scratch[256];
	const uint64_t n = l->struct_size[S_pool_header];
	const uint8_t *p = n <= sizeof(scratch) ? py_get(r, pool, n, scratch) : NULL;

	if (!p || !field_u64(l, F_POOL_COUNT, p))
		return false;
	for (unsigned g = 0; g < GEOMETRY_N; g++) {
		const uint64_t size = (field_u64(l, F_POOL_SZIDX, p) + 1) * geometries[g].unit;

		votes[g] +=
			field_u64(l, F_POOL_MAXNEXTOFFSET, p) + size == geometries[g].pool_bytes;
	}
	return true;
}

#define VOTERS 256u

static void find_geometry(struct pymalloc *m, struct py_reader *r)
{
	uint32_t votes[GEOMETRY_N] = {0};
	unsigned best = 0, voted = 0;

	// Of a core that was cut off the first may all be missing.
	for (uint64_t i = 0; i < m->arenas.n && voted < VOTERS; i++) {
		addr_t pool;

		if (u64_align_up(m->arenas.data[i].first, 4096, &pool))
			voted += vote(r, pool, votes);
		if (u64_align_up(m->arenas.data[i].first, 16384, &pool))
			voted += vote(r, pool, votes);
	}
	for (unsigned g = 1; g < GEOMETRY_N; g++)
		if (votes[g] > votes[best])
			best = g;
	if (votes[best]) {
		m->pool_bytes = geometries[best].pool_bytes;
		m->unit = geometries[best].unit;
	}
}

// -- arenas

// As they are in the target's array; pools' bounds and free pools are settled later.
static int add_arena(struct pymalloc *m, struct py_reader *r, const uint8_t *p, uint32_t index,
		     struct ccore_error *err)
{
	const struct layout *l = r->layout;
	const struct pymalloc_arena a = {
		.first = field_u64(l, F_ARENA_ADDRESS, p),
		.end = field_u64(l, F_ARENA_POOL_ADDRESS, p),
		.start = field_u64(l, F_ARENA_ADDRESS, p),
		.state = (uint32_t)(m->states.n - 1),
		.index = index,
		.total_n = (uint32_t)field_u64(l, F_ARENA_NTOTALPOOLS, p),
		.free_n = (uint32_t)field_u64(l, F_ARENA_NFREEPOOLS, p),
	};

	if (!a.first) // a slot that is not in use
		return 0;
	if (a.first % 4096 || a.end < a.first || a.end >> 63 || a.total_n > ARENA_POOLS ||
	    a.end - a.first > (uint64_t)ARENA_POOLS * PYMALLOC_POOL_BYTES_MAX) {
		damage_note(&r->damage, DAMAGE_BAD_POOL, a.first);
		return 0;
	}
	return vec_push(&m->arenas, a) ? 0 : err_nomem(err);
}

// A count of blocks at `addr`, which may be 0; UINT64_MAX where it cannot be known.
static uint64_t block_count(struct py_reader *r, addr_t addr)
{
	uint64_t n;

	return addr && mem_read_u64(r->py->mem, addr, &n) == 0 && n < LIM_OBJECT_BYTES / 8
		       ? n
		       : UINT64_MAX;
}

// 0 when interpreters before this one have the same state.
static int add_state(struct pymalloc *m, struct py_reader *r, const struct variables *v, uint32_t i,
		     struct ccore_error *err)
{
	const struct pymalloc_state state = {
		.arenas_at = v->arenas,
		.interpreter = i,
		.large_n = block_count(r, v->large_n),
		.all_n = block_count(r, v->all_n),
	};

	for (uint64_t k = 0; k < m->states.n; k++)
		if (m->states.data[k].arenas_at == v->arenas)
			return 0;
	return vec_push(&m->states, state) ? 1 : err_nomem(err);
}

// Those that can be read; *ret_all says whether that is all.
static int read_arenas(struct pymalloc *m, struct py_reader *r, addr_t arenas_at, addr_t max_at,
		       bool *ret_all, struct ccore_error *err)
{
	const uint32_t size = r->layout->struct_size[S_arena_object];
	uint8_t scratch[256];
	addr_t arenas;
	uint64_t there;
	uint32_t n;

	*ret_all = false;
	if (mem_read_u64(r->py->mem, arenas_at, &arenas) < 0 ||
	    mem_read_u32(r->py->mem, max_at, &n) < 0) {
		damage_note(&r->damage, DAMAGE_BAD_POOL, arenas_at);
		return 0;
	}
	if (!size || size > sizeof(scratch) || n > LIM_ARENAS) {
		damage_note(&r->damage, DAMAGE_BAD_POOL, arenas);
		return 0;
	}
	there = mem_readable(r->py->mem, arenas, (uint64_t)n * size) / size;
	*ret_all = there == n;
	if (there < n)
		damage_note(&r->damage, DAMAGE_BAD_POOL, arenas + there * size);
	for (uint32_t i = 0; i < there; i++) {
		const uint8_t *p = py_get(r, arenas + (uint64_t)i * size, size, scratch);

		if (p)
			TRY(add_arena(m, r, p, i, err));
	}
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct pymalloc_arena *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

// Round to pools, and drop arenas that lie over each other.
static void settle_arenas(struct pymalloc *m, struct py_reader *r)
{
	uint64_t n = 0;

	qsort(m->arenas.data, m->arenas.n, sizeof(*m->arenas.data), by_address);
	for (uint64_t i = 0; i < m->arenas.n; i++) {
		struct pymalloc_arena a = m->arenas.data[i];

		// add_arena() has seen that this is far from wrapping.
		a.stop = a.start + (uint64_t)ARENA_POOLS * m->pool_bytes;
		if (!u64_align_up(a.first, m->pool_bytes, &a.first) || a.end % m->pool_bytes ||
		    (n && a.start < m->arenas.data[n - 1].stop) || a.end < a.first ||
		    a.end > a.stop) {
			damage_note(&r->damage, DAMAGE_BAD_POOL, a.first);
			continue;
		}
		m->arenas.data[n++] = a;
	}
	m->arenas.n = n;
}

int pymalloc_find(struct pymalloc *ret, const struct runtime *rt, struct py_reader *r,
		  struct ccore_error *err)
{
	uint64_t read_n = 0, unread_n = 0;
	struct variables v;
	bool all;
	int status = 0;

	*ret = (struct pymalloc){0};
	if (!layout_knows_pools(r->layout))
		return 0;
	for (uint64_t i = 0; status == 0 && i < rt->interpreters.n; i++) {
		if (!find_variables(rt, r, i, &v))
			continue;
		status = add_state(ret, r, &v, (uint32_t)i, err);
		if (status != 1)
			continue;
		status = read_arenas(ret, r, v.arenas, v.max, &all, err);
		read_n += all;
		unread_n += !all;
	}
	ret->known = read_n && !unread_n;
	if (status < 0) {
		pymalloc_done(ret);
		return status;
	}
	if (!ret->arenas.n)
		return 0;
	find_geometry(ret, r);
	if (ret->pool_bytes) {
		settle_arenas(ret, r);
	} else {
		damage_note(&r->damage, DAMAGE_BAD_POOL, ret->arenas.data[0].first);
		ret->arenas.n = 0;
		ret->known = false;
	}
	return 0;
}

void pymalloc_done(struct pymalloc *m)
{
	vec_done(&m->arenas);
	vec_done(&m->states);
}

const struct pymalloc_arena *pymalloc_arena_of(const struct pymalloc *m, addr_t addr)
{
	uint64_t low = 0, high = m->arenas.n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (m->arenas.data[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->arenas.n && m->arenas.data[low].first <= addr ? &m->arenas.data[low] : NULL;
}

// -- pools

// Mark what the chain from `at` leads to; the number of blocks on it. A chain that leaves the
// pool's blocks or comes back ends there: *ret_ok says so.
static uint32_t mark_free(struct pymalloc_pool *p, addr_t at, bool *ret_ok)
{
	uint32_t n = 0;

	for (*ret_ok = true; at; n++) {
		const uint64_t off = at - p->first;
		const uint32_t i = (uint32_t)(off / p->size);

		if (off >= (uint64_t)p->n * p->size || off % p->size || pymalloc_is_free(p, i)) {
			*ret_ok = false;
			break;
		}
		p->free[i / 64] |= 1ull << (i % 64);
		at = load_u64(p->view + off);
	}
	return n;
}

void pymalloc_note_count(struct py_reader *r, addr_t addr, bool by_one)
{
	_Atomic addr_t *at = &r->py->half_done;
	addr_t before = 0;

	if (by_one && (atomic_compare_exchange_strong(at, &before, addr) || before == addr))
		return;
	// Which of two was met first depends on the threads: both are damage.
	if (by_one && before > 1 && atomic_compare_exchange_strong(at, &before, 1))
		damage_note(&r->damage, DAMAGE_BAD_POOL, before);
	damage_note(&r->damage, DAMAGE_BAD_POOL, addr);
}

// Mark the blocks on the `chain` of free ones; `used` are counted by the pool. A block is counted
// before it leaves the chain, and when it has come back still is; a chain that has become empty
// begins at a block before that is carved.
static void mark_and_check(struct pymalloc_pool *p, addr_t pool, struct py_reader *r, uint64_t used,
			   addr_t chain)
{
	bool ok;
	const uint32_t counted = p->n - mark_free(p, chain, &ok);

	ok |= chain == p->first + (uint64_t)p->n * p->size;
	if (!ok || used != counted)
		pymalloc_note_count(r, pool, ok && used == counted + 1u);
}

enum pool_kind pymalloc_pool_read(const struct pymalloc *m, const struct pymalloc_arena *a,
				  addr_t addr, struct py_reader *r, uint8_t *scratch,
				  struct pymalloc_pool *ret)
{
	const struct layout *l = r->layout;
	const uint8_t *p = py_get(r, addr, m->pool_bytes, scratch);
	uint64_t used, size, next, begin;

	if (!p) {
		damage_note(&r->damage, DAMAGE_MISSING_POOL, addr);
		return POOL_BAD;
	}
	used = field_u64(l, F_POOL_COUNT, p);
	if (!used)
		return POOL_FREE;
	size = (field_u64(l, F_POOL_SZIDX, p) + 1) * m->unit;
	next = field_u64(l, F_POOL_NEXTOFFSET, p);
	// The header takes whole units.
	if (!u64_align_up(l->struct_size[S_pool_header], m->unit, &begin) ||
	    size > PYMALLOC_BLOCK_BYTES_MAX || next < begin || next - size > m->pool_bytes - size ||
	    (next - begin) % size || (next - begin) / size > PYMALLOC_BLOCKS_MAX ||
	    field_u64(l, F_POOL_MAXNEXTOFFSET, p) + size != m->pool_bytes) {
		damage_note(&r->damage, DAMAGE_BAD_POOL, addr);
		return POOL_BAD;
	}
	ret->first = addr + begin;
	ret->view = p + begin;
	ret->size = (uint32_t)size;
	ret->n = (uint32_t)((next - begin) / size);
	memset(ret->free, 0, (ret->n + 63u) / 64 * 8);
	mark_and_check(ret, addr, r, used, field_u64(l, F_POOL_FREEBLOCK, p));
	if (field_u64(l, F_POOL_ARENAINDEX, p) != a->index)
		damage_note(&r->damage, DAMAGE_BAD_POOL, addr);
	return POOL_USED;
}

bool pymalloc_pool_of(const struct pymalloc *m, addr_t addr, struct py_reader *r, uint8_t *scratch,
		      struct pymalloc_pool *ret, addr_t *ret_pool)
{
	const struct pymalloc_arena *a = m->pool_bytes ? pymalloc_arena_of(m, addr) : NULL;
	const struct damage before = r->damage;
	bool found;

	if (!a)
		return false;
	*ret_pool = addr - (addr - a->first) % m->pool_bytes;
	found = pymalloc_pool_read(m, a, *ret_pool, r, scratch, ret) == POOL_USED;
	r->damage = before;
	return found && addr >= ret->first && addr - ret->first < (uint64_t)ret->n * ret->size;
}

addr_t pymalloc_arena_counter(const struct runtime *rt, struct py_reader *r, uint64_t i)
{
	const struct layout *l = r->layout;
	addr_t state;

	if (l->symbols[SYM_ARENA_N])
		return i == 0 ? l->symbols[SYM_ARENA_N] : 0;
	if (!layout_has(l, F_IS_OBMALLOC) || !layout_has(l, F_OBM_ARENA_N))
		return 0;
	state = rt->interpreters.data[i].addr + layout_off(l, F_IS_OBMALLOC);
	if (l->fields[F_IS_OBMALLOC].size == sizeof(addr_t))
		state = py_read_ptr(r, state, rt->interpreters.data[i].addr);
	return state ? state + layout_off(l, F_OBM_ARENA_N) : 0;
}
