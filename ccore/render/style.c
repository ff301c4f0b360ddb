// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/style.h"

void style_begin(const struct text_out *t, enum style style)
{
	static const char *const codes[] = {
		[STYLE_NONE] = "",	    [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
		[STYLE_LABEL] = "\033[36m", [STYLE_WARN] = "\033[33m",
	};

	if (t->opts->color)
		strbuf_puts(t->out, codes[style]);
}

void style_end(const struct text_out *t, enum style style)
{
	if (t->opts->color && style != STYLE_NONE)
		strbuf_puts(t->out, "\033[0m");
}

// Numbers with a unit are counts and get separators; those without are ids, such as a
// thread's, and do not.
static void format_number(const struct text_out *t, const struct table_column *c, uint64_t n,
			  struct strbuf *ret)
{
	if (c->flags & COLUMN_BOOL)
		strbuf_puts(ret, n ? "yes" : "no");
	else if (column_is_bytes(c) && !t->result->exact_bytes)
		strbuf_add_size(ret, n);
	else if (!strcmp(c->unit, "ppm"))
		strbuf_printf(ret, "%llu.%llu %%", (unsigned long long)(n / 10000),
			      (unsigned long long)(n / 1000 % 10));
	else if (*c->unit)
		strbuf_add_count(ret, n);
	else
		strbuf_printf(ret, "%llu", (unsigned long long)n);
}

// A row whose column "estimated" says so has a size that is an estimate.
static bool is_estimate(const struct text_out *t, const struct table_column *c, uint64_t row)
{
	const struct table_column *estimated = column_find(&t->result->table, "estimated");

	return estimated && estimated->u64[row] && !strcmp(c->name, "size");
}

void cell_format(const struct text_out *t, const struct table_column *c, uint64_t row,
		 struct strbuf *ret)
{
	ret->n = 0;
	if (cell_is_null(c, row)) {
		strbuf_putc(ret, '-');
	} else if (c->flags & COLUMN_PATH) { // as a tree: the last part, further in
		const char *last = c->str[row];

		for (const char *p = last; *p; p++)
			if (*p == '\n') {
				strbuf_puts(ret, "  ");
				last = p + 1;
			}
		strbuf_add_printable(ret, last, strlen(last));
	} else if (c->type == CCORE_STR) { // text of the target must not move the cursor
		strbuf_add_printable(ret, c->str[row], strlen(c->str[row]));
	} else if (c->type == CCORE_ADDR) {
		strbuf_printf(ret, "0x%llx", (unsigned long long)c->u64[row]);
	} else {
		if (is_estimate(t, c, row))
			strbuf_putc(ret, '~');
		format_number(t, c, c->u64[row], ret);
	}
	strbuf_add(ret, "", 0); // an empty string is a string, too
}

// The length of `s` in bytes up to `width` columns.
static uint64_t text_cut(const char *s, uint64_t width)
{
	uint64_t n = 0;

	for (uint64_t i = 0; s[i]; i++) {
		n += (s[i] & 0xc0) != 0x80;
		if (n > width)
			return i;
	}
	return strlen(s);
}

void text_pad(const struct text_out *t, const char *s, uint64_t width, bool right)
{
	const uint64_t w = text_width(s);
	const uint64_t spaces = width > w ? width - w : 0;

	if (right)
		strbuf_pad(t->out, ' ', spaces);
	strbuf_puts(t->out, s);
	if (!right)
		strbuf_pad(t->out, ' ', spaces);
}

void text_fit(const struct text_out *t, const char *s, uint64_t at)
{
	// On a terminal too narrow for anything, a few letters and a broken line are better.
	const uint64_t room = t->opts->width > at + 8 ? t->opts->width - at : 8;

	if (!t->opts->width || text_width(s) <= room) {
		strbuf_puts(t->out, s);
		return;
	}
	strbuf_add(t->out, s, text_cut(s, room - 1));
	strbuf_puts(t->out, "…");
}
