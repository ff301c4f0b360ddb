// SPDX-License-Identifier: GPL-2.0-or-later
#include "alloc/glibc_malloc.h"

#include "alloc/glibc_chunks.h"
#include "sym/mappings.h"
#include "util/checked.h"

#include <stdlib.h>

// struct malloc_state: fastbins, top, last_remainder, bins, binmap, next, next_free,
// attached_threads, system_mem, max_system_mem. What is before the fastbins differs; glibc 2.43
// has none.
#define CHUNK_MIN 32u
#define FASTBINS 10u
#define BINS 127u
#define TOP_TO_BINS 16u
#define TOP_TO_NEXT (TOP_TO_BINS + BINS * 16u + 16u)
#define TOP_TO_SYSTEM_MEM (TOP_TO_NEXT + 24u)
#define TOP_TO_END (TOP_TO_NEXT + 40u)

#define HEAP_ALIGN (64ull << 20) // HEAP_MAX_SIZE, to which other arenas' heaps are aligned

struct search {
	struct glibc_malloc *m;
	const struct target *t;
	struct damage *damage;
	struct ccore_error *err;
	uint32_t misses_left; // pages that may turn out to be unreadable
	struct hashmap seen;  // arenas and heaps: chains of them may lead back
};

static uint64_t word(const struct search *s, addr_t addr)
{
	uint64_t x = 0;

	(void)mem_read_u64(&s->t->mem, addr, &x); // 0 where there is nothing, which fits nowhere
	return x;
}

static int add_range(struct search *s, const struct malloc_range *range)
{
	return vec_push(&s->m->ranges, *range) ? 0 : err_nomem(s->err);
}

// Its heaps are added next.
static int add_arena(struct search *s, addr_t addr, addr_t top_at)
{
	const struct malloc_arena arena = {
		.addr = addr,
		.top_at = top_at,
		.system_bytes = word(s, top_at + TOP_TO_SYSTEM_MEM),
		.fastbin_n = top_at - addr < FASTBINS * 8 ? 0 : FASTBINS,
	};

	return vec_push(&s->m->arenas, arena) ? 0 : err_nomem(s->err);
}

static int add_heap(struct search *s, addr_t base, addr_t start, addr_t end)
{
	const struct malloc_range range = {
		.start = start,
		.end = end,
		.base = base,
		.arena = (uint32_t)(s->m->arenas.n - 1),
	};

	return add_range(s, &range);
}

// -- arenas

#define BAD_BINS 4u // a crash may come of damaged bins

// A bin that is empty points to itself; the first chunk of one that is not points back.
static bool is_bin(const struct mem *mem, const uint64_t *pair, addr_t self)
{
	uint64_t back = pair[1];

	if (pair[0] != self && mem_read_u64(mem, pair[0] + 24, &back) < 0)
		return false;
	return back == self;
}

// Whether a malloc_state's `top` may be at `top`. What follows the bins is none, or `top` would be
// taken to lie before its place.
static bool is_state(const struct mem *mem, addr_t top)
{
	uint64_t bins[BINS * 2 + 2];
	uint32_t bad = 0;

	if (mem_read(mem, top + TOP_TO_BINS, bins, sizeof(bins)) < 0 ||
	    is_bin(mem, bins + BINS * 2ull, top + BINS * 16ull))
		return false;
	for (uint32_t i = 0; i < BINS && bad <= BAD_BINS; i++)
		bad += !is_bin(mem, bins + 2ull * i, top + i * 16ull);
	return bad <= BAD_BINS;
}

static addr_t find_in_mapping(const struct search *s, addr_t start, addr_t mapping_end)
{
	const addr_t end = start + mem_readable(&s->t->mem, start,
						u64_min(mapping_end - start, LIM_LIBC_DATA_BYTES));
	// The last bins are for chunks so large that they are nearly always empty.
	const uint64_t last = TOP_TO_BINS + (BINS - 1) * 16ull;

	for (addr_t top = start; end - top > last + 24; top += 8)
		if (word(s, top + last) == top + last - 16 && is_state(&s->t->mem, top))
			return top;
	return 0;
}

// Where the main arena's `top` is, or 0.
static addr_t find_main(const struct search *s, const struct module *m)
{
	const struct mapping *p = NULL;
	addr_t top = 0;

	while (!top && (p = module_mapping(s->t, m, p)))
		if (p->flags & MAPPING_W)
			top = find_in_mapping(s, p->start, u64_min(p->end, m->end));
	return top;
}

static bool is_libc(const struct module *m)
{
	const char *slash = strrchr(m->name, '/');
	const char *name = slash ? slash + 1 : m->name;

	return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-2", 6) == 0;
}

// libc's; or that of a program which is linked statically.
static addr_t find_main_anywhere(const struct search *s)
{
	for (int libc = 1; libc >= 0; libc--) {
		for (uint64_t i = 0; i < s->t->modules.n; i++) {
			const struct module *m = &s->t->modules.data[i];
			addr_t top = 0;

			if (is_libc(m) == libc && (libc || m->is_main))
				top = find_main(s, m);
			if (top)
				return top;
		}
	}
	return 0;
}

