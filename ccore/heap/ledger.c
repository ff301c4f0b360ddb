// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/ledger.h"

#include "heap/chunk_owners.h"
#include "heap/ledger_claims.h"
#include "sym/mappings.h"

#include <stdlib.h>

struct maker {
	struct ledger *ret;
	struct heap *h;
	struct ccore_error *err;
	struct pymalloc py;
	struct pymalloc_use py_use;
	struct mimalloc_use mi;
	struct glibc_malloc m;
	struct claims claims;
	struct chunk_owners owners;
};

// -- lines

// What lies below one mapping or allocator is one line each; equal ones are put together later.
static int add_text(struct maker *k, const char *path, uint64_t size, uint64_t count)
{
	const struct ledger_line line = {.path = path, .size = size, .count = count};

	if (!size)
		return 0;
	return path && vec_push(&k->ret->lines, line) ? 0 : err_nomem(k->err);
}

static int add(struct maker *k, const char *group, const char *part, uint64_t size, uint64_t count)
{
	return add_text(
		k, arena_printf(&k->ret->text, "%s%s%s", group, part ? "\n" : "", part ? part : ""),
		size, count);
}

// A name of the target's is one part, whatever is in it.
static int add_named(struct maker *k, const char *group, const char *name, uint64_t size)
{
	char *path = arena_printf(&k->ret->text, "%s\n%s", group, name);

	for (char *p = path ? path + strlen(group) + 1 : NULL; p && *p; p++)
		if (*p == '\n')
			*p = '?';
	return add_text(k, path, size, 1);
}

