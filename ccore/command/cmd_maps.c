// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/segments.h"
#include "command/command.h"
#include "session/session.h"

#include <stdlib.h>

// What both tables say of memory, column by column.
struct amounts {
	uint64_t size, saved, rss, pss, dirty;
};

struct amount_columns {
	uint64_t size, saved, rss, pss, dirty;
};

static struct amounts amounts_of(const struct target *t, const struct mapping *m)
{
	const bool known = m->flags & MAPPING_USAGE_KNOWN;

	return (struct amounts){
		.size = m->end - m->start,
		// What a process has is all there: nothing is saved of it anywhere.
		.saved = t->kind == TARGET_CORE ? m->saved_bytes : TABLE_UNKNOWN,
		.rss = known ? m->usage.rss : TABLE_UNKNOWN,
		.pss = known ? m->usage.pss : TABLE_UNKNOWN,
		.dirty = known ? m->usage.dirty : TABLE_UNKNOWN,
	};
}

static bool usage_is_known(const struct target *t)
{
	for (uint64_t i = 0; i < t->mappings.n; i++)
		if (t->mappings.data[i].flags & MAPPING_USAGE_KNOWN)
			return true;
	return false;
}

static struct amount_columns add_amount_columns(struct table *t, const struct target *target)
{
	const unsigned known = COLUMN_NULLABLE | COLUMN_TOTAL,
		       unknown = COLUMN_NULLABLE | COLUMN_HIDDEN;
	const unsigned usage = usage_is_known(target) ? known : unknown;
	const unsigned saved = target->kind == TARGET_CORE ? known : unknown;
	struct amount_columns c;

	c.size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
	c.saved = table_column(t, "saved", "bytes", CCORE_U64, saved);
	c.rss = table_column(t, "rss", "bytes", CCORE_U64, usage);
	c.pss = table_column(t, "pss", "bytes", CCORE_U64, usage);
	c.dirty = table_column(t, "dirty", "bytes", CCORE_U64, usage);
	return c;
}

static void set_amounts(struct table *t, uint64_t row, const struct amount_columns *c,
			const struct amounts *a)
{
	table_set_u64(t, row, c->size, a->size);
	table_set_u64(t, row, c->saved, a->saved);
	table_set_u64(t, row, c->rss, a->rss);
	table_set_u64(t, row, c->pss, a->pss);
	table_set_u64(t, row, c->dirty, a->dirty);
}

// -- every mapping

// rwxp as the kernel writes it; ? for what a core does not say.
static void perms_text(const struct mapping *m, char ret[5])
{
	const bool known = m->flags & MAPPING_PERMS_KNOWN;

	ret[0] = !known ? '?' : m->flags & MAPPING_R ? 'r' : '-';
	ret[1] = !known ? '?' : m->flags & MAPPING_W ? 'w' : '-';
	ret[2] = !known ? '?' : m->flags & MAPPING_X ? 'x' : '-';
	ret[3] = m->flags & MAPPING_SHARED ? 's' : m->flags & MAPPING_SHARED_KNOWN ? 'p' : '?';
	ret[4] = '\0';
}

static void list_mappings(const struct target *target, struct table *t)
{
	const uint64_t start = table_column(t, "start", "", CCORE_ADDR, 0);
	const uint64_t end = table_column(t, "end", "", CCORE_ADDR, 0);
	const struct amount_columns amounts = add_amount_columns(t, target);
	const uint64_t perms = table_column(t, "perms", "", CCORE_STR, 0);
	const uint64_t kind = table_column(t, "kind", "", CCORE_STR, 0);
	const uint64_t offset = table_column(t, "offset", "bytes", CCORE_U64, COLUMN_HIDDEN);
	const uint64_t name = table_column(t, "name", "", CCORE_STR, 0);

	t->noun = "mappings";
	for (uint64_t i = 0; i < target->mappings.n; i++) {
		const struct mapping *m = &target->mappings.data[i];
		const struct amounts a = amounts_of(target, m);
		const uint64_t row = table_row(t);
		char text[5];

		perms_text(m, text);
		table_set_u64(t, row, start, m->start);
		table_set_u64(t, row, end, m->end);
		set_amounts(t, row, &amounts, &a);
		table_set_str(t, row, perms, text);
		table_set_str(t, row, kind, backing_name(mapping_backing(m)));
		table_set_u64(t, row, offset, m->offset);
		table_set_str(t, row, name, m->name);
	}
}

// -- mappings put together

