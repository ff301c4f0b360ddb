// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/histogram.h"
#include "command/command.h"
#include "session/session.h"

#include <stdlib.h>

static int by_count(const void *a, const void *b)
{
	const struct histogram_row *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->type, y->type);
}

static int by_size(const void *a, const void *b)
{
	const struct histogram_row *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return strcmp(x->type, y->type);
}

static int by_name(const void *a, const void *b)
{
	const struct histogram_row *x = a, *y = b;

	return strcmp(x->type, y->type);
}

static void sort(struct histogram *g, const char *by)
{
	if (g->rows.n)
		qsort(g->rows.data, g->rows.n, sizeof(*g->rows.data),
		      strcmp(by, "count") == 0	? by_count
		      : strcmp(by, "name") == 0 ? by_name
						: by_size);
}

static uint64_t count_of(const struct histogram *g, const char *type)
{
	for (uint64_t i = 0; i < g->rows.n; i++)
		if (strcmp(g->rows.data[i].type, type) == 0)
			return g->rows.data[i].count;
	return 0;
}

// `garbage`: of the same objects those that are, or NULL.
static void fill(struct table *t, const struct histogram *g, const struct histogram *garbage,
		 const char *match)
{
	const uint64_t type = table_column(t, "type", "", CCORE_STR, 0);
	const uint64_t count = table_column(t, "count", "objects", CCORE_U64, COLUMN_TOTAL);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
	const uint64_t estimated =
		table_column(t, "estimated", "", CCORE_U64, COLUMN_BOOL | COLUMN_HIDDEN);
	const uint64_t dead =
		garbage ? table_column(t, "garbage", "garbage", CCORE_U64, COLUMN_TOTAL) : 0;

	t->noun = "types";
	for (uint64_t i = 0; i < g->rows.n; i++) {
		const struct histogram_row *h = &g->rows.data[i];
		uint64_t row;

		if (match && !type_name_matches(h->type, match))
			continue;
		row = table_row(t);
		table_set_str(t, row, type, h->type);
		table_set_u64(t, row, count, h->count);
		table_set_u64(t, row, size, h->size);
		table_set_u64(t, row, estimated, h->estimated != 0);
		if (garbage)
			table_set_u64(t, row, dead, count_of(garbage, h->type));
	}
}

// -- what nothing leads to

struct unreachable_ids {
	VEC(uint32_t) all, garbage;
};

static int collect(struct session *s, const struct args *a, struct unreachable_ids *ret,
		   struct ccore_error *err)
{
	const struct heap *h = &s->heap;
	struct unreachable *u;

	TRY(session_unreachable(s, &u, err));
	for (uint64_t id = 0; id < h->node_n; id++) {
		if (u->why[id] == REACHABLE || h->node_flags[id] & NODE_BAD ||
		    (args_flag(a, "--gc") && !(h->node_flags[id] & NODE_GC)))
			continue;
		if (!vec_push(&ret->all, (uint32_t)id) ||
		    (u->why[id] == HELD_IN_CYCLE && !vec_push(&ret->garbage, (uint32_t)id)))
			return err_nomem(err);
	}
	return 0;
}

static int count_unreachable(struct session *s, const struct args *a, struct histogram *ret_all,
			     struct histogram *ret_garbage, struct ccore_error *err)
{
	struct unreachable_ids ids = {0};
	int r = collect(s, a, &ids, err);

	if (r == 0)
		r = histogram_of_nodes(ret_garbage, &s->heap, ids.garbage.data, ids.garbage.n, err);
	if (r == 0)
		r = histogram_of_nodes(ret_all, &s->heap, ids.all.data, ids.all.n, err);
	vec_done(&ids.all);
	vec_done(&ids.garbage);
	return r;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

// What is not among the objects, and what of them is less sure.
static void add_aside(struct table *t, const struct heap *h)
{
	const unsigned long long dead = h->universe.dead_n, guessed = h->guessed_n;

	if (guessed)
		t->aside = arena_printf(&t->arena,
					"%llu known only by guessed references; besides, %llu dead "
					"object%s kept for reuse",
					guessed, dead, plural(dead));
	else if (dead)
		t->aside = arena_printf(&t->arena, "besides, %llu dead object%s kept for reuse",
					dead, plural(dead));
}

static void add_notes(struct ccore_result *r, const struct heap *h)
{
	const struct universe *u = &h->universe;

	if (u->pymalloc.known && !u->pymalloc.arenas.n && !gc_sees_untracked(&h->layout))
		result_note(r, "pymalloc was not in use (PYTHONMALLOC)");
	if (!u->complete)
		result_note(r, "objects lie in memory whose allocator is not known: of those, what "
			       "only C holds cannot be found");
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	const bool unreachable = args_flag(a, "--unreachable");
	struct histogram g = {0}, garbage = {0};
	int status;

	if (unreachable)
		status = count_unreachable(s, a, &g, &garbage, err);
	else
		status = histogram_count(&g, &s->heap, args_flag(a, "--gc"), err);
	if (status == 0) {
		sort(&g, args_str(a, "--by"));
		fill(&r->table, &g, unreachable ? &garbage : NULL, args_str(a, "--match"));
	}
	histogram_done(&g);
	histogram_done(&garbage);
	if (status == 0 && !unreachable && !args_flag(a, "--gc"))
		add_aside(&r->table, &s->heap);
	if (status == 0 && !args_flag(a, "--gc"))
		add_notes(r, &s->heap);
	if (status == 0 && args_flag(a, "--gc") && s->heap.gc.is_broken)
		result_note(
			r,
			"lists of the collector are broken: of %llu objects their GC heads alone "
			"say that they are tracked",
			(unsigned long long)s->heap.lost_n);
	return status;
}

const struct command command_types = {
	.name = "types",
	.summary = "count objects by type, with the memory they take",
	.argument = "",
	.details = "Counts every object: those on the collector's lists, those that the allocators "
		   "have given out, reachable or not, and static ones. "
		   "Sizes are what sys.getsizeof() returns; ~ marks those that are estimates, "
		   "because the type computes its own in C or Python.",
	.example = "types -n 3\n"
		   "type           count       size\n"
		   "str           13,479  914.3 KiB\n"
		   "__main__.Row   7,200  393.8 KiB\n"
		   "type             415  309.4 KiB\n"
		   "… 111 more types, 1.5 MiB\n"
		   "Total 35,151 objects, 3.1 MiB\n",
	.params =
		{
			{"--by", "ORDER", "count|size|name", "size", "what comes first"},
			{"--gc", NULL, NULL, NULL, "only what gc.get_objects() returns"},
			{"--unreachable", NULL, NULL, NULL,
			 "only what nothing leads to; garbage: what not even C code holds"},
			{"--match", "GLOB", NULL, NULL, "only types of this name (zope.*)"},
		},
	.run = run,
};
