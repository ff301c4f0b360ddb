// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "heap/mimalloc_use.h"
#include "heap/pymalloc_use.h"
#include "session/session.h"

#include <stdlib.h>

struct view {
	struct session *s;
	struct table *t;
	struct pymalloc m;
	struct pymalloc_use py;
	struct mimalloc_use mi;
};

// -- by kind and size, as sys._debugmallocstats() has it

struct columns {
	uint64_t kind, size, pools, used, pending, free, bytes, abandoned, interpreter;
};

static void add_columns(struct table *t, bool threaded, bool several, struct columns *c)
{
	const unsigned known = COLUMN_NULLABLE | COLUMN_TOTAL;

	c->kind = table_column(t, "kind", "", CCORE_STR, 0);
	c->size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_NULLABLE);
	c->used = table_column(t, "used", "blocks", CCORE_U64, known);
	c->pending = table_column(t, "pending", "blocks", CCORE_U64,
				  threaded ? known : known | COLUMN_HIDDEN);
	c->free = table_column(t, "free", "blocks", CCORE_U64, known);
	c->pools = table_column(t, "pools", "pools", CCORE_U64, known);
	c->bytes = table_column(t, "bytes", "bytes", CCORE_U64, known);
	c->abandoned = table_column(t, "abandoned", "", CCORE_U64,
				    threaded ? COLUMN_BOOL : COLUMN_BOOL | COLUMN_HIDDEN);
	c->interpreter = table_column(t, "interpreter", "", CCORE_U64,
				      several ? COLUMN_NULLABLE : COLUMN_NULLABLE | COLUMN_HIDDEN);
}

// What the rows below set only where they have it.
static uint64_t add_row(struct table *t, const struct columns *c, const char *kind)
{
	const uint64_t nullable[] = {c->size, c->pools, c->used,       c->pending,
				     c->free, c->bytes, c->interpreter};
	const uint64_t row = table_row(t);

	table_set_str(t, row, c->kind, kind);
	for (unsigned i = 0; i < sizeof(nullable) / sizeof(nullable[0]); i++)
		table_set_u64(t, row, nullable[i], TABLE_UNKNOWN);
	return row;
}

// Pools of an interpreter's arenas, in which no block is.
struct rest {
	uint64_t unused_n, bad_n, header_n;
	uint64_t lost_bytes, edge_bytes;
};

static struct rest rest_of(const struct view *v, uint32_t state)
{
	const struct pymalloc *m = &v->m;
	struct rest r = {0};

	for (uint64_t i = 0; i < m->arenas.n; i++) {
		const struct pymalloc_arena *a = &m->arenas.data[i];
		const struct arena_use *u = &v->py.arenas[i];
		uint64_t pools = pymalloc_arena_bytes(a) / m->pool_bytes;

		if (a->state != state)
			continue;
		if (a->start % m->pool_bytes) {
			r.edge_bytes += m->pool_bytes;
			pools--;
		}
		r.header_n += u->used_pools;
		r.bad_n += u->bad_pools;
		r.unused_n += pools - u->used_pools - u->bad_pools;
	}
	return r;
}

static void add_classes(const struct view *v, const struct columns *c, uint32_t state,
			uint64_t interpreter, struct rest *rest, uint64_t *used_n)
{
	for (uint32_t i = 0; i < PYMALLOC_CLASSES; i++) {
		const struct class_use *u = &v->py.classes[state * PYMALLOC_CLASSES + i];
		const uint32_t size = v->m.unit ? pymalloc_class_size(&v->m, i) : 0;
		uint64_t row;

		if (!u->pool_n)
			continue;
		row = add_row(v->t, c, "blocks");
		table_set_u64(v->t, row, c->size, size);
		table_set_u64(v->t, row, c->pools, u->pool_n);
		table_set_u64(v->t, row, c->used, u->used_n);
		table_set_u64(v->t, row, c->free, u->free_n);
		table_set_u64(v->t, row, c->bytes, (u->used_n + u->free_n) * size);
		table_set_u64(v->t, row, c->interpreter, interpreter);
		rest->lost_bytes += u->pool_n * pymalloc_rest(&v->py, size);
		*used_n += u->used_n;
	}
}

static void add_bytes(const struct view *v, const struct columns *c, const char *kind,
		      uint64_t pool_n, uint64_t bytes, uint64_t interpreter)
{
	const uint64_t row = add_row(v->t, c, kind);

	table_set_u64(v->t, row, c->pools, pool_n);
	table_set_u64(v->t, row, c->bytes, bytes);
	table_set_u64(v->t, row, c->interpreter, interpreter);
}

