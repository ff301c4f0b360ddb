// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/ledger_tree.h"
#include "command/command.h"
#include "command/malloc_notes.h"
#include "heap/blame.h"
#include "session/session.h"

struct answer {
	const struct ledger *ledger;
	struct table *t;
	uint64_t path, size, share, count, group;
};

// `size` of all, in millionths.
static uint64_t share(uint64_t size, uint64_t all)
{
	// An address space times a million is too large for 64 bits.
	return all >> 40 ? size / (all / 1000000) : all ? size * 1000000 / all : 0;
}

static void add_row(const struct answer *a, const struct ledger_leaf *leaf, uint32_t depth)
{
	const bool is_leaf = depth + 1 == leaf->depth;
	const uint64_t row = table_row(a->t);
	char *path = arena_strndup(&a->t->arena, leaf->line->path, leaf->end[depth]);

	a->t->failed |= !path;
	table_set_str(a->t, row, a->path, path);
	table_set_u64(a->t, row, a->size, leaf->size[depth]);
	table_set_u64(a->t, row, a->share, share(leaf->size[depth], a->ledger->mapped_bytes));
	table_set_u64(a->t, row, a->count, is_leaf ? leaf->count : TABLE_UNKNOWN);
	table_set_u64(a->t, row, a->group, !is_leaf);
}

static void add_rows(const struct answer *a, const struct ledger_tree *tree)
{
	for (uint64_t i = 0; i < tree->leaves.n; i++) {
		const struct ledger_leaf *leaf = &tree->leaves.data[i];

		for (uint32_t k = 0; k < leaf->depth; k++)
			if (leaf->is_first[k])
				add_row(a, leaf, k);
	}
}

static void note_unknown(const struct ledger *l, struct ccore_result *r)
{
	struct strbuf text = {0};
	const uint64_t ppm = share(l->unknown_bytes, l->private_bytes);

	strbuf_add_size(&text, l->unknown_bytes);
	strbuf_puts(&text, " of ");
	strbuf_add_size(&text, l->private_bytes);
	if (!text.failed)
		result_note(r, "unknown: %s of private memory (%llu.%02llu %%)", text.data,
			    (unsigned long long)(ppm / 10000),
			    (unsigned long long)(ppm / 100 % 100));
	strbuf_done(&text);
}

static void note_idle(const struct ledger *l, struct ccore_result *r)
{
	struct strbuf text = {0};

	strbuf_add_size(&text, l->malloc_idle_bytes);
	if (!text.failed && l->malloc_idle_bytes)
		result_note(r, "malloc could give back %s: whole pages that are free", text.data);
	strbuf_done(&text);
}

static int run_ledger(struct session *s, const struct args *a, struct ccore_result *r,
		      struct ccore_error *err)
{
	struct answer answer = {.t = &r->table};
	struct ledger_tree tree;
	struct ledger ledger;
	uint64_t depth = 0;
	int status;

	if (args_str(a, "--depth"))
		TRY(args_u64(a, "--depth", &depth, err));
	TRY(ledger_make(&ledger, &s->heap, err));
	status = ledger_tree_make(&tree, &ledger, depth, err);
	if (status == 0) {
		answer.ledger = &ledger;
		answer.path = table_column(&r->table, "path", "", CCORE_STR, COLUMN_PATH);
		answer.size = table_column(&r->table, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
		answer.share = table_column(&r->table, "share", "ppm", CCORE_U64, 0);
		answer.count =
			table_column(&r->table, "count", "things", CCORE_U64, COLUMN_NULLABLE);
		answer.group =
			table_column(&r->table, "group", "", CCORE_U64, COLUMN_GROUP | COLUMN_BOOL);
		r->table.noun = "lines";
		add_rows(&answer, &tree);
		note_unknown(&ledger, r);
		if (!ledger.malloc_known)
			note_other_malloc(s, r, ": what it has given out is part of unknown");
		note_idle(&ledger, r);
		ledger_tree_done(&tree);
	}
	ledger_done(&ledger);
	return status;
}

// -- what keeps almost empty arenas

static void note_arenas(const struct blame *b, uint64_t percent, struct ccore_result *r)
{
	struct strbuf text = {0};

	strbuf_add_size(&text, b->arena_bytes);
	strbuf_puts(&text, ", of which ");
	strbuf_add_size(&text, b->used_bytes);
	if (!text.failed)
		result_note(r,
			    "%llu of %llu arenas are less than %llu %% in use: they have %s are in "
			    "use",
			    (unsigned long long)b->arena_n, (unsigned long long)b->all_arena_n,
			    (unsigned long long)percent, text.data);
	strbuf_done(&text);
}

static int run_blame(struct session *s, const struct args *a, struct ccore_result *r,
		     struct ccore_error *err)
{
	struct table *t = &r->table;
	struct blame blame;
	uint64_t percent;