// Its heap is one piece as long as nobody else moves the break: then it is as long as the
// arena has taken from the system.
static int add_main_heap(struct search *s, addr_t top_at)
{
	const addr_t top = word(s, top_at);
	const uint64_t system = word(s, top_at + TOP_TO_SYSTEM_MEM);
	const addr_t end = top + (word(s, top + 8) & ~7ull);
	const bool wraps = end < top;

	if (top == top_at) // nothing was ever allocated
		return 0;
	if (!wraps && system <= end && chunks_lead_to(&s->t->mem, end - system, top))
		return add_heap(s, end - system, end - system, end);
	for (uint64_t i = 0; !wraps && i < s->t->mappings.n; i++) {
		const struct mapping *p = &s->t->mappings.data[i];

		if (strcmp(p->name, "[heap]") == 0 && chunks_lead_to(&s->t->mem, p->start, top))
			return add_heap(s, p->start, p->start, end);
	}
	damage_note(s->damage, DAMAGE_BAD_POOL, top);
	s->m->known = false;
	return 0;
}

// Whether this came before; what cannot be remembered counts as seen.
static bool was_seen(struct search *s, uint64_t key)
{
	uint32_t before;

	return hashmap_get(&s->seen, key, &before) || !hashmap_put(&s->seen, key, 1);
}

// `state` is the arena's address; its first heap has it behind its own head.
static int add_heaps(struct search *s, addr_t state, addr_t top_at)
{
	const uint64_t head = state % HEAP_ALIGN;
	const addr_t first = (top_at + TOP_TO_END + 15) & ~15ull;
	addr_t heap = u64_align_down(word(s, top_at), HEAP_ALIGN);

	while (heap) {
		const uint64_t size = word(s, heap + 16);

		if (heap % HEAP_ALIGN || was_seen(s, heap) || word(s, heap) != state ||
		    size > HEAP_ALIGN || size < TOP_TO_END) {
			damage_note(s->damage, DAMAGE_BAD_POOL, heap);
			s->m->known = false;
			break;
		}
		TRY(add_heap(s, heap, heap == state - head ? first : heap + head, heap + size));
		heap = word(s, heap + 8);
	}
	return 0;
}