static void add_state(const struct view *v, const struct columns *c, uint32_t i)
{
	const struct pymalloc_state *s = &v->m.states.data[i];
	const uint64_t interpreter =
		(uint64_t)v->s->heap.runtime.interpreters.data[s->interpreter].id;
	struct rest rest = rest_of(v, i);
	uint64_t used_n = 0, large_n = s->large_n;

	add_classes(v, c, i, interpreter, &rest, &used_n);
	add_bytes(v, c, "unused pools", rest.unused_n, rest.unused_n * v->m.pool_bytes,
		  interpreter);
	if (rest.bad_n)
		add_bytes(v, c, "damaged pools", rest.bad_n, rest.bad_n * v->m.pool_bytes,
			  interpreter);
	add_bytes(v, c, "pool headers", TABLE_UNKNOWN, rest.header_n * v->py.header_bytes,
		  interpreter);
	add_bytes(v, c, "lost to quantization", TABLE_UNKNOWN, rest.lost_bytes, interpreter);
	add_bytes(v, c, "lost to alignment", TABLE_UNKNOWN, rest.edge_bytes, interpreter);
	// A count of all is one of the large ones, too; unless the target is damaged.
	if (large_n == UINT64_MAX && s->all_n != UINT64_MAX && s->all_n >= used_n)
		large_n = s->all_n - used_n;
	if (large_n != UINT64_MAX) {
		const uint64_t row = add_row(v->t, c, "large blocks, of malloc");

		table_set_u64(v->t, row, c->used, large_n);
		table_set_u64(v->t, row, c->interpreter, interpreter);
	}
}

static void add_pages(const struct view *v, const struct columns *c)
{
	const struct mimalloc_use *mi = &v->mi;
	uint64_t rest = 0, headers = 0, unused = 0;

	for (uint64_t i = 0; i < mi->pages.n; i++) {
		const struct page_use *u = &mi->pages.data[i];
		const uint64_t row = add_row(v->t, c, mimalloc_tag_name(u->tag));

		table_set_u64(v->t, row, c->size, u->block_size);
		table_set_u64(v->t, row, c->pools, u->page_n);
		table_set_u64(v->t, row, c->used, u->used_n);
		table_set_u64(v->t, row, c->pending, u->pending_n);
		table_set_u64(v->t, row, c->free, u->free_n);
		table_set_u64(v->t, row, c->bytes,
			      (u->used_n + u->pending_n + u->free_n) * u->block_size);
		table_set_u64(v->t, row, c->abandoned, u->abandoned);
		rest += u->rest_bytes;
	}
	for (uint64_t i = 0; i < mi->segments.n; i++) {
		const struct segment_use *s = &mi->segments.data[i];

		headers += s->header_bytes;
		unused += s->bytes - u64_min(s->bytes, s->header_bytes + s->page_bytes);
	}
	if (mi->segments.n) {
		add_bytes(v, c, "unused slices", TABLE_UNKNOWN, unused, TABLE_UNKNOWN);
		add_bytes(v, c, "segment headers", TABLE_UNKNOWN, headers, TABLE_UNKNOWN);
		add_bytes(v, c, "lost to quantization", TABLE_UNKNOWN, rest, TABLE_UNKNOWN);
	}
}

static void list_kinds(const struct view *v)
{
	struct columns c;

	add_columns(v->t, v->mi.segments.n != 0, v->m.states.n > 1, &c);
	v->t->noun = "rows";
	// A free-threaded build has the variables of pymalloc, and makes no use of them.
	for (uint32_t i = 0; i < v->m.states.n && !v->mi.segments.n; i++)
		add_state(v, &c, i);
	add_pages(v, &c);
}

// -- one by one

struct one {
	addr_t addr;
	uint64_t size, pool_n, used_n, used_bytes, free_bytes;
	bool abandoned;
};

