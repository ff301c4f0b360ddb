// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chains, one step a line, to be read from the top: what holds the object, and by which
 * name each step leads to the next. The steps of one chain are aligned:
 *
 *	module  0x7f21c8a3b0  errorlog
 *	  ._temp_logs  dict  0x7f21c8a4c0  {'test_07': […]}
 *	  ['test_07']  list  0x7f21c8b180  [ValueError('row 3')]
 */
#include "render/style.h"

#include "util/checked.h"

enum { LABEL, TYPE, ADDR, REPR, PART_N };

// Longer ones push their own line to the right, not the others.
#define PART_WIDTH_MAX 40u

// Of a longer chain people see both ends; --json has all of it.
#define HEAD_STEPS 40u
#define TAIL_STEPS 15u

struct chains {
	const struct text_out *t;
	const struct table_column *path, *parts[PART_N];
	struct strbuf cell;
};

struct chain {
	uint64_t first, end; // rows
	uint64_t widths[PART_N];
};

static const char *part(struct chains *c, unsigned i, uint64_t row)
{
	const struct table_column *col = c->parts[i];

	if (!col || cell_is_null(col, row) || (col->type == CCORE_ADDR && !col->u64[row]))
		return "";
	cell_format(c->t, col, row, &c->cell);
	return c->cell.failed ? "" : c->cell.data;
}

// The row that is shown after `row`.
static uint64_t next_shown(const struct chain *chain, uint64_t row)
{
	if (row + 1 == chain->first + HEAD_STEPS && chain->end - row > TAIL_STEPS + 2)
		return chain->end - TAIL_STEPS;
	return row + 1;
}

static void measure(struct chains *c, struct chain *chain)
{
	for (uint64_t row = next_shown(chain, chain->first); row < chain->end;
	     row = next_shown(chain, row)) {
		for (unsigned i = 0; i < PART_N; i++) {
			const uint64_t w = u64_min(text_width(part(c, i, row)), PART_WIDTH_MAX);

			if (w > chain->widths[i])
				chain->widths[i] = w;
		}
	}
}

// The root stands out by its place; it has no label.
static void add_step(struct chains *c, const struct chain *chain, uint64_t row)
{
	static const enum style styles[] = {STYLE_LABEL, STYLE_BOLD, STYLE_DIM, STYLE_NONE};
	const bool is_root = row == chain->first;
	uint64_t written = 0, at = is_root ? 2 : 4;

	for (unsigned i = is_root ? TYPE : LABEL; i < PART_N; i++) {
		const char *s = part(c, i, row);
		uint64_t width = text_width(s);

		if (*s) {
			strbuf_pad(c->t->out, ' ', at - written);
			style_begin(c->t, styles[i]);
			if (i == REPR)
				text_fit(c->t, s, at);
			else
				strbuf_puts(c->t->out, s);
			style_end(c->t, styles[i]);
			written = at + width;
		}
		if (!is_root && chain->widths[i] > width)
			width = chain->widths[i];
		at += width ? width + 2 : 0;
	}
	strbuf_putc(c->t->out, '\n');
}

static void add_steps(struct chains *c, const struct chain *chain)
{
	for (uint64_t row = chain->first, next; row < chain->end; row = next) {
		next = next_shown(chain, row);
		add_step(c, chain, row);
		if (next == row + 1)
			continue;
		strbuf_puts(c->t->out, "    … ");
		strbuf_add_count(c->t->out, next - row - 1);
		strbuf_puts(c->t->out, " more steps\n");
	}
}

static struct chain chain_at(const struct chains *c, uint64_t row)
{
	const struct table *table = &c->t->result->table;
	struct chain chain = {.first = row, .end = row + 1};

	while (chain.end < table->row_n && c->path && c->path->u64[chain.end] == c->path->u64[row])
		chain.end++;
	return chain;
}

static uint64_t count_chains(const struct chains *c)
{
	uint64_t n = 0;

	for (uint64_t row = 0; row < c->t->result->table.row_n; row = chain_at(c, row).end)
		n++;
	return n;
}

void render_chains(const struct text_out *t)
{
	static const char *const names[] = {"label", "type", "addr", "repr"};
	const struct table *table = &t->result->table;
	struct chains c = {.t = t, .path = column_find(table, "path")};
	uint64_t n, i = 0;

	for (unsigned k = 0; k < PART_N; k++)
		c.parts[k] = column_find(table, names[k]);
	n = count_chains(&c);
	for (uint64_t row = 0; row < table->row_n;) {
		struct chain chain = chain_at(&c, row);

		measure(&c, &chain);
		if (i++)
			strbuf_putc(t->out, '\n');
		if (n > 1) {
			style_begin(t, STYLE_DIM);
			strbuf_printf(t->out, "path %llu of %llu", (unsigned long long)i,
				      (unsigned long long)n);
			style_end(t, STYLE_DIM);
			strbuf_putc(t->out, '\n');
		}
		add_steps(&c, &chain);
		row = chain.end;
	}
	t->out->failed |= c.cell.failed;
	strbuf_done(&c.cell);
}
