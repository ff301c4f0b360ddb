// SPDX-License-Identifier: GPL-2.0-or-later
// A header line and the rows, as RFC 4180 has it but for its line ends. Unknown is empty.
#include "render/cell.h"
#include "render/render.h"

// The parts of a path with " / " between them.
static void add_path(struct strbuf *out, const char *lines)
{
	struct strbuf path = {0};

	for (const char *p = lines; *p; p++) {
		if (*p == '\n')
			strbuf_puts(&path, " / ");
		else
			strbuf_putc(&path, *p);
	}
	if (path.n)
		strbuf_add_csv(out, path.data);
	out->failed |= path.failed;
	strbuf_done(&path);
}

static void add_cell(struct strbuf *out, const struct table_column *c, uint64_t row)
{
	if (cell_is_null(c, row))
		return;
	if (c->flags & COLUMN_PATH)
		add_path(out, c->str[row]);
	else if (c->type == CCORE_STR)
		strbuf_add_csv(out, c->str[row]);
	else if (c->type == CCORE_ADDR)
		strbuf_printf(out, "0x%llx", (unsigned long long)c->u64[row]);
	else if (c->flags & COLUMN_BOOL)
		strbuf_puts(out, c->u64[row] ? "true" : "false");
	else
		strbuf_printf(out, "%llu", (unsigned long long)c->u64[row]);
}

// The header line when `row` is UINT64_MAX.
static void add_line(const struct table *t, uint64_t row, struct strbuf *out)
{
	const char *separator = "";

	for (uint64_t c = 0; c < t->column_n; c++) {
		if (t->columns[c].flags & COLUMN_GROUP)
			continue;
		strbuf_puts(out, separator);
		if (row == UINT64_MAX)
			strbuf_add_csv(out, t->columns[c].name);
		else
			add_cell(out, &t->columns[c], row);
		separator = ",";
	}
	strbuf_putc(out, '\n');
}

void render_csv(const struct ccore_result *r, struct strbuf *out)
{
	const struct table *t = &r->table;

	add_line(t, UINT64_MAX, out);
	for (uint64_t row = 0; row < t->row_n; row++)
		if (!table_is_group(t, row))
			add_line(t, row, out);
}
