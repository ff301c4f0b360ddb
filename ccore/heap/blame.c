// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/blame.h"

#include "heap/mimalloc_use.h"
#include "heap/pymalloc_use.h"
#include "heap/sweep.h"
#include "util/parallel.h"

#include <stdlib.h>

#define NO_OWNER UINT64_MAX

// A block in use, in an almost empty arena.
struct found {
	addr_t block;
	uint64_t size;
	uint64_t arena;		    // its address
	const struct py_type *type; // NULL: a buffer, as far as is known
	addr_t object;		    // or whose buffer it is; 0: nobody's
};

struct search {
	struct heap *h;
	struct blame *ret;
	struct ccore_error *err;
	uint64_t percent;
	struct block_rules rules;
	struct pymalloc py;
	struct glibc_malloc m;
	struct mimalloc_use mi;
	struct pymalloc_use py_use;
	struct {
		VEC(struct found) all;
	} found[PARALLEL_MAX];	 // [0] has all, in the end
	struct addrset buffers;	 // blocks of found[0] that are no objects
	uint64_t *buffer;	 // which of found[0] buffer `id` is
	_Atomic uint64_t *owner; // the lowest object that points to buffer `id`
	// What is done with each block in use.
	int (*take)(struct search *s, uint32_t thread, uint64_t arena, struct block *b);
};

// -- every block in use

static int take_pool(void *ctx, uint32_t thread, uint64_t arena, const struct pymalloc_pool *p)
{
	struct search *s = ctx;

	for (uint32_t i = 0; i < p->n; i++) {
		struct block b = {
			.addr = p->first + (uint64_t)i * p->size,
			.p = p->view + (uint64_t)i * p->size,
			.size = p->size,
		};

		if (!pymalloc_is_free(p, i))
			TRY(s->take(s, thread, s->py.arenas.data[arena].start, &b));
	}
	return 0;
}

static int take_mimalloc(void *ctx, const struct mimalloc_block *block)
{
	struct search *s = ctx;
	struct py_reader *r = heap_reader(s->h);
	uint8_t scratch[BLOCK_VIEW];
	// Sizes of blocks are an eighth apart.
	struct block b = {
		.addr = block->addr,
		.p = py_get(r, block->addr, u64_min(block->size, BLOCK_VIEW), scratch),
		.size = block->size,
		.slack = block->size / 4,
	};
	uint64_t low = 0, high = s->mi.segments.n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (s->mi.segments.data[middle].addr <= block->addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || !b.p)
		return 0;
	return s->take(s, 0, s->mi.segments.data[low - 1].addr, &b);
}

static int take_chunk(void *ctx, const struct malloc_chunk *c)
{
	struct search *s = ctx;
	uint8_t scratch[BLOCK_VIEW];
	struct block b;

	if ((c->state != CHUNK_USED && c->state != CHUNK_MMAPPED) ||
	    !sweep_chunk_block(heap_reader(s->h), c, scratch, &b))
		return 0;
	return s->take(s, 0, NO_OWNER, &b);
}

// What contradicts itself was counted when uses were.
static int each_block(struct search *s, bool chunks,
		      int (*take)(struct search *s, uint32_t thread, uint64_t arena,
				  struct block *b))
{
	const struct pool_visitor v = {.take = take_pool, .ctx = s};
	struct pymalloc_use py_use;
	struct mimalloc_use mi;
	struct damage *damage = calloc(s->h->thread_n, sizeof(*damage));
	int r;

	if (!damage)
		return err_nomem(s->err);
	for (uint32_t t = 0; t < s->h->thread_n; t++)
		damage[t] = s->h->readers[t].damage;
	s->take = take;
	r = pymalloc_use_find(&py_use, s->h, &s->py, &v, s->err);
	if (r == 0) {
		pymalloc_use_done(&py_use);
		r = mimalloc_use_find(&mi, s->h, take_mimalloc, s, s->err);
	}
	if (r == 0)
		mimalloc_use_done(&mi);
	for (uint64_t i = 0; r == 0 && chunks && i < s->m.ranges.n; i++)
		r = glibc_malloc_walk(&s->m, s->h->py.mem, i, take_chunk, s, &damage[0]);
	for (uint32_t t = 0; t < s->h->thread_n; t++)
		s->h->readers[t].damage = damage[t];
	free(damage);
	return r;
}

// -- what is in almost empty arenas

static bool is_thin(const struct search *s, uint64_t used, uint64_t all)
{
	return used * 100 < all * s->percent; // far from wrapping
}

