// SPDX-License-Identifier: GPL-2.0-or-later
// Results for people: aligned columns, a footer with what was left out, and what it rests on.
#include "render/style.h"

#include "util/checked.h"

#define GAP "  "

static bool is_shown(const struct table_column *c)
{
	return !(c->flags & (COLUMN_HIDDEN | COLUMN_GROUP));
}

static bool is_right(const struct table_column *c)
{
	return c->type == CCORE_U64 && !(c->flags & COLUMN_BOOL);
}

static uint64_t last_shown(const struct table *t)
{
	uint64_t last = 0;

	for (uint64_t c = 0; c < t->column_n; c++)
		if (is_shown(&t->columns[c]))
			last = c;
	return last;
}

static void measure(const struct text_out *t, bool with_header, uint64_t *widths)
{
	const struct table *table = &t->result->table;
	struct strbuf cell = {0};

	for (uint64_t c = 0; c < table->column_n; c++) {
		const struct table_column *col = &table->columns[c];

		widths[c] = with_header ? text_width(col->name) : 0;
		for (uint64_t row = 0; is_shown(col) && row < table->row_n; row++) {
			cell_format(t, col, row, &cell);
			if (!cell.failed && text_width(cell.data) > widths[c])
				widths[c] = text_width(cell.data);
		}
	}
	t->out->failed |= cell.failed;
	strbuf_done(&cell);
}

// One line of a table: the header when `row` is UINT64_MAX.
static void add_line(const struct text_out *t, const uint64_t *widths, uint64_t row)
{
	const struct table *table = &t->result->table;
	const uint64_t last = last_shown(table);
	const char *gap = "";
	struct strbuf cell = {0};
	uint64_t at = 0;

	for (uint64_t c = 0; c <= last && c < table->column_n; c++) {
		const struct table_column *col = &table->columns[c];

		if (!is_shown(col))
			continue;
		// What there may be to say of a fact: mostly nothing.
		if (c > 1 && table->style == TABLE_PAIRS && cell_is_null(col, row))
			break;
		if (row == UINT64_MAX) {
			cell.n = 0;
			strbuf_puts(&cell, col->name);
		} else {
			cell_format(t, col, row, &cell);
		}
		if (cell.failed)
			break;
		strbuf_puts(t->out, gap);
		at += strlen(gap);
		if (c < last || is_right(col))
			text_pad(t, cell.data, widths[c], is_right(col));
		else
			text_fit(t, cell.data, at);
		at += widths[c];
		gap = GAP;
	}
	t->out->failed |= cell.failed;
	strbuf_done(&cell);
}

// "types" for many, "type" for one.
static void add_noun(struct strbuf *out, const char *plural, uint64_t n)
{
	uint64_t len = strlen(plural);

	if (n == 1 && len > 3 && !strcmp(plural + len - 3, "ies")) {
		strbuf_add(out, plural, len - 3);
		strbuf_putc(out, 'y');
		return;
	}
	if (n == 1 && len > 3 && !strcmp(plural + len - 3, "ses"))
		len -= 2;
	else if (n == 1 && len > 1 && plural[len - 1] == 's')
		len--;
	strbuf_add(out, plural, len);
}

static const char *noun_of(const struct table *t)
{
	return t->noun ? t->noun : "rows";
}

static uint64_t shown_sum(const struct table *t, const struct table_column *c)
{
	uint64_t sum = 0;

	for (uint64_t row = 0; row < t->row_n; row++)
		if (!cell_is_null(c, row) && !table_is_group(t, row))
			sum += c->u64[row];
	return sum;
}

static bool counts_objects(const struct table_column *c)
{
	return (c->flags & COLUMN_TOTAL) && *c->unit && !column_is_bytes(c);
}

// ", 312.4 MiB" for the columns of sizes; with their names when there are several.
static void add_sizes(const struct text_out *t, bool of_rest)
{
	const struct table *table = &t->result->table;
	uint64_t n = 0;

	for (uint64_t c = 0; c < table->column_n; c++)
		n += (table->columns[c].flags & COLUMN_TOTAL) &&
		     column_is_bytes(&table->columns[c]);
	for (uint64_t c = 0; c < table->column_n; c++) {
		const struct table_column *col = &table->columns[c];
		uint64_t bytes = col->total;

		if (!(col->flags & COLUMN_TOTAL) || !column_is_bytes(col))
			continue;
		if (of_rest)
			bytes -= u64_min(bytes, shown_sum(table, col));
		strbuf_puts(t->out, ", ");
		if (n > 1)
			strbuf_printf(t->out, "%s ", col->name);
		if (t->result->exact_bytes) {
			strbuf_add_count(t->out, bytes);
			strbuf_puts(t->out, " bytes");
		} else {
			strbuf_add_size(t->out, bytes);
		}
	}
}