// What is before the `top` of the malloc_state at `addr`: a lock and flags, whether there are
// fastbins, these. 0 when there is no malloc_state.
static uint64_t state_head(const struct search *s, addr_t addr)
{
	static const uint64_t heads[] = {96, 88, 8};

	for (unsigned i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (is_state(&s->t->mem, addr + heads[i]))
			return heads[i];
	return 0;
}

// The main arena's address is where the ring comes back to: less than 128 bytes before its top.
static addr_t main_arena(const struct search *s, addr_t main_top)
{
	addr_t at = word(s, main_top + TOP_TO_NEXT);

	for (uint32_t i = 0; i < LIM_MALLOC_ARENAS && at; i++) {
		uint64_t head;

		if (at < main_top && main_top - at < 128)
			return at;
		head = state_head(s, at);
		if (!head)
			break;
		at = word(s, at + head + TOP_TO_NEXT);
	}
	return main_top - FASTBINS * 8; // damage is counted where its arenas are added
}

static int add_arenas(struct search *s, addr_t main_top)
{
	addr_t next = word(s, main_top + TOP_TO_NEXT);
	uint64_t head = 0;

	// The ring ends where it began: that address, less than 128 bytes before `top`, tells
	// what is before it in the struct.
	while (next && !was_seen(s, next | 1)) {
		if (next < main_top && main_top - next < 128)
			return 0;
		head = state_head(s, next);
		if (!head)
			break;
		TRY(add_arena(s, next, next + head));
		TRY(add_heaps(s, next, next + head));
		next = word(s, next + head + TOP_TO_NEXT);
	}
	damage_note(s->damage, DAMAGE_BAD_POOL, next);
	s->m->known = false;
	return 0;
}

// -- mmapped chunks

#define PAGE 4096u

// Chunks on pages of their own, among what else lies between `at` and `end`.
static int add_mmapped(struct search *s, addr_t at, addr_t end)
{
	while (at < end) {
		uint64_t head[2];
		uint64_t size;

		if (mem_read(&s->t->mem, at, head, sizeof(head)) < 0) {
			if (!s->misses_left) // of memory that is only reserved there may be much
				return 0;
			s->misses_left--;
			at = mem_next_readable(&s->t->mem, at + PAGE);
			if (at >= end || !u64_align_up(at, PAGE, &at))
				break;
			continue;
		}
		size = head[1] & ~7ull;
		if (s->m->arenas.data[0].fastbin_n == 0)
			size += 16; // since glibc 2.43 it does not count its head
		if (head[0] || (head[1] & 7) != 2 || !size || size % PAGE || size > end - at) {
			at += PAGE;
			continue;
		}
		TRY(add_range(s, &(struct malloc_range){at, at + size, at, 0, true}));
		at += size;
	}
	return 0;
}

static bool may_have_mmapped(const struct mapping *p)
{
	return (p->flags & MAPPING_W) && !(p->flags & MAPPING_SHARED) &&
	       (!*p->name || strncmp(p->name, "[anon", 5) == 0);
}

static int by_start(const void *a, const void *b)
{
	const struct malloc_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

// Between what is known: heaps so far, and `skip`.
static int search_mmapped(struct search *s, const struct known_range *skip, uint64_t skip_n)
{
	const uint64_t heap_n = s->m->ranges.n;
	uint64_t k = 0, h = 0;

	for (uint64_t i = 0; i < s->t->mappings.n; i++) {
		const struct mapping *p = &s->t->mappings.data[i];
		addr_t at = p->start;

		while (may_have_mmapped(p) && at < p->end) {
			const struct malloc_range *heaps = s->m->ranges.data;
			addr_t stop = p->end, next = p->end;

			while (k < skip_n && skip[k].end <= at)
				k++;
			while (h < heap_n && heaps[h].end <= at)
				h++;
			if (k < skip_n && skip[k].start < stop) {
				stop = skip[k].start;
				next = skip[k].end;
			}
			if (h < heap_n && heaps[h].start < stop) {
				stop = heaps[h].start;
				next = heaps[h].end;
			}
			TRY(add_mmapped(s, at, stop));
			at = next;
			if (!u64_align_up(at, PAGE, &at))
				break;
		}
	}
	return 0;
}

static void sort_ranges(struct glibc_malloc *m)
{
	if (m->ranges.n)
		qsort(m->ranges.data, m->ranges.n, sizeof(*m->ranges.data), by_start);
}

int glibc_malloc_find(struct glibc_malloc *ret, const struct target *t,
		      const struct known_range *skip, uint64_t skip_n, struct damage *damage,
		      struct ccore_error *err)
{
	struct search s = {
		.m = ret,
		.t = t,
		.damage = damage,
		.err = err,
		.misses_left = LIM_MISSES,
	};
	addr_t top;
	int r;

	// Each cached chunk is in one list, which is followed three times at most.
	*ret = (struct glibc_malloc){.links_left = t->mem.bytes / 32 * 3 + 1};
	top = find_main_anywhere(&s);
	if (!top)
		return 0;
	ret->known = true;
	r = add_arena(&s, main_arena(&s, top), top);
	if (r == 0)
		r = add_main_heap(&s, top);
	if (r == 0)
		r = add_arenas(&s, top);
	sort_ranges(ret);
	if (r == 0)
		r = search_mmapped(&s, skip, skip_n);
	sort_ranges(ret);
	for (uint64_t i = 0; r == 0 && i < ret->arenas.n; i++)
		r = cached_fastbins(ret, &t->mem, ret->arenas.data[i].top_at - FASTBINS * 8,
				    ret->arenas.data[i].fastbin_n, err);
	hashmap_done(&s.seen);
	for (uint64_t i = 0; r == 0 && i < ret->ranges.n; i++)
		if (!ret->ranges.data[i].mmapped)
			r = cached_by_threads(ret, &t->mem, i, err);
	if (!ret->links_left)
		damage_note(damage, DAMAGE_LIMIT, top);
	// So much that cannot be read is no heap: chunks mapped by themselves may lie beyond it.
	if (!s.misses_left)
		ret->known = false;
	if (r < 0)
		glibc_malloc_done(ret);
	return r;
}

void glibc_malloc_done(struct glibc_malloc *m)
{
	vec_done(&m->ranges);
	vec_done(&m->arenas);
	hashmap_done(&m->cached);
}

// The chunks in the bin at `self`, at most `max`; a chunk's links are behind its head.
static uint64_t bin_length(const struct glibc_malloc *m, const struct mem *mem, addr_t self,
			   uint64_t max, struct damage *damage)
{
	uint64_t n = 0, pair[2];
	addr_t at, before = self;

	if (mem_read_u64(mem, self + 16, &at) < 0)
		at = 0;
	for (; at != self; n++) {
		if (n >= max || at % 16 || !glibc_malloc_owns(m, at) ||
		    mem_read(mem, at + 16, pair, sizeof(pair)) < 0 || pair[1] != before) {
			damage_note(damage, DAMAGE_BAD_POOL, at);
			break;
		}
		before = at;
		at = pair[0];
	}
	return n;
}

uint64_t glibc_malloc_binned(const struct glibc_malloc *m, const struct mem *mem, uint32_t i,
			     struct damage *damage)
{
	const addr_t top = m->arenas.data[i].top_at;
	uint64_t n = 0;

	// Each link is checked from both sides, so that no list leads into another.
	for (uint32_t k = 0; k < BINS; k++)
		n += bin_length(m, mem, top + k * 16ull, mem->bytes / CHUNK_MIN - n, damage);
	return n;
}

bool glibc_malloc_owns(const struct glibc_malloc *m, addr_t addr)
{
	uint64_t low = 0, high = m->ranges.n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (m->ranges.data[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->ranges.n && m->ranges.data[low].start <= addr;
}