// Bytes in use of the arena or segment at `at`, and all of them.
static bool use_of(const struct search *s, addr_t at, uint64_t *ret_used, uint64_t *ret_all)
{
	const struct pymalloc_arena *a = pymalloc_arena_of(&s->py, at);

	if (a) {
		*ret_used = s->py_use.arenas[a - s->py.arenas.data].used_bytes;
		*ret_all = pymalloc_arena_bytes(a);
		return true;
	}
	for (uint64_t i = 0; i < s->mi.segments.n; i++)
		if (s->mi.segments.data[i].addr == at) {
			*ret_used = s->mi.segments.data[i].used_bytes;
			*ret_all = s->mi.segments.data[i].bytes;
			return true;
		}
	return false;
}

static int keep_thin(struct search *s, uint32_t thread, uint64_t arena, struct block *b)
{
	const struct block whole = *b;
	struct found f = {.block = b->addr, .size = b->size, .arena = arena};
	uint64_t used, all;

	if (!use_of(s, s->mi.segments.n ? arena : b->addr, &used, &all) || !is_thin(s, used, all))
		return 0;
	if (block_classify(&s->h->readers[thread], &s->rules, b, &f.object, &f.type) == BLOCK_OTHER)
		f.type = NULL, f.object = 0;
	f.block = f.type ? whole.addr : b->addr; // behind the head of the debug allocator
	if (s->found[thread].all.n * sizeof(f) * s->h->thread_n > s->h->opts.max_bytes)
		return CCORE_ENOMEM;
	return vec_push(&s->found[thread].all, f) ? 0 : CCORE_ENOMEM;
}

static void count_thin(struct search *s)
{
	struct blame *b = s->ret;

	b->all_arena_n = s->py.arenas.n + s->mi.segments.n;
	for (uint64_t i = 0; i < b->all_arena_n; i++) {
		const uint64_t k = i - s->py.arenas.n; // used where `i` is beyond them
		const uint64_t used = i < s->py.arenas.n ? s->py_use.arenas[i].used_bytes
							 : s->mi.segments.data[k].used_bytes;
		const uint64_t all = i < s->py.arenas.n
					     ? pymalloc_arena_bytes(&s->py.arenas.data[i])
					     : s->mi.segments.data[k].bytes;

		if (!is_thin(s, used, all))
			continue;
		b->arena_n++;
		b->arena_bytes += all;
		b->used_bytes += used;
	}
}

static int by_block(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->block < y->block ? -1 : x->block > y->block;
}

static int gather(struct search *s)
{
	for (uint32_t t = 1; t < s->h->thread_n; t++)
		for (uint64_t i = 0; i < s->found[t].all.n; i++)
			if (!vec_push(&s->found[0].all, s->found[t].all.data[i]))
				return err_nomem(s->err);
	if (s->found[0].all.n)
		qsort(s->found[0].all.data, s->found[0].all.n, sizeof(*s->found[0].all.data),
		      by_block);
	return 0;
}

// -- whose buffers they are

static int list_buffers(struct search *s)
{
	uint64_t n = 0;

	TRY(addrset_init(&s->buffers, s->h->opts.max_bytes, s->err));
	for (uint64_t i = 0; i < s->found[0].all.n; i++)
		if (!s->found[0].all.data[i].type &&
		    addrset_add(&s->buffers, s->found[0].all.data[i].block) < 0)
			return heap_out_of_memory(s->h, s->err);
	addrset_number(&s->buffers);
	s->buffer = calloc(s->buffers.n + 1, sizeof(*s->buffer));
	s->owner = calloc(s->buffers.n + 1, sizeof(*s->owner));
	if (!s->buffer || !s->owner)
		return err_nomem(s->err);
	// Both are in the order of addresses.
	for (uint64_t i = 0; i < s->found[0].all.n && n < s->buffers.n; i++)
		if (!s->found[0].all.data[i].type)
			s->buffer[n++] = i;
	for (uint64_t id = 0; id < s->buffers.n; id++)
		s->owner[id] = NO_OWNER;
	return 0;
}

static int look_for_buffers(struct search *s, uint32_t thread, uint64_t arena, struct block *b)
{
	struct py_reader *r = &s->h->readers[thread];
	const uint8_t *p = b->p;
	const uint64_t n = u64_min(b->size, BLOCK_VIEW);
	const struct py_type *type;
	addr_t object;

	(void)arena; // wherever it is
	if (block_classify(r, &s->rules, b, &object, &type) != BLOCK_OBJECT)
		return 0;
	for (uint64_t off = 0; off + 8 <= n; off += 8) {
		uint32_t id;
		uint64_t before;

		if (!addrset_id(&s->buffers, load_u64(p + off), &id))
			continue;
		before = atomic_load(&s->owner[id]);
		while (object < before &&
		       !atomic_compare_exchange_weak(&s->owner[id], &before, object))
			;
	}
	return 0;
}