	if (r->format == FORMAT_SVG)
		return err_set(err, CCORE_EUSAGE, 0, "the answer of --blame is not a picture");
	TRY(args_u64(a, "--below", &percent, err));
	TRY(blame_find(&blame, &s->heap, percent, err));
	const uint64_t columns[] = {
		table_column(t, "type", "", CCORE_STR, 0),
		table_column(t, "kind", "", CCORE_STR, 0),
		table_column(t, "arenas", "arenas", CCORE_U64, 0),
		table_column(t, "count", "blocks", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "addr", "", CCORE_ADDR, COLUMN_NULLABLE),
	};
	t->noun = "types";
	for (uint64_t i = 0; i < blame.rows.n; i++) {
		const struct blame_row *b = &blame.rows.data[i];
		const uint64_t row = table_row(t);

		table_set_str(t, row, columns[0], b->type);
		table_set_str(t, row, columns[1], b->is_buffer ? "buffer" : "object");
		table_set_u64(t, row, columns[2], b->arena_n);
		table_set_u64(t, row, columns[3], b->count);
		table_set_u64(t, row, columns[4], b->size);
		table_set_u64(t, row, columns[5], b->example ? b->example : TABLE_UNKNOWN);
	}
	note_arenas(&blame, percent, r);
	blame_done(&blame);
	return 0;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	return args_flag(a, "--blame") ? run_blame(s, a, r, err) : run_ledger(s, a, r, err);
}

const struct command command_memory = {
	.name = "memory",
	.summary = "where the memory went: every mapped byte, once, as a tree",
	.argument = "",
	.details =
		"Each byte of each mapping is in one line: the lines sum to exactly what is "
		"mapped, and "
		"what nobody is known to use is a line of its own, unknown. Chunks of malloc's "
		"hold "
		"Python objects, or what those have pointers to (buffers), or what the "
		"interpreter's own variables lead to; the rest is others'. --blame lists the types "
		"of which objects, or their buffers, keep arenas that are almost empty: why, with "
		"the address, tells who holds such an object.",
	.example = "memory --depth 1\n"
		   "path                                  size   share  count\n"
		   "files                             10.4 MiB  49.8 %     49\n"
		   "Python                             8.1 MiB  38.8 %  89,124\n"
		   "malloc                             2.1 MiB  10.0 %  2,310\n"
		   "stacks                           132.0 KiB   0.6 %      2\n"
		   "unknown                           44.0 KiB   0.2 %      5\n"
		   "loader and thread-local storage    8.0 KiB   0.0 %      1\n"
		   "Total 6 lines, 20.9 MiB\n",
	.is_whole = true,
	.params =
		{
			{"--format", "FORMAT", "text|svg", "text", "svg: a picture, an icicle"},
			{"--blame", NULL, NULL, NULL,
			 "instead, what keeps almost empty arenas of Python's allocator"},
			{"--below", "PERCENT", NULL, "25",
			 "with --blame: how much of them is in use, at most"},
			{"--depth", "N", NULL, NULL,
			 "put together what is deeper in the tree than N"},
		},
	.run = run,
};
