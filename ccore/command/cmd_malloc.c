// SPDX-License-Identifier: GPL-2.0-or-later
#include "alloc/malloc_use.h"
#include "alloc/pymalloc.h"
#include "command/command.h"
#include "command/malloc_notes.h"
#include "session/session.h"

#include <stdlib.h>

struct columns {
	uint64_t arena, addr, kind, heaps, size, used, tcache, fastbins, free, top, other, idle;
	uint64_t used_n, tcache_n, fastbin_n, free_n;
};

static uint64_t bytes_column(struct table *t, const char *name)
{
	return table_column(t, name, "bytes", CCORE_U64, COLUMN_TOTAL);
}

static uint64_t count_column(struct table *t, const char *name)
{
	return table_column(t, name, "chunks", CCORE_U64, COLUMN_TOTAL | COLUMN_HIDDEN);
}

static void add_columns(struct table *t, struct columns *c)
{
	c->arena = table_column(t, "arena", "", CCORE_U64, COLUMN_NULLABLE);
	c->addr = table_column(t, "addr", "", CCORE_ADDR, COLUMN_NULLABLE);
	c->kind = table_column(t, "kind", "", CCORE_STR, 0);
	c->heaps = table_column(t, "heaps", "heaps", CCORE_U64, COLUMN_NULLABLE | COLUMN_HIDDEN);
	c->size = bytes_column(t, "size");
	c->used = bytes_column(t, "used");
	c->tcache = bytes_column(t, "tcache");
	c->fastbins = bytes_column(t, "fastbins");
	c->free = bytes_column(t, "free");
	c->top = bytes_column(t, "top");
	c->other = bytes_column(t, "other");
	c->idle = bytes_column(t, "idle");
	c->used_n = count_column(t, "used_chunks");
	c->tcache_n = count_column(t, "tcache_chunks");
	c->fastbin_n = count_column(t, "fastbin_chunks");
	c->free_n = count_column(t, "free_chunks");
}

static void set_chunks(struct table *t, uint64_t row, uint64_t bytes, uint64_t n,
		       const struct chunk_use *u)
{
	table_set_u64(t, row, bytes, u->bytes);
	table_set_u64(t, row, n, u->n);
}

static void add_use(struct table *t, const struct columns *c, const struct malloc_use *u,
		    const struct malloc_arena *arena, uint64_t i)
{
	const uint64_t row = table_row(t);
	struct chunk_use used = u->by[CHUNK_USED];

	used.n += u->by[CHUNK_MMAPPED].n;
	used.bytes += u->by[CHUNK_MMAPPED].bytes;
	table_set_u64(t, row, c->arena, arena ? i : TABLE_UNKNOWN);
	table_set_u64(t, row, c->addr, arena ? arena->addr : TABLE_UNKNOWN);
	table_set_str(t, row, c->kind, !arena ? "mmapped" : i ? "thread" : "main");
	table_set_u64(t, row, c->heaps, arena ? u->heap_n : TABLE_UNKNOWN);
	table_set_u64(t, row, c->size, u->bytes);
	set_chunks(t, row, c->used, c->used_n, &used);
	set_chunks(t, row, c->tcache, c->tcache_n, &u->by[CHUNK_TCACHE]);
	set_chunks(t, row, c->fastbins, c->fastbin_n, &u->by[CHUNK_FASTBIN]);
	set_chunks(t, row, c->free, c->free_n, &u->by[CHUNK_FREE]);
	table_set_u64(t, row, c->top, u->by[CHUNK_TOP].bytes);
	table_set_u64(t, row, c->other, u->other_bytes);
	table_set_u64(t, row, c->idle, u->idle_bytes);
}

static int list_arenas(struct session *s, const struct glibc_malloc *m, struct table *t,
		       struct ccore_error *err)
{
	const struct mem *mem = &s->target.mem;
	struct damage *damage = &heap_reader(&s->heap)->damage;
	// The last is of what is mmapped.
	struct malloc_use *uses = calloc(m->arenas.n + 1, sizeof(*uses));
	struct columns c;
	int status = 0;

	if (!uses)
		return err_nomem(err);
	for (uint64_t i = 0; status == 0 && i < m->ranges.n; i++) {
		const struct malloc_range *range = &m->ranges.data[i];

		(void)malloc_use_add(&uses[range->mmapped ? m->arenas.n : range->arena], m, mem, i,
				     NULL, NULL, damage); // 0: nobody stops it
		status = progress_poll(&s->progress, "walking chunks", i, m->ranges.n, err);
	}
	add_columns(t, &c);
	t->noun = "arenas";
	for (uint32_t i = 0; status == 0 && i <= m->arenas.n; i++) {
		const struct malloc_arena *arena = i < m->arenas.n ? &m->arenas.data[i] : NULL;

		// Chunks that are free by the next one's head are those in the bins.
		if (arena && glibc_malloc_binned(m, mem, i, damage) != uses[i].by[CHUNK_FREE].n)
			damage_note(damage, DAMAGE_BAD_POOL, arena->addr);
		if (arena || uses[i].bytes)
			add_use(t, &c, &uses[i], arena, i);
	}
	free(uses);
	return status;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct heap *h = &s->heap;
	struct pymalloc arenas;
	struct glibc_malloc m;
	int status;

	(void)a; // no options of its own
	TRY(pymalloc_find(&arenas, &h->runtime, heap_reader(h), err));
	status = heap_find_malloc(h, &arenas, &m, err);
	pymalloc_done(&arenas);
	if (status < 0)
		return status;
	status = list_arenas(s, &m, &r->table, err);
	if (!m.arenas.n)
		note_other_malloc(s, r, "");
	glibc_malloc_done(&m);
	return status;
}

const struct command command_malloc = {
	.name = "malloc",
	.summary = "the C library's memory: used, free and kept, arena by arena",
	.argument = "",
	.details = "What malloc_info(3) and mallinfo2(3) tell of a living process. used, tcache, "
		   "fastbins, free, top and other sum to size; all count chunks with their heads. "
		   "To mallinfo2 what a tcache keeps is in use. idle is what of the free memory is "
		   "whole pages: malloc_trim(3) can give that back, and no more.",
	.example = "malloc\n"
		   "arena  addr            kind        size     used    tcache  fastbins     free"
		   "        top  other     idle\n"
		   "    0  0x7fcb01a22c60  main     3.6 MiB  2.4 MiB  77.7 KiB       0 B  1.0 MiB"
		   "  129.9 KiB    0 B  1.1 MiB\n"
		   "    -  -               mmapped  392 KiB  392 KiB       0 B       0 B      0 B"
		   "        0 B    0 B      0 B\n"
		   "Total 1,254 chunks, size 4.0 MiB, used 2.8 MiB, …\n",
	.is_whole = true,
	.run = run,
};