static int by_path(const void *a, const void *b)
{
	const struct ledger_line *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void join_lines(struct ledger *l)
{
	uint64_t n = 0;

	if (l->lines.n)
		qsort(l->lines.data, l->lines.n, sizeof(*l->lines.data), by_path);
	for (uint64_t i = 0; i < l->lines.n; i++) {
		const struct ledger_line line = l->lines.data[i];

		if (n && strcmp(l->lines.data[n - 1].path, line.path) == 0) {
			l->lines.data[n - 1].size += line.size;
			l->lines.data[n - 1].count += line.count;
		} else {
			l->lines.data[n++] = line;
		}
	}
	l->lines.n = n;
}

// -- Python's allocators

static int take_pool(void *ctx, uint32_t thread, uint64_t arena, const struct pymalloc_pool *p)
{
	struct maker *k = ctx;

	(void)arena; // wherever it is
	for (uint32_t i = 0; i < p->n; i++)
		if (!pymalloc_is_free(p, i))
			TRY(chunk_owners_words(&k->owners, thread, p->view + (uint64_t)i * p->size,
					       p->size));
	return 0;
}

static int take_block(void *ctx, const struct mimalloc_block *block)
{
	struct maker *k = ctx;
	uint8_t scratch[4096];

	for (uint64_t off = 0; off < block->size; off += sizeof(scratch)) {
		const uint64_t n = u64_min(block->size - off, sizeof(scratch));
		const uint8_t *p = py_get(heap_reader(k->h), block->addr + off, n, scratch);

		if (p)
			TRY(chunk_owners_words(&k->owners, 0, p, n));
	}
	return 0;
}

#define PYMALLOC "Python\npymalloc"

static int add_classes(struct maker *k)
{
	const struct pymalloc *m = &k->py;
	uint64_t free_n = 0, free_bytes = 0, lost = 0, pool_n = 0;

	for (uint64_t i = 0; i < m->states.n * PYMALLOC_CLASSES; i++) {
		const struct class_use *u = &k->py_use.classes[i];
		const uint32_t size =
			m->unit ? pymalloc_class_size(m, (uint32_t)(i % PYMALLOC_CLASSES)) : 0;

		if (!u->pool_n)
			continue;
		TRY(add_text(k, arena_printf(&k->ret->text, PYMALLOC "\nin use\n%u bytes", size),
			     u->used_n * size, u->used_n));
		free_n += u->free_n;
		free_bytes += u->free_n * size;
		lost += u->pool_n * pymalloc_rest(&k->py_use, size);
		pool_n += u->pool_n;
	}
	TRY(add(k, PYMALLOC, "free blocks", free_bytes, free_n));
	TRY(add(k, PYMALLOC, "pool headers", pool_n * k->py_use.header_bytes, pool_n));
	return add(k, PYMALLOC, "lost to quantization", lost, pool_n);
}

static int add_pymalloc(struct maker *k)
{
	const struct pymalloc *m = &k->py;
	uint64_t unused = 0, bad = 0, edges = 0;

	TRY(add_classes(k));
	for (uint64_t i = 0; i < m->arenas.n; i++) {
		const struct pymalloc_arena *a = &m->arenas.data[i];
		const struct arena_use *u = &k->py_use.arenas[i];
		const bool aligned = a->start % m->pool_bytes == 0;

		edges += !aligned;
		bad += u->bad_pools;
		unused += pymalloc_arena_bytes(a) / m->pool_bytes - !aligned - u->bad_pools -
			  u->used_pools;
	}
	TRY(add(k, PYMALLOC, "unused pools", unused * m->pool_bytes, unused));
	TRY(add(k, PYMALLOC, "damaged pools", bad * m->pool_bytes, bad));
	return add(k, PYMALLOC, "lost to alignment", edges * m->pool_bytes, edges);
}

#define MIMALLOC "Python\nmimalloc"

static int add_segment(struct maker *k, const struct segment_use *s)
{
	uint64_t rest = s->page_bytes - s->used_bytes - s->free_bytes - s->pending_bytes;

	// Pages that lie over each other.
	if (s->header_bytes > s->bytes || s->page_bytes > s->bytes - s->header_bytes) {
		damage_note(&heap_reader(k->h)->damage, DAMAGE_BAD_PAGE, s->addr);
		return add(k, MIMALLOC, "damaged segments", s->bytes, 1);
	}
	for (unsigned i = 0; i < MIMALLOC_TAG_N; i++)
		TRY(add(k, MIMALLOC "\nin use", mimalloc_tag_name((enum mimalloc_tag)i),
			s->used[i].bytes, s->used[i].n));
	TRY(add(k, MIMALLOC, "free blocks", s->free_bytes, 1));
	TRY(add(k, MIMALLOC, "freed by other threads", s->pending_bytes, 1));
	TRY(add(k, MIMALLOC, "lost to quantization", rest, s->page_n));
	TRY(add(k, MIMALLOC, "unused slices", s->bytes - s->header_bytes - s->page_bytes, 1));
	return add(k, MIMALLOC, "segment headers", s->header_bytes, 1);
}

// -- malloc

static int add_chunks(struct maker *k)
{
	static const char *const names[OWNER_N] = {
		[OWNER_OTHER] = "others",
		[OWNER_OBJECT] = "Python objects",
		[OWNER_BUFFER] = "buffers of Python objects",
		[OWNER_INTERPRETER] = "the interpreter",
	};
	const struct malloc_use *t = &k->owners.total;
	struct chunk_use use[2][OWNER_N] = {0},
			 of_others[2] = {t->by[CHUNK_USED], t->by[CHUNK_MMAPPED]};

	for (uint64_t id = 0; id < k->owners.bytes.n; id++) {
		const uint64_t bytes = k->owners.bytes.data[id];
		struct chunk_use *u = &use[bytes >> 63][k->owners.owner[id]];

		u->n++;
		u->bytes += bytes & ~CHUNK_MAPPED;
	}
	for (unsigned mapped = 0; mapped < 2; mapped++) {
		const char *group = mapped ? "malloc\nmmapped" : "malloc\nin use";

		// What could not be told apart is no one's, too.
		for (unsigned i = OWNER_OTHER + 1; i < OWNER_N; i++) {
			TRY(add(k, group, names[i], use[mapped][i].bytes, use[mapped][i].n));
			of_others[mapped].n -= use[mapped][i].n;
			of_others[mapped].bytes -= use[mapped][i].bytes;
		}
		TRY(add(k, group, names[OWNER_OTHER], of_others[mapped].bytes,
			of_others[mapped].n));
	}
	return 0;
}

static int add_malloc(struct maker *k)
{
	const struct malloc_use *t = &k->owners.total;

	TRY(add_chunks(k));
	TRY(add(k, "malloc\nfree", "in bins", t->by[CHUNK_FREE].bytes, t->by[CHUNK_FREE].n));
	TRY(add(k, "malloc\nfree", "tcache", t->by[CHUNK_TCACHE].bytes, t->by[CHUNK_TCACHE].n));
	TRY(add(k, "malloc\nfree", "fastbins", t->by[CHUNK_FASTBIN].bytes, t->by[CHUNK_FASTBIN].n));
	TRY(add(k, "malloc\nfree", "top", t->by[CHUNK_TOP].bytes, t->by[CHUNK_TOP].n));
	k->ret->malloc_idle_bytes = t->idle_bytes;
	return add(k, "malloc", "arenas' own", t->other_bytes, t->heap_n);
}

// -- the rest of mappings

#define ANY_ACCESS (MAPPING_R | MAPPING_W | MAPPING_X)

static bool is_inaccessible(const struct mapping *m)
{
	return (m->flags & MAPPING_PERMS_KNOWN) && !(m->flags & ANY_ACCESS);
}

// A piece of a mapping without access.
static const char *inaccessible_group(enum claim_kind kind)
{
	switch (kind) {
	case CLAIM_MALLOC_RESERVED:
	case CLAIM_MALLOC:
		return "reserved by malloc";
	case CLAIM_MIMALLOC_RESERVED:
	case CLAIM_MIMALLOC:
		return "reserved by mimalloc";
	case CLAIM_MAIN_STACK_USED:
	case CLAIM_MAIN_STACK_FREE:
	case CLAIM_STACK_USED:
	case CLAIM_STACK_FREE:
	case CLAIM_OLD_STACK:
		return "guards of stacks";
	case CLAIM_PYMALLOC:
	case CLAIM_DATA_STACK_USED:
	case CLAIM_DATA_STACK_FREE:
	case CLAIM_TLS:
	case CLAIM_NONE:
		break;
	}
	return "other";
}

static const char *const part_paths[] = {
	[CLAIM_DATA_STACK_USED] = "Python\nstacks of frames\nin use",
	[CLAIM_DATA_STACK_FREE] = "Python\nstacks of frames\nfree",
	[CLAIM_MAIN_STACK_USED] = "stacks\nmain thread\nin use",
	[CLAIM_MAIN_STACK_FREE] = "stacks\nmain thread\nfree",
	[CLAIM_STACK_USED] = "stacks\nother threads\nin use",
	[CLAIM_STACK_FREE] = "stacks\nother threads\nfree",
	[CLAIM_OLD_STACK] = "stacks\nended threads",
	[CLAIM_TLS] = "loader and thread-local storage",
	[CLAIM_MALLOC_RESERVED] = "malloc\nreserved",
	[CLAIM_MIMALLOC_RESERVED] = "Python\nmimalloc\nreserved",
};

// Of a module, or of another file that is mapped.
static int add_file(struct maker *k, const struct mapping *m, uint64_t size)
{
	const char *group = "files\nread-only data";

	if (!(m->flags & MAPPING_PERMS_KNOWN))
		group = "files\nnot saved";
	else if (m->flags & MAPPING_X)
		group = "files\ntext";
	else if (m->flags & MAPPING_W)
		group = "files\ndata";
	return add_named(k, group, m->name, size);
}

static int add_unclaimed(struct maker *k, const struct mapping *m, addr_t start, uint64_t size)
{
	const struct module *module = target_module_at(k->h->target, start);

	if (!strncmp(m->name, "[v", 2))
		return add_named(k, "kernel", m->name, size);
	if (m->name[0] == '/')
		return add_file(k, m, size);
	if (module)
		return add_named(k, "files\ndata", module->name, size);
	k->ret->unknown_bytes += size;
	return add(k, "unknown", m->name[0] ? m->name : "anonymous", size, 1);
}

// What lies in [start, end) of `m` is one's: of claim `kind`, or nobody's.
static int add_piece(struct maker *k, const struct mapping *m, addr_t start, addr_t end,
		     enum claim_kind kind)
{
	const uint64_t size = end - start;

	if (start >= end)
		return 0;
	if (m->flags & MAPPING_SHARED)
		return add_named(k, "shared memory", m->name, size);
	if (is_inaccessible(m))
		return add(k, "no access", inaccessible_group(kind), size, 1);
	if (m->name[0] != '/' && strncmp(m->name, "[v", 2) != 0)
		k->ret->private_bytes += size;
	// A build with the GIL may use mimalloc, too, but does not say where its heaps are.
	if (kind == CLAIM_MIMALLOC_RESERVED && !k->mi.segments.n)
		return add(k, "Python\nmimalloc", "used and free", size, 1);
	return kind == CLAIM_NONE ? add_unclaimed(k, m, start, size)
				  : add(k, part_paths[kind], NULL, size, 1);
}

// The part of `m` that nobody has claimed as a whole: stacks and the like. *i is the first claim
// that may reach into it.
static int add_gap(struct maker *k, const struct mapping *m, addr_t start, addr_t end, uint64_t *i)
{
	const struct claim_vec *v = &k->claims.parts;

	while (*i < v->n && v->data[*i].end <= start)
		++*i;
	for (uint64_t j = *i; start < end && j < v->n && v->data[j].start < end; j++) {
		const addr_t first = v->data[j].start > start ? v->data[j].start : start;
		const addr_t last = u64_min(v->data[j].end, end);

		TRY(add_piece(k, m, start, first, CLAIM_NONE));
		TRY(add_piece(k, m, first, last, v->data[j].kind));
		start = last;
	}
	return add_piece(k, m, start, end, CLAIM_NONE);
}

static int add_mappings(struct maker *k)
{
	const struct mapping_vec *maps = &k->h->target->mappings;
	const struct claim_vec *v = &k->claims.whole;
	uint64_t i = 0, part = 0;

	for (uint64_t j = 0; j < maps->n; j++) {
		const struct mapping *m = &maps->data[j];
		addr_t at = m->start;

		k->ret->mapped_bytes += m->end - m->start;
		while (i < v->n && v->data[i].end <= at)
			i++;
		for (uint64_t c = i; at < m->end && c < v->n && v->data[c].start < m->end; c++) {
			TRY(add_gap(k, m, at, v->data[c].start, &part));
			at = u64_min(v->data[c].end, m->end);
		}
		TRY(add_gap(k, m, at, m->end, &part));
	}
	for (uint64_t c = 0; c < v->n; c++)
		k->ret->private_bytes += v->data[c].end - v->data[c].start;
	return 0;
}

// -- all

// Only now is it known which chunks there are: the blocks of mimalloc are walked again.
static int look_at_blocks(struct maker *k)
{
	const struct damage before = heap_reader(k->h)->damage;
	struct mimalloc_use again;

	if (!k->mi.segments.n)
		return 0;
	TRY(mimalloc_use_find(&again, k->h, take_block, k, k->err));
	mimalloc_use_done(&again);
	heap_reader(k->h)->damage = before;
	return 0;
}

static int find_all(struct maker *k)
{
	struct heap *h = k->h;
	struct pool_visitor v = {.take = take_pool, .ctx = k};

	TRY(pymalloc_find(&k->py, &h->runtime, heap_reader(h), k->err));
	TRY(heap_find_malloc(h, &k->py, &k->m, k->err));
	TRY(mimalloc_use_find(&k->mi, h, NULL, NULL, k->err));
	TRY(claims_find(&k->claims, h, &k->py, &k->mi, &k->m, k->err));
	TRY(chunk_owners_init(&k->owners, h, &k->m, k->err));
	TRY(pymalloc_use_find(&k->py_use, h, &k->py, &v, k->err));
	TRY(look_at_blocks(k));
	return chunk_owners_spread(&k->owners, &k->m, k->err);
}

static int add_all(struct maker *k)
{
	TRY(add_pymalloc(k));
	for (uint64_t i = 0; i < k->mi.segments.n; i++)
		TRY(add_segment(k, &k->mi.segments.data[i]));
	TRY(add_malloc(k));
	return add_mappings(k);
}

int ledger_make(struct ledger *ret, struct heap *h, struct ccore_error *err)
{
	struct maker k = {.ret = ret, .h = h, .err = err};
	int r;

	*ret = (struct ledger){0};
	r = find_all(&k);
	if (r == 0)
		r = add_all(&k);
	if (r == 0)
		join_lines(ret);
	else
		ledger_done(ret);
	ret->malloc_known = k.m.known;
	if (k.owners.h)
		chunk_owners_done(&k.owners);
	claims_done(&k.claims);
	glibc_malloc_done(&k.m);
	mimalloc_use_done(&k.mi);
	pymalloc_use_done(&k.py_use);
	pymalloc_done(&k.py);
	return r;
}

void ledger_done(struct ledger *l)
{
	vec_done(&l->lines);
	arena_done(&l->text);
}
