// SPDX-License-Identifier: GPL-2.0-or-later
#include "alloc/glibc_chunks.h"

#include "util/checked.h"

// A chunk: size of the one before, its own size with flags, then what its user sees, up to the
// first of these words of the next chunk.
#define CHUNK_HEAD 16u
#define CHUNK_MIN 32u
#define PREV_INUSE 1u

static bool size_at(const struct mem *mem, addr_t chunk, uint64_t *ret)
{
	return mem_read_u64(mem, chunk + 8, ret) == 0;
}

// -- walking

bool chunks_lead_to(const struct mem *mem, addr_t start, addr_t top)
{
	uint64_t size;
	addr_t at = start;

	if (start % 16 || start > top)
		return false;
	while (at < top) {
		if (!size_at(mem, at, &size) || (size & ~7ull) < CHUNK_MIN || size & 8 ||
		    (size & ~7ull) > top - at)
			return false;
		at += size & ~7ull;
	}
	return true;
}

static int give(const struct glibc_malloc *m, addr_t at, uint64_t size, enum chunk_state state,
		malloc_chunk_fn fn, void *ctx)
{
	const struct malloc_chunk c = {
		.addr = at + CHUNK_HEAD,
		// In use it has the next chunk's first word, too.
		.size = size - CHUNK_HEAD + (state == CHUNK_USED ? 8 : 0),
		.state = state,
	};
	struct malloc_chunk cached = c;
	uint32_t kept;

	if (state != CHUNK_USED || !hashmap_get(&m->cached, c.addr, &kept))
		return fn(ctx, &c);
	cached.state = (enum chunk_state)kept;
	return fn(ctx, &cached);
}

int glibc_malloc_walk(const struct glibc_malloc *m, const struct mem *mem, uint64_t i,
		      malloc_chunk_fn fn, void *ctx, struct damage *damage)
{
	const struct malloc_range *range = &m->ranges.data[i];
	uint64_t head, next, size;
	int r;

	if (range->mmapped)
		return give(m, range->start, range->end - range->start, CHUNK_MMAPPED, fn, ctx);
	for (addr_t at = range->start; at < range->end; at += size) {
		if (range->end - at < CHUNK_HEAD)
			return 0;
		if (!size_at(mem, at, &head)) {
			damage_note(damage, DAMAGE_BAD_POOL, at);
			return 0;
		}
		size = head & ~7ull;
		if (size < CHUNK_MIN && size % 16 == 0 && range->end - at <= 2 * CHUNK_MIN)
			return 0; // a fence at the end of a heap that was full
		if (size < CHUNK_MIN || size % 16 || size > range->end - at) {
			damage_note(damage, DAMAGE_BAD_POOL, at);
			return 0;
		}
		if (size == range->end - at) {
			r = give(m, at, size, CHUNK_TOP, fn, ctx);
		} else {
			if (!size_at(mem, at + size, &next))
				next = PREV_INUSE; // the walk ends there, with damage
			r = give(m, at, size, next & PREV_INUSE ? CHUNK_USED : CHUNK_FREE, fn, ctx);
		}
		if (r)
			return r;
	}
	return 0;
}

// -- caches

#define CACHED_MAX 65535u // chunks in one list of a tcache

// The link at `at`, plain or protected.
static bool link_at(const struct mem *mem, addr_t at, bool is_protected, addr_t *ret)
{
	if (mem_read_u64(mem, at, ret) < 0)
		return false;
	if (is_protected)
		*ret ^= at >> 12;
	return true;
}

// The length of the list from `first` on, whose links are `off` bytes into its elements, or
// UINT64_MAX when it does not end, or not in this malloc's memory.
static uint64_t list_length(struct glibc_malloc *m, const struct mem *mem, addr_t first,
			    uint32_t off, uint64_t max, bool is_protected)
{
	uint64_t n = 0;

	for (addr_t at = first; at; n++, m->links_left--)
		if (n >= max || !m->links_left || at % 16 || !glibc_malloc_owns(m, at) ||
		    !link_at(mem, at + off, is_protected, &at))
			return UINT64_MAX;
	return n;
}

static int remember(struct glibc_malloc *m, const struct mem *mem, addr_t first, uint32_t off,
		    uint64_t n, bool is_protected, struct ccore_error *err)
{
	const enum chunk_state state = off ? CHUNK_FASTBIN : CHUNK_TCACHE;
	addr_t at = first;

	for (uint64_t i = 0; i < n; i++) {
		// The user's memory: a fastbin's elements are chunks, a tcache's that memory.
		if (!hashmap_put(&m->cached, at + off, state))
			return err_nomem(err);
		if (!link_at(mem, at + off, is_protected, &at))
			break;
	}
	return 0;
}

