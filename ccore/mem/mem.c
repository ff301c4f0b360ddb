// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/mem.h"

#include "util/checked.h"

#define UNSAVED_TEXT "mapped, but not saved in the core"

int mem_add(struct mem *m, addr_t addr, uint64_t size, const uint8_t *base,
	    struct mem_source *source, uint64_t source_off, struct ccore_error *err)
{
	struct mem_segment s = {
		.min = addr, .base = base, .source = source, .source_off = source_off};

	if (!size)
		return 0;
	if (!u64_add(addr, size - 1, &s.max))
		return err_set(err, CCORE_EFORMAT, addr,
			       "memory at 0x%llx runs past the end of the address space",
			       (unsigned long long)addr);
	if (!vec_push(&m->segments, s))
		return err_nomem(err);
	return 0;
}

int mem_own_source(struct mem *m, const struct mem_source_ops *ops, void *ctx,
		   struct mem_source **ret, struct ccore_error *err)
{
	struct mem_source *s = malloc(sizeof(*s));

	if (!s) {
		ops->close(ctx);
		return err_nomem(err);
	}
	s->ops = ops;
	s->ctx = ctx;
	s->next = m->sources;
	m->sources = s;
	*ret = s;
	return 0;
}

static bool has_bytes(const struct mem_segment *s)
{
	return s->base || s->source;
}

bool mem_is_direct(const struct mem *m)
{
	for (uint64_t i = 0; i < m->segments.n; i++)
		if (!m->segments.data[i].base && m->segments.data[i].source)
			return false;
	return true;
}

const struct mem_segment *mem_from(const struct mem *m, addr_t addr)
{
	uint64_t lo = 0, hi = m->segments.n;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;

		if (m->segments.data[mid].max < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->segments.n ? &m->segments.data[lo] : NULL;
}

const struct mem_segment *mem_find(const struct mem *m, addr_t addr)
{
	const struct mem_segment *s = mem_from(m, addr);

	return s && s->min <= addr ? s : NULL;
}

// Bytes of `s` from `addr` on, at most `want`; `s` contains `addr`.
static uint64_t bytes_left(const struct mem_segment *s, addr_t addr, uint64_t want)
{
	const uint64_t after = s->max - addr; // without the byte at `addr`, so it cannot overflow

	return want && want - 1 > after ? after + 1 : want;
}

static int read_segment(const struct mem_segment *s, addr_t addr, uint8_t *buf, uint64_t n)
{
	const uint64_t off = addr - s->min;

	if (s->base) {
		memcpy(buf, s->base + off, n);
		return 0;
	}
	if (!s->source ||
	    s->source->ops->read(s->source->ctx, s->source_off + off, buf, n) != (int64_t)n)
		return CCORE_EFAULT;
	return 0;
}

// As mem_read(), and says at which address it failed.
static int read_until(const struct mem *m, addr_t *addr, uint8_t *buf, uint64_t n)
{
	while (n) {
		const struct mem_segment *s = mem_find(m, *addr);
		uint64_t take;

		if (!s)
			return CCORE_EFAULT;
		take = bytes_left(s, *addr, n);
		TRY(read_segment(s, *addr, buf, take));
		buf += take;
		n -= take;
		if (n && !u64_add(*addr, take, addr))
			return CCORE_EFAULT;
	}
	return 0;
}

addr_t mem_next_readable(const struct mem *m, addr_t addr)
{
	const struct mem_segment *s = mem_from(m, addr);

	if (!s || s->next_idx >= m->segments.n)
		return UINT64_MAX;
	s = &m->segments.data[s->next_idx];
	return s->min > addr ? s->min : addr;
}

int mem_read(const struct mem *m, addr_t addr, void *buf, uint64_t n)
{
	return read_until(m, &addr, buf, n);
}

int mem_read_err(const struct mem *m, addr_t addr, void *buf, uint64_t n, const char *what,
		 struct ccore_error *err)
{
	const struct mem_segment *s;
	const char *why;

	if (read_until(m, &addr, buf, n) == 0)
		return 0;
	s = mem_find(m, addr);
	if (!s)
		why = "not mapped";
	else if (has_bytes(s))
		why = "reading it failed";
	else
		why = m->unsaved_text ? m->unsaved_text : UNSAVED_TEXT;
	return err_set(err, CCORE_EFAULT, addr, "cannot read %s at 0x%llx: %s", what,
		       (unsigned long long)addr, why);
}

int mem_read_u64(const struct mem *m, addr_t addr, uint64_t *ret)
{
	uint64_t x;

	TRY(mem_read(m, addr, &x, sizeof(x)));
	*ret = x;
	return 0;
}

int mem_read_u32(const struct mem *m, addr_t addr, uint32_t *ret)
{
	uint32_t x;

	TRY(mem_read(m, addr, &x, sizeof(x)));
	*ret = x;
	return 0;
}

int mem_read_cstr(const struct mem *m, addr_t addr, char *buf, uint64_t cap)
{
	uint64_t at = 0;

	while (at + 1 < cap) {
		// Pieces that do not cross a 64-byte line: what follows the NUL may be unreadable.
		uint64_t take = u64_min(64 - ((addr + at) & 63), cap - 1 - at);

		take = mem_readable(m, addr + at, take);
		if (!take || mem_read(m, addr + at, buf + at, take) < 0)
			return CCORE_EFAULT;
		if (memchr(buf + at, 0, take))
			return 0;
		at += take;
	}
	return CCORE_EFAULT;
}

uint64_t mem_readable(const struct mem *m, addr_t addr, uint64_t want)
{
	uint64_t n = 0;

	while (n < want) {
		const struct mem_segment *s = mem_find(m, addr);
		uint64_t take;

		if (!s || !has_bytes(s))
			break;
		take = bytes_left(s, addr, want - n);
		n += take;
		if (!u64_add(addr, take, &addr))
			break;
	}
	return n;
}

const uint8_t *mem_lens_miss(struct mem_lens *l, addr_t addr, uint64_t n)
{
	const struct mem_segment *s = mem_find(l->mem, addr);
	const uint64_t i = (addr >> 20) % MEM_LENS_SLOTS;

	if (!s || !s->base || bytes_left(s, addr, n) != n)
		return NULL;
	l->slots[i].min = s->min;
	l->slots[i].base = s->base;
	l->slots[i].size = s->max - s->min == UINT64_MAX ? UINT64_MAX : s->max - s->min + 1;
	return s->base + (addr - s->min);
}

void mem_done(struct mem *m)
{
	while (m->sources) {
		struct mem_source *s = m->sources;

		m->sources = s->next;
		s->ops->close(s->ctx);
		free(s);
	}
	vec_done(&m->segments);
	m->allocated_bytes = 0;
}