struct group {
	const char *name;
	uint64_t mapping_n;
	struct amounts sum;
};

struct groups {
	VEC(struct group) all;
};

static void add_known(uint64_t *sum, uint64_t amount)
{
	if (amount != TABLE_UNKNOWN)
		*sum = *sum == TABLE_UNKNOWN ? amount : *sum + amount;
}

static void add_to_group(struct group *g, const struct group *one)
{
	g->mapping_n += one->mapping_n;
	g->sum.size += one->sum.size;
	add_known(&g->sum.saved, one->sum.saved);
	add_known(&g->sum.rss, one->sum.rss);
	add_known(&g->sum.pss, one->sum.pss);
	add_known(&g->sum.dirty, one->sum.dirty);
}

static int group_by_name(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int largest_group_first(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->sum.size != y->sum.size)
		return x->sum.size < y->sum.size ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void join_groups(struct groups *g)
{
	uint64_t n = 0;

	if (g->all.n)
		qsort(g->all.data, g->all.n, sizeof(*g->all.data), group_by_name);
	for (uint64_t i = 0; i < g->all.n; i++) {
		const struct group *one = &g->all.data[i];

		if (n && strcmp(g->all.data[n - 1].name, one->name) == 0)
			add_to_group(&g->all.data[n - 1], one);
		else
			g->all.data[n++] = *one;
	}
	g->all.n = n;
	if (n)
		qsort(g->all.data, n, sizeof(*g->all.data), largest_group_first);
}

static int find_groups(struct groups *ret, const struct target *t, bool by_file,
		       struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];
		const char *kind = backing_name(mapping_backing(m));
		const struct group one = {
			.name = by_file && m->name[0] ? m->name : kind,
			.mapping_n = 1,
			.sum = amounts_of(t, m),
		};

		if (!vec_push(&ret->all, one))
			return err_nomem(err);
	}
	join_groups(ret);
	return 0;
}

static int list_groups(const struct target *target, const char *by, struct table *t,
		       struct ccore_error *err)
{
	const bool by_file = strcmp(by, "file") == 0;
	const uint64_t name = table_column(t, by_file ? "name" : "kind", "", CCORE_STR, 0);
	const uint64_t mappings = table_column(t, "mappings", "", CCORE_U64, COLUMN_TOTAL);
	const struct amount_columns amounts = add_amount_columns(t, target);
	struct groups groups = {0};
	const int r = find_groups(&groups, target, by_file, err);

	t->noun = by_file ? "names" : "kinds";
	for (uint64_t i = 0; r == 0 && i < groups.all.n; i++) {
		const struct group *g = &groups.all.data[i];
		const uint64_t row = table_row(t);

		table_set_str(t, row, name, g->name);
		table_set_u64(t, row, mappings, g->mapping_n);
		set_amounts(t, row, &amounts, &g->sum);
	}
	vec_done(&groups.all);
	return r;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	const char *by = args_str(a, "--by");
	struct ccore_error why;
	const int status = target_read_usage(&s->target, &why);

	if (status == CCORE_ENOMEM)
		return err_nomem(err);
	if (status < 0)
		result_note(r, "rss, pss and dirty are not known: %s", why.text);
	if (by)
		return list_groups(&s->target, by, &r->table, err);
	list_mappings(&s->target, &r->table);
	return 0;
}

const struct command command_maps = {
	.name = "maps",
	.summary = "every mapping: size, permissions, backing, and what the core saved",
	.argument = "",
	.details =
		"A core does not say whether a mapping is shared: the fourth letter of perms is "
		"then "
		"?, or s where its name tells. A copy of /proc/PID/maps beside the core "
		"(CORE.maps, "
		"--maps) does. What is resident (rss), this process's part of it (pss) and changed "
		"(dirty) is known of a process, and from a copy of /proc/PID/smaps (CORE.smaps).",
	.example = "maps -n 2\n"
		   "start     end            size    saved  perms  kind  name\n"
		   "0x400000  0x41f000  124.0 KiB  4.0 KiB  r--?   file  /usr/bin/python3.11\n"
		   "0x41f000  0x6cf000    2.7 MiB      0 B  r-x?   file  /usr/bin/python3.11\n"
		   "… 88 more mappings, size 14.2 MiB, saved 8.1 MiB\n"
		   "Total 90 mappings, size 17.0 MiB, saved 8.1 MiB\n",
	.params =
		{
			{"--by", "WHAT", "kind|file", NULL,
			 "put together what has one kind or name"},
		},
	.run = run,
};
