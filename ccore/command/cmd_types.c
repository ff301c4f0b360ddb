// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/histogram.h"
#include "command/session.h"

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

static void fill(struct table *t, const struct histogram *g, const char *match)
{
	const uint64_t type = table_column(t, "type", "", CCORE_STR, 0);
	const uint64_t count = table_column(t, "count", "objects", CCORE_U64, COLUMN_TOTAL);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
	const uint64_t estimated =
		table_column(t, "estimated", "", CCORE_U64, COLUMN_BOOL | COLUMN_HIDDEN);

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
	}
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct histogram g;

	TRY(histogram_count(&g, &s->heap, args_flag(a, "--gc"), err));
	sort(&g, args_str(a, "--by"));
	fill(&r->table, &g, args_str(a, "--match"));
	histogram_done(&g);
	if (!args_flag(a, "--gc") && s->heap.guessed_n)
		r->table.aside =
			arena_printf(&r->table.arena, "%llu known only by guessed references",
				     (unsigned long long)s->heap.guessed_n);
	return 0;
}

const struct command command_types = {
	.name = "types",
	.summary = "count objects by type, with the memory they take",
	.argument = "",
	.details = "Counts every object that the collector's lists or a chain of references lead "
		   "to, and in free-threaded builds every other. Sizes are what sys.getsizeof() "
		   "returns; ~ marks those that are estimates, "
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
			{"--match", "GLOB", NULL, NULL, "only types of this name (zope.*)"},
		},
	.run = run,
};
