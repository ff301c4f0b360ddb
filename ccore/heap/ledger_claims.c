// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/ledger_claims.h"

#include "sym/mappings.h"

#include <stdlib.h>

#define RED_ZONE 128u		     // bytes below a stack's pointer that are in use
#define MI_ARENA_BLOCK (32ull << 20) // MI_ARENA_BLOCK_SIZE
#define MI_ARENAS 112u		     // MI_MAX_ARENAS
#define PTHREAD_ALIGN 64u
#define PTHREAD_BYTES 4096u	 // of struct pthread, that are searched
#define TLS_BYTES_MAX (1u << 20) // of a mapping that is taken to be thread-local storage

struct search {
	struct claims *c;
	struct heap *h;
	const struct target *t;
	struct ccore_error *err;
};

static int add(struct search *s, struct claim_vec *to, addr_t start, addr_t end,
	       enum claim_kind kind, uint64_t index)
{
	const struct claim one = {start, end, kind, index};

	if (start >= end)
		return 0;
	return vec_push(to, one) ? 0 : err_nomem(s->err);
}

static int add_part(struct search *s, addr_t start, addr_t end, enum claim_kind kind)
{
	return add(s, &s->c->parts, start, end, kind, 0);
}

// -- allocators

static int by_start(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static void sort(struct claim_vec *v)
{
	if (v->n)
		qsort(v->data, v->n, sizeof(*v->data), by_start);
}

static bool is_mapped(const struct target *t, addr_t start, addr_t end)
{
	const struct mapping *m = mappings_find(&t->mappings, start);
	const struct mapping *last = t->mappings.data + t->mappings.n;

	for (; m && m < last && m->start <= start; m++) {
		if (m->end >= end)
			return true;
		start = m->end;
	}
	return false;
}

static int add_allocators(struct search *s, const struct pymalloc *py,
			  const struct mimalloc_use *mi, const struct glibc_malloc *m)
{
	struct claim_vec *to = &s->c->whole;

	for (uint64_t i = 0; i < py->arenas.n; i++)
		TRY(add(s, to, py->arenas.data[i].start, py->arenas.data[i].stop, CLAIM_PYMALLOC,
			i));
	for (uint64_t i = 0; i < mi->segments.n; i++)
		TRY(add(s, to, mi->segments.data[i].addr,
			mi->segments.data[i].addr + mi->segments.data[i].bytes, CLAIM_MIMALLOC, i));
	for (uint64_t i = 0; i < m->ranges.n; i++)
		TRY(add(s, to, m->ranges.data[i].base, m->ranges.data[i].end, CLAIM_MALLOC, i));
	return 0;
}

// Keep of all.data[] those that a claim names, and let the claims name them by their new places.
#define KEEP_CLAIMED(all, claims, claim_kind)                       \
	do {                                                        \
		uint64_t kept = 0;                                  \
		for (uint64_t i_ = 0; i_ < (claims)->n; i_++) {     \
			struct claim *c_ = &(claims)->data[i_];     \
			if (c_->kind != (claim_kind))               \
				continue;                           \
			(all)->data[kept] = (all)->data[c_->index]; \
			c_->index = kept++;                         \
		}                                                   \
		(all)->n = kept;                                    \
	} while (0)

// All three are sorted by address, like the claims.
static void drop_unclaimed(struct search *s, struct pymalloc *py, struct mimalloc_use *mi,
			   struct glibc_malloc *m)
{
	struct claim_vec *v = &s->c->whole;
	uint64_t n = 0;

	sort(v);
	for (uint64_t i = 0; i < v->n; i++) {
		const struct claim c = v->data[i];

		if ((n && c.start < v->data[n - 1].end) || !is_mapped(s->t, c.start, c.end))
			damage_note(&heap_reader(s->h)->damage, DAMAGE_BAD_POOL, c.start);
		else
			v->data[n++] = c;
	}
	v->n = n;
	KEEP_CLAIMED(&py->arenas, v, CLAIM_PYMALLOC);
	KEEP_CLAIMED(&mi->segments, v, CLAIM_MIMALLOC);
	KEEP_CLAIMED(&m->ranges, v, CLAIM_MALLOC);
}

static int add_reserved(struct search *s, const struct glibc_malloc *m)
{
	const struct layout *l = &s->h->layout;
	const struct mem *mem = &s->t->mem;
	uint64_t n;

	for (uint64_t i = 0; i < m->ranges.n; i++) {
		const struct malloc_range *r = &m->ranges.data[i];

		if (!r->mmapped && r->arena)
			TRY(add_part(s, r->end,
				     u64_align_down(r->base, MALLOC_HEAP_ALIGN) + MALLOC_HEAP_ALIGN,
				     CLAIM_MALLOC_RESERVED));
	}
	if (!l->symbols[SYM_MI_ARENAS] || !l->symbols[SYM_MI_ARENA_N] ||
	    !layout_has(l, F_MI_ARENA_START) || !layout_has(l, F_MI_ARENA_BLOCK_N) ||
	    mem_read_u64(mem, l->symbols[SYM_MI_ARENA_N], &n) < 0)
		return 0;
	for (uint64_t i = 0; i < n && i < MI_ARENAS; i++) {
		addr_t arena, start, end;
		uint64_t bytes;

		if (mem_read_u64(mem, l->symbols[SYM_MI_ARENAS] + 8 * i, &arena) == 0 &&
		    mem_read_u64(mem, arena + layout_off(l, F_MI_ARENA_START), &start) == 0 &&
		    mem_read_u64(mem, arena + layout_off(l, F_MI_ARENA_BLOCK_N), &bytes) == 0 &&
		    u64_mul(bytes, MI_ARENA_BLOCK, &bytes) && u64_add(start, bytes, &end))
			TRY(add_part(s, start, end, CLAIM_MIMALLOC_RESERVED));
	}
	return 0;
}

// -- Python's stacks of frames

static int add_data_stack(struct search *s, addr_t tstate)
{
	const struct layout *l = &s->h->layout;
	struct py_reader *r = heap_reader(s->h);
	const uint64_t head = layout_off(l, F_STACK_CHUNK_DATA);
	addr_t at = py_read_ptr(r, tstate + layout_off(l, F_TS_DATA_STACK), tstate);
	addr_t top = py_read_ptr(r, tstate + layout_off(l, F_TS_DATA_STACK_TOP), tstate);
	uint64_t left = LIM_STACK_CHUNKS;

	for (; at && left; left--) {
		uint8_t scratch[64];
		const uint8_t *p = py_get(r, at, head, scratch);
		uint64_t size = p ? field_u64(l, F_STACK_CHUNK_SIZE, p) : 0;

		if (!p || size < head || size > LIM_STACK_BYTES || size % 8) {
			damage_note(&r->damage, DAMAGE_BAD_THREAD, tstate);
			return 0;
		}
		// Of chunks before the last, it is an index.
		if (top < at || top > at + size)
			top = at + head + u64_min(field_u64(l, F_STACK_CHUNK_TOP, p), size / 8) * 8;
		if (top > at + size)
			top = at + size;
		TRY(add_part(s, at, top, CLAIM_DATA_STACK_USED));
		TRY(add_part(s, top, at + size, CLAIM_DATA_STACK_FREE));
		at = field_u64(l, F_STACK_CHUNK_PREVIOUS, p);
		top = 0;
	}
	if (at)
		damage_note(&r->damage, DAMAGE_LIMIT, tstate);
	return 0;
}

static int add_data_stacks(struct search *s)
{
	const struct layout *l = &s->h->layout;

	if (!layout_has(l, F_TS_DATA_STACK) || !layout_has(l, F_TS_DATA_STACK_TOP) ||
	    !layout_has(l, F_STACK_CHUNK_DATA) || layout_off(l, F_STACK_CHUNK_DATA) > 64)
		return 0;
	for (uint64_t i = 0; i < s->h->runtime.threads.n; i++)
		TRY(add_data_stack(s, s->h->runtime.threads.data[i].addr));
	return 0;
}

// -- stacks

// glibc's struct pthread, at the thread pointer, has the start and the size of the block that the
// stack and itself are in.
static bool find_block(const struct search *s, addr_t self, addr_t inside, addr_t *ret_start,
		       addr_t *ret_end)
{
	uint64_t words[PTHREAD_BYTES / 8];
	const uint64_t n = mem_readable(&s->t->mem, self, sizeof(words)) / 8;

	if (mem_read(&s->t->mem, self, words, n * 8) < 0)
		return false;
	for (uint64_t i = 0; i + 1 < n; i++) {
		const uint64_t start = words[i], size = words[i + 1];

		if (start && start % PAGE_BYTES == 0 && size && size % PAGE_BYTES == 0 &&
		    start <= inside && inside < self && size <= LIM_OBJECT_BYTES &&
		    self - start < size) {
			*ret_start = start;
			*ret_end = start + size;
			return true;
		}
	}
	return false;
}

static int add_stack(struct search *s, const struct os_thread *th, const struct mapping *main)
{
	const struct mapping *m = mappings_find(&s->t->mappings, th->sp);
	const addr_t used = th->sp > RED_ZONE ? th->sp - RED_ZONE : 0;
	addr_t start, end;

	if (!m)
		return 0;
	if (m == main) {
		TRY(add_part(s, m->start, used, CLAIM_MAIN_STACK_FREE));
		return add_part(s, used > m->start ? used : m->start, m->end,
				CLAIM_MAIN_STACK_USED);
	}
	if (!find_block(s, th->fs_base, th->sp, &start, &end)) {
		start = m->start;
		end = m->end;
	}
	TRY(add_part(s, start, used, CLAIM_STACK_FREE));
	return add_part(s, used > start ? used : start, end, CLAIM_STACK_USED);
}

// The main thread's storage has a mapping of its own, with what the loader had to allocate early.
static int add_tls(struct search *s, const struct os_thread *th)
{
	const struct mapping *m = mappings_find(&s->t->mappings, th->fs_base);

	if (!m || *m->name || m->end - m->start > TLS_BYTES_MAX)
		return 0;
	return add_part(s, m->start, m->end, CLAIM_TLS);
}

static int add_stacks(struct search *s)
{
	const struct mapping *main = mappings_find(&s->t->mappings, s->t->execfn);
	bool found = false;

	for (uint64_t i = 0; !main && i < s->t->mappings.n; i++)
		if (strcmp(s->t->mappings.data[i].name, "[stack]") == 0)
			main = &s->t->mappings.data[i];
	for (uint64_t i = 0; i < s->t->threads.n; i++) {
		const struct os_thread *th = &s->t->threads.data[i];

		if (!th->has_regs)
			continue;
		TRY(add_stack(s, th, main));
		found |= main && th->sp >= main->start && th->sp < main->end;
		if (th->tid == s->t->pid)
			TRY(add_tls(s, th));
	}
	// Where the registers are not known, all of it.
	return main && !found ? add_part(s, main->start, main->end, CLAIM_MAIN_STACK_USED) : 0;
}

static bool is_guard(const struct mapping *m)
{
	const unsigned any = MAPPING_R | MAPPING_W | MAPPING_X;

	return (m->flags & MAPPING_PERMS_KNOWN) && !(m->flags & any) && !*m->name;
}

static bool is_alive(const struct target *t, addr_t self)
{
	for (uint64_t i = 0; i < t->threads.n; i++)
		if (t->threads.data[i].fs_base == self)
			return true;
	return false;
}

struct old_stack {
	addr_t self, start, end;
};

// A struct pthread in [at, end), which points to itself and to the block that it ends; that
// begins at `low` or after.
static bool find_pthread(const struct search *s, addr_t at, addr_t end, addr_t low,
			 struct old_stack *ret)
{
	struct py_reader *r = heap_reader(s->h);
	uint8_t scratch[PAGE_BYTES];

	while ((at = mem_next_readable(r->py->mem, at)) < end) {
		const uint64_t n = mem_readable(r->py->mem, at, u64_min(PAGE_BYTES, end - at));
		const uint8_t *p = py_get(r, at, n, scratch);

		for (uint64_t off = 0; p && off + 24 <= n; off += PTHREAD_ALIGN) {
			ret->self = at + off;
			if (load_u64(p + off) == ret->self && load_u64(p + off + 16) == ret->self &&
			    find_block(s, ret->self, ret->self - 1, &ret->start, &ret->end) &&
			    ret->start >= low)
				return true;
		}
		at = u64_align_down(at, PAGE_BYTES) + PAGE_BYTES;
	}
	return false;
}

static int add_old_stacks_between(struct search *s, addr_t start, addr_t end, addr_t low)
{
	struct old_stack found;

	end = u64_min(end, start + LIM_STACK_BYTES);
	while (start < end && find_pthread(s, start, end, low, &found)) {
		if (!is_alive(s->t, found.self))
			TRY(add_part(s, found.start, found.end, CLAIM_OLD_STACK));
		start = found.end;
	}
	return 0;
}

// libc keeps the stacks of some threads that have ended. A guard below it may be a mapping of its
// own; since glibc 2.42 it is none.
static int add_old_stacks(struct search *s)
{
	const struct claim_vec *v = &s->c->whole;
	const struct mapping_vec *maps = &s->t->mappings;
	uint64_t k = 0;

	for (uint64_t i = 0; i < maps->n; i++) {
		const struct mapping *m = &maps->data[i];
		const struct mapping *below = i && m[-1].end == m->start ? m - 1 : NULL;
		addr_t at = m->start;
		const addr_t low = below && is_guard(below) ? below->start : at;

		if (!(m->flags & MAPPING_W) || *m->name)
			continue;
		while (k < v->n && v->data[k].end <= at)
			k++;
		for (uint64_t c = k; at < m->end && c < v->n && v->data[c].start < m->end; c++) {
			if (at < v->data[c].start)
				TRY(add_old_stacks_between(s, at, v->data[c].start, low));
			at = v->data[c].end;
		}
		if (at < m->end)
			TRY(add_old_stacks_between(s, at, m->end, low));
	}
	return 0;
}

// Each ends where the next one begins, unless that lies in it: then the first one has it all.
static void cut_parts(struct claim_vec *v)
{
	uint64_t n = 0;

	sort(v);
	for (uint64_t i = 0; i < v->n; i++) {
		struct claim c = v->data[i];

		if (n && c.start < v->data[n - 1].end)
			c.start = v->data[n - 1].end;
		if (c.start < c.end)
			v->data[n++] = c;
	}
	v->n = n;
}

int claims_find(struct claims *ret, struct heap *h, struct pymalloc *py, struct mimalloc_use *mi,
		struct glibc_malloc *m, struct ccore_error *err)
{
	struct search s = {.c = ret, .h = h, .t = h->target, .err = err};
	int r;

	*ret = (struct claims){0};
	r = add_allocators(&s, py, mi, m);
	if (r == 0)
		drop_unclaimed(&s, py, mi, m);
	if (r == 0)
		r = add_data_stacks(&s);
	if (r == 0)
		r = add_stacks(&s);
	if (r == 0)
		r = add_old_stacks(&s);
	if (r == 0)
		r = add_reserved(&s, m);
	if (r < 0)
		claims_done(ret);
	else
		cut_parts(&ret->parts);
	return r;
}

void claims_done(struct claims *c)
{
	vec_done(&c->whole);
	vec_done(&c->parts);
}
