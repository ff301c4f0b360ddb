// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stacks, innermost frame first, each with the line of source it is at and, where asked for,
 * its variables:
 *
 *	Thread 4711 "MainThread"
 *	  #0  DB.find  /srv/app/leaky_app.py:52
 *	        rows = [r for r in self.rows if r.match(key)]
 *	                                        ^^^^^^^^^^^^
 *	        key = 'a7'
 *	  … 2 more frames
 */
#include "render/style.h"

#include "util/checked.h"

#define DETAIL_INDENT 8u

struct stacks {
	const struct text_out *t;
	const struct table_column *heading, *depth, *function, *file, *line, *end_line, *column,
		*end_column, *source, *changed, *locals, *more, *mark;
	uint64_t depth_width;
};

static const char *text_of(const struct table_column *c, uint64_t row)
{
	return c && !cell_is_null(c, row) ? c->str[row] : NULL;
}

static uint64_t number_of(const struct table_column *c, uint64_t row)
{
	return c && !cell_is_null(c, row) ? c->u64[row] : TABLE_UNKNOWN;
}

static void add_printable(const struct stacks *s, const char *text)
{
	strbuf_add_printable(s->t->out, text, strlen(text));
}

static void add_frame(const struct stacks *s, uint64_t row)
{
	struct strbuf *out = s->t->out;
	char depth[32];
	const char *file = text_of(s->file, row), *function = text_of(s->function, row);
	const char *mark = text_of(s->mark, row);

	(void)snprintf(depth, sizeof(depth), "#%llu",
		       (unsigned long long)number_of(s->depth, row)); // fits any number
	strbuf_puts(out, "  ");
	text_pad(s->t, depth, s->depth_width, false);
	strbuf_puts(out, "  ");
	style_begin(s->t, STYLE_BOLD);
	add_printable(s, function ? function : "?");
	style_end(s->t, STYLE_BOLD);
	strbuf_puts(out, "  ");
	style_begin(s->t, STYLE_DIM);
	add_printable(s, file ? file : "?");
	if (number_of(s->line, row) != TABLE_UNKNOWN)
		strbuf_printf(out, ":%llu", (unsigned long long)number_of(s->line, row));
	style_end(s->t, STYLE_DIM);
	if (mark)
		strbuf_printf(out, "  [%s]", mark);
	strbuf_putc(out, '\n');
}

// Tabs would be wider in the line above than in that of the carets.
static void add_source_text(const struct stacks *s, const char *text, uint64_t n)
{
	struct strbuf plain = {0};

	for (uint64_t i = 0; i < n; i++)
		strbuf_putc(&plain, text[i] == '\t' ? ' ' : text[i]);
	if (n && !plain.failed)
		strbuf_add_printable(s->t->out, plain.data, plain.n);
	s->t->out->failed |= plain.failed;
	strbuf_done(&plain);
}

static uint64_t width_n(const char *s, uint64_t n)
{
	uint64_t width = 0;

	for (uint64_t i = 0; i < n; i++)
		width += (s[i] & 0xc0) != 0x80;
	return width;
}

// Under the part of the line that is being executed, unless it is all of it.
static void add_carets(const struct stacks *s, uint64_t row, const char *text, uint64_t skip,
		       uint64_t n)
{
	const uint64_t from = number_of(s->column, row);
	uint64_t to = number_of(s->end_column, row);

	if (from == TABLE_UNKNOWN || to == TABLE_UNKNOWN ||
	    number_of(s->line, row) != number_of(s->end_line, row) || from < skip || to > n ||
	    from >= to || (from == skip && to == n))
		return;
	strbuf_pad(s->t->out, ' ', DETAIL_INDENT + width_n(text + skip, from - skip));
	strbuf_pad(s->t->out, '^', width_n(text + from, to - from));
	strbuf_putc(s->t->out, '\n');
}

static void add_source(const struct stacks *s, uint64_t row)
{
	const char *text = text_of(s->source, row);
	const bool changed = s->changed && s->changed->u64[row] == 1;
	uint64_t skip, n;

	if (!text)
		return;
	skip = strspn(text, " \t\f");
	n = strlen(text);
	while (n > skip && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	strbuf_pad(s->t->out, ' ', DETAIL_INDENT - 2);
	strbuf_puts(s->t->out, changed ? "~ " : "  ");
	add_source_text(s, text + skip, n - skip);
	strbuf_putc(s->t->out, '\n');
	if (!changed)
		add_carets(s, row, text, skip, n);
}

static void add_locals(const struct stacks *s, uint64_t row)
{
	const char *lines = text_of(s->locals, row);

	while (lines && *lines) {
		const uint64_t n = strcspn(lines, "\n");

		strbuf_pad(s->t->out, ' ', DETAIL_INDENT);
		strbuf_add_printable(s->t->out, lines, n);
		strbuf_putc(s->t->out, '\n');
		lines += n + (lines[n] != '\0');
	}
}

static void add_more(const struct stacks *s, uint64_t row)
{
	const uint64_t n = number_of(s->more, row);

	if (!n || n == TABLE_UNKNOWN)
		return;
	style_begin(s->t, STYLE_DIM);
	strbuf_puts(s->t->out, "  … ");
	strbuf_add_count(s->t->out, n);
	strbuf_puts(s->t->out, n == 1 ? " more frame" : " more frames");
	style_end(s->t, STYLE_DIM);
	strbuf_putc(s->t->out, '\n');
}

static void add_row(const struct stacks *s, uint64_t row)
{
	const char *heading = text_of(s->heading, row);

	if (heading) {
		if (row)
			strbuf_putc(s->t->out, '\n');
		style_begin(s->t, STYLE_LABEL);
		add_printable(s, heading);
		style_end(s->t, STYLE_LABEL);
		strbuf_putc(s->t->out, '\n');
	}
	if (number_of(s->depth, row) == TABLE_UNKNOWN)
		return;
	add_frame(s, row);
	add_source(s, row);
	add_locals(s, row);
	add_more(s, row);
}

void render_stacks(const struct text_out *t)
{
	const struct table *table = &t->result->table;
	struct stacks s = {
		.t = t,
		.heading = column_find(table, "heading"),
		.depth = column_find(table, "depth"),
		.function = column_find(table, "function"),
		.file = column_find(table, "file"),
		.line = column_find(table, "line"),
		.end_line = column_find(table, "end_line"),
		.column = column_find(table, "column"),
		.end_column = column_find(table, "end_column"),
		.source = column_find(table, "source"),
		.changed = column_find(table, "source_changed"),
		.locals = column_find(table, "locals"),
		.more = column_find(table, "more"),
		.mark = column_find(table, "mark"),
		.depth_width = 2,
	};
	uint64_t deepest = 0;

	for (uint64_t row = 0; row < table->row_n; row++)
		if (number_of(s.depth, row) != TABLE_UNKNOWN && s.depth->u64[row] > deepest)
			deepest = s.depth->u64[row];
	for (; deepest > 9; deepest /= 10)
		s.depth_width++;
	for (uint64_t row = 0; row < table->row_n; row++)
		add_row(&s, row);
	if (!table->row_n)
		strbuf_puts(t->out, "no frames\n");
}