int cached_fastbins(struct glibc_malloc *m, const struct mem *mem, addr_t at, uint32_t n,
		    struct ccore_error *err)
{
	for (uint32_t i = 0; i < n; i++) {
		addr_t first;

		if (mem_read_u64(mem, at + 8 * i, &first) < 0)
			continue;
		for (int is_protected = 1; is_protected >= 0; is_protected--) {
			const uint64_t max = mem->bytes / CHUNK_MIN;
			const uint64_t length =
				list_length(m, mem, first, CHUNK_HEAD, max, is_protected);

			if (length == UINT64_MAX)
				continue;
			TRY(remember(m, mem, first, CHUNK_HEAD, length, is_protected, err));
			break;
		}
	}
	return 0;
}

// struct tcache_perthread_struct: a number for each list, then the lists' heads. Up to glibc 2.29
// the numbers were single bytes. Since 2.42 they count the chunks that may still be added: with
// the length of the list that is the same for all.
#define TCACHE_LISTS_MAX 76u

static const struct tcache_kind {
	uint32_t lists, number_bytes, chunk_size;
	bool counts_room;
} tcache_kinds[] = {
	{64, 2, 0x290, false},
	{64, 1, 0x250, false},
	{TCACHE_LISTS_MAX, 2, 0x300, true},
};

#define TCACHE_KINDS (sizeof(tcache_kinds) / sizeof(tcache_kinds[0]))

struct tcache_search {
	struct glibc_malloc *m;
	const struct mem *mem;
	struct ccore_error *err;
	const struct tcache_kind *kind;
	uint64_t capacity; // of every list; UINT64_MAX: not known yet
};

static uint64_t load_number(const uint8_t *p, uint32_t i, uint32_t bytes)
{
	return bytes == 1 ? p[i] : (uint64_t)p[2 * i] | (uint64_t)p[2 * i + 1] << 8;
}

// Whether a list of `length` chunks is what `number` says.
static bool number_fits(struct tcache_search *s, uint64_t number, uint64_t length)
{
	if (!s->kind->counts_room)
		return number == length;
	if (s->capacity == UINT64_MAX)
		s->capacity = number + length;
	return number + length == s->capacity;
}

// Remember list `i` of the tcache at `p`, or only check it: false when it cannot be one.
static bool tcache_list(struct tcache_search *s, const uint8_t *p, uint32_t i, bool keep,
			int *ret_status)
{
	const uint32_t bytes = s->kind->number_bytes;
	const uint64_t number = load_number(p, i, bytes);
	const addr_t first = load_u64(p + (uint64_t)s->kind->lists * bytes + 8ull * i);
	bool is_protected = true;
	uint64_t n = list_length(s->m, s->mem, first, 0, CACHED_MAX, true);

	if (n == UINT64_MAX || !number_fits(s, number, n)) {
		is_protected = false;
		n = list_length(s->m, s->mem, first, 0, CACHED_MAX, false);
		if (n == UINT64_MAX || !number_fits(s, number, n))
			return false;
	}
	if (keep)
		*ret_status = remember(s->m, s->mem, first, 0, n, is_protected, s->err);
	return true;
}

static int take_tcache(void *ctx, const struct malloc_chunk *c)
{
	struct tcache_search *s = ctx;
	uint8_t p[TCACHE_LISTS_MAX * 10];
	int status = 0;

	for (uint32_t k = 0; k < TCACHE_KINDS; k++) {
		bool ok = true;

		s->kind = &tcache_kinds[k];
		s->capacity = UINT64_MAX;
		if (c->state != CHUNK_USED || c->size + 8 != s->kind->chunk_size ||
		    mem_read(s->mem, c->addr, p,
			     (uint64_t)s->kind->lists * (s->kind->number_bytes + 8)) < 0)
			continue;
		for (uint32_t i = 0; ok && i < s->kind->lists; i++)
			ok = tcache_list(s, p, i, false, &status);
		for (uint32_t i = 0; ok && status == 0 && i < s->kind->lists; i++)
			ok = tcache_list(s, p, i, true, &status);
	}
	return status;
}

int cached_by_threads(struct glibc_malloc *m, const struct mem *mem, uint64_t i,
		      struct ccore_error *err)
{
	struct tcache_search s = {.m = m, .mem = mem, .err = err};
	struct damage ignored = {0}; // the walk for objects counts it

	return glibc_malloc_walk(m, mem, i, take_tcache, &s, &ignored);
}