static void add_more(const struct text_out *t)
{
	const struct table *table = &t->result->table;
	const uint64_t left_out = table->all_n - u64_min(table->all_n, table_rows(table));

	if (!left_out)
		return;
	style_begin(t, STYLE_DIM);
	strbuf_puts(t->out, "… ");
	strbuf_add_count(t->out, left_out);
	strbuf_puts(t->out, " more ");
	add_noun(t->out, noun_of(table), left_out);
	add_sizes(t, true);
	style_end(t, STYLE_DIM);
	strbuf_putc(t->out, '\n');
}

static void add_total(const struct text_out *t)
{
	const struct table *table = &t->result->table;
	const char *noun = noun_of(table);
	uint64_t n = table->all_n;
	bool any = false;

	for (uint64_t c = 0; c < table->column_n; c++) {
		const struct table_column *col = &table->columns[c];

		any |= (col->flags & COLUMN_TOTAL) != 0;
		if (counts_objects(col) && noun == noun_of(table)) { // the first that counts
			n = col->total;
			noun = col->unit;
		}
	}
	if (!any)
		return;
	style_begin(t, STYLE_BOLD);
	strbuf_puts(t->out, "Total ");
	strbuf_add_count(t->out, n);
	strbuf_putc(t->out, ' ');
	add_noun(t->out, noun, n);
	add_sizes(t, false);
	style_end(t, STYLE_BOLD);
	if (table->aside)
		strbuf_printf(t->out, " (%s)", table->aside);
	strbuf_putc(t->out, '\n');
}

static void render_rows(const struct text_out *t)
{
	uint64_t widths[TABLE_COLUMNS_MAX] = {0};
	const struct table *table = &t->result->table;

	if (!table->all_n) {
		strbuf_printf(t->out, "no %s\n", noun_of(table));
		return;
	}
	if (table->row_n) {
		measure(t, true, widths);
		style_begin(t, STYLE_BOLD);
		add_line(t, widths, UINT64_MAX);
		style_end(t, STYLE_BOLD);
		strbuf_putc(t->out, '\n');
	}
	for (uint64_t row = 0; row < table->row_n; row++) {
		add_line(t, widths, row);
		strbuf_putc(t->out, '\n');
	}
	add_more(t);
	add_total(t);
}

static void render_pairs(const struct text_out *t)
{
	uint64_t widths[TABLE_COLUMNS_MAX] = {0};

	measure(t, false, widths);
	for (uint64_t row = 0; row < t->result->table.row_n; row++) {
		add_line(t, widths, row);
		strbuf_putc(t->out, '\n');
	}
	add_more(t);
}

static void render_value(const struct text_out *t)
{
	const struct table *table = &t->result->table;
	struct strbuf cell = {0};

	if (!table->row_n || !table->column_n)
		return;
	cell_format(t, &table->columns[table->column_n - 1], 0, &cell);
	if (!cell.failed)
		strbuf_puts(t->out, cell.data);
	strbuf_putc(t->out, '\n');
	t->out->failed |= cell.failed;
	strbuf_done(&cell);
}

static void add_sentence(const struct text_out *t, enum style style, const char *word,
			 const char *sentence)
{
	style_begin(t, style);
	strbuf_puts(t->out, word);
	style_end(t, style);
	strbuf_add_printable(t->out, sentence, strlen(sentence));
	strbuf_putc(t->out, '\n');
}

static void add_damage(const struct text_out *t, enum damage_kind kind)
{
	const struct damage *d = &t->result->damage;
	struct strbuf text = {0};

	strbuf_add_count(&text, d->count[kind]);
	strbuf_printf(&text, " %s", damage_text(kind));
	if (d->first[kind])
		strbuf_printf(&text, ", first at 0x%llx", (unsigned long long)d->first[kind]);
	t->out->failed |= text.failed;
	if (!text.failed)
		add_sentence(t, STYLE_WARN, "incomplete: ", text.data);
	strbuf_done(&text);
}

void render_text(const struct ccore_result *r, const struct render_opts *opts, struct strbuf *out)
{
	const struct text_out t = {.result = r, .opts = opts, .out = out};

	switch (r->table.style) {
	case TABLE_ROWS:
		render_rows(&t);
		break;
	case TABLE_PAIRS:
		render_pairs(&t);
		break;
	case TABLE_CHAIN:
		render_chains(&t);
		break;
	case TABLE_STACK:
		render_stacks(&t);
		break;
	case TABLE_VALUE:
		render_value(&t);
		break;
	}
	for (uint64_t i = 0; i < r->notes.n; i++)
		add_sentence(&t, STYLE_DIM, "note: ", r->notes.data[i]);
	for (unsigned k = 0; k < DAMAGE_KIND_N; k++)
		if (r->damage.count[k])
			add_damage(&t, (enum damage_kind)k);
}