static int find_owners(struct search *s)
{
	TRY(list_buffers(s));
	if (!s->buffers.n)
		return 0;
	TRY(each_block(s, true, look_for_buffers));
	for (uint64_t id = 0; id < s->buffers.n; id++)
		if (s->owner[id] != NO_OWNER)
			s->found[0].all.data[s->buffer[id]].object = s->owner[id];
	return 0;
}

// -- rows

static const char *type_name(struct search *s, const struct found *f)
{
	const struct py_type *t = f->type;

	if (!t && f->object)
		t = py_type_of(heap_reader(s->h), f->object);
	return t ? t->name : NULL;
}

static int by_type(const void *a, const void *b)
{
	const struct blame_row *x = a, *y = b;
	const int names = !x->type || !y->type ? (x->type != NULL) - (y->type != NULL)
					       : strcmp(x->type, y->type);

	if (names)
		return names;
	if (x->is_buffer != y->is_buffer)
		return x->is_buffer ? 1 : -1;
	return x->arena_n < y->arena_n ? -1 : x->arena_n > y->arena_n; // as yet an address
}

static int most_arenas_first(const void *a, const void *b)
{
	const struct blame_row *x = a, *y = b;

	if (x->arena_n != y->arena_n)
		return x->arena_n < y->arena_n ? 1 : -1;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return by_type(a, b);
}

static bool same_row(const struct blame_row *a, const struct blame_row *b)
{
	return a->is_buffer == b->is_buffer &&
	       (a->type && b->type ? strcmp(a->type, b->type) == 0 : a->type == b->type);
}

static int make_rows(struct search *s)
{
	struct blame *b = s->ret;
	addr_t arena = 0;
	uint64_t n = 0;

	for (uint64_t i = 0; i < s->found[0].all.n; i++) {
		const struct found *f = &s->found[0].all.data[i];
		const struct blame_row row = {
			.type = type_name(s, f),
			.is_buffer = !f->type,
			.count = 1,
			.size = f->size,
			.arena_n = f->arena,
			.example = f->object,
		};

		if (!vec_push(&b->rows, row))
			return err_nomem(s->err);
	}
	if (b->rows.n)
		qsort(b->rows.data, b->rows.n, sizeof(*b->rows.data), by_type);
	for (uint64_t i = 0; i < b->rows.n; i++) {
		struct blame_row row = b->rows.data[i];
		struct blame_row *last = n ? &b->rows.data[n - 1] : NULL;

		if (last && same_row(last, &row)) {
			last->count++;
			last->size += row.size;
			last->arena_n += row.arena_n != arena;
			if (row.example < last->example)
				last->example = row.example;
			arena = row.arena_n;
			continue;
		}
		arena = row.arena_n;
		row.arena_n = 1;
		b->rows.data[n++] = row;
	}
	b->rows.n = n;
	if (n)
		qsort(b->rows.data, n, sizeof(*b->rows.data), most_arenas_first);
	return 0;
}

static int find(struct search *s)
{
	struct heap *h = s->h;

	TRY(pymalloc_find(&s->py, &h->runtime, heap_reader(h), s->err));
	TRY(heap_find_malloc(h, &s->py, &s->m, s->err));
	TRY(pymalloc_use_find(&s->py_use, h, &s->py, NULL, s->err));
	TRY(mimalloc_use_find(&s->mi, h, NULL, NULL, s->err));
	count_thin(s);
	if (!s->ret->arena_n)
		return 0;
	TRY(each_block(s, false, keep_thin));
	TRY(gather(s));
	TRY(find_owners(s));
	return make_rows(s);
}

int blame_find(struct blame *ret, struct heap *h, uint64_t percent, struct ccore_error *err)
{
	struct search s = {.h = h, .ret = ret, .err = err, .percent = percent};
	int r;

	*ret = (struct blame){0};
	if (!percent || percent > 100)
		return err_set(err, CCORE_EUSAGE, 0, "--below %llu: must be from 1 to 100",
			       (unsigned long long)percent);
	block_rules_init(&s.rules, &h->py);
	r = find(&s);
	if (r < 0)
		blame_done(ret);
	for (uint32_t t = 0; t < PARALLEL_MAX; t++)
		vec_done(&s.found[t].all);
	if (s.buffers.outer)
		addrset_done(&s.buffers);
	free(s.buffer);
	free(s.owner);
	mimalloc_use_done(&s.mi);
	glibc_malloc_done(&s.m);
	pymalloc_use_done(&s.py_use);
	pymalloc_done(&s.py);
	return r;
}

void blame_done(struct blame *b)
{
	vec_done(&b->rows);
}