static int emptiest_first(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	if (x->used_bytes != y->used_bytes)
		return x->used_bytes < y->used_bytes ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static struct one arena_at(const struct view *v, uint64_t i)
{
	const struct pymalloc_arena *a = &v->m.arenas.data[i];
	const struct arena_use *u = &v->py.arenas[i];

	return (struct one){
		.addr = a->start,
		.size = pymalloc_arena_bytes(a),
		.pool_n = u->used_pools,
		.used_n = u->used_n,
		.used_bytes = u->used_bytes,
	};
}

static struct one segment_at(const struct view *v, uint64_t i)
{
	const struct segment_use *u = &v->mi.segments.data[i];

	return (struct one){
		.addr = u->addr,
		.size = u->bytes,
		.pool_n = u->page_n,
		.used_n = u->used_n,
		.used_bytes = u->used_bytes,
		.abandoned = u->abandoned,
	};
}

static int list_each(const struct view *v, struct ccore_error *err)
{
	struct table *t = v->t;
	const uint64_t columns[] = {
		table_column(t, "addr", "", CCORE_ADDR, 0),
		table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "used", "blocks", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "pools", "pools", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "used_bytes", "bytes", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "abandoned", "", CCORE_U64,
			     v->mi.segments.n ? COLUMN_BOOL : COLUMN_BOOL | COLUMN_HIDDEN),
	};
	const uint64_t arena_n = v->m.arenas.n, n = arena_n + v->mi.segments.n;
	struct one *all = calloc(n + 1, sizeof(*all));

	if (!all)
		return err_nomem(err);
	for (uint64_t i = 0; i < n; i++)
		all[i] = i < arena_n ? arena_at(v, i) : segment_at(v, i - arena_n);
	qsort(all, n, sizeof(*all), emptiest_first);
	t->noun = v->mi.segments.n ? "segments" : "arenas";
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t row = table_row(t);

		table_set_u64(t, row, columns[0], all[i].addr);
		table_set_u64(t, row, columns[1], all[i].size);
		table_set_u64(t, row, columns[2], all[i].used_n);
		table_set_u64(t, row, columns[3], all[i].pool_n);
		table_set_u64(t, row, columns[4], all[i].used_bytes);
		table_set_u64(t, row, columns[5], all[i].abandoned);
	}
	free(all);
	return 0;
}

static void note_arenas(const struct view *v, struct ccore_result *r)
{
	const uint64_t n = v->m.arenas.n + v->mi.segments.n;
	struct strbuf size = {0};

	if (v->m.arenas.n) {
		strbuf_add_size(&size, pymalloc_arena_bytes(&v->m.arenas.data[0]));
		result_note(r, "%llu %s of %s, in pools of %u KiB", (unsigned long long)n,
			    n == 1 ? "arena" : "arenas", size.failed ? "?" : size.data,
			    v->m.pool_bytes / 1024);
	} else if (n) {
		result_note(r, "%llu %s of mimalloc", (unsigned long long)n,
			    n == 1 ? "segment" : "segments");
	} else {
		result_note(r, "neither pymalloc nor the heaps of a free-threaded build are in use "
			       "here: `malloc` shows what there is instead");
	}
	strbuf_done(&size);
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct heap *h = &s->heap;
	struct view v = {.s = s, .t = &r->table};
	int status;

	TRY(pymalloc_find(&v.m, &h->runtime, heap_reader(h), err));
	status = pymalloc_use_find(&v.py, h, &v.m, NULL, err);
	if (status == 0)
		status = mimalloc_use_find(&v.mi, h, NULL, NULL, err);
	if (status == 0) {
		note_arenas(&v, r);
		if (args_flag(a, "--each"))
			status = list_each(&v, err);
		else
			list_kinds(&v);
	}
	mimalloc_use_done(&v.mi);
	pymalloc_use_done(&v.py);
	pymalloc_done(&v.m);
	return status;
}

const struct command command_arenas = {
	.name = "arenas",
	.summary = "the memory of Python's own allocator: used and free, by size of block",
	.argument = "",
	.details = "What sys._debugmallocstats() prints. The used blocks together, with those too "
		   "large for pymalloc, are what sys.getallocatedblocks() returns. Of "
		   "free-threaded builds, pages and segments of mimalloc: pending blocks were "
		   "freed by another thread and are not taken back yet, abandoned ones are of "
		   "threads that have ended.",
	.example = "arenas --each -n 2\n"
		   "addr               size    used  pools  used_bytes\n"
		   "0x7f5c406d2000  1.0 MiB   7,248     43   453.0 KiB\n"
		   "0x7f5c407d2000  1.0 MiB  10,710     63   669.4 KiB\n"
		   "… 6 more arenas, size 6.0 MiB, used_bytes 4.1 MiB\n"
		   "Total 81,537 blocks, size 8.0 MiB, used_bytes 5.2 MiB\n"
		   "note: 8 arenas of 1.0 MiB, in pools of 16 KiB\n",
	.is_whole = true,
	.params =
		{
			{"--each", NULL, NULL, NULL,
			 "one row an arena (or segment), the emptiest first"},
		},
	.run = run,
};
