// SPDX-License-Identifier: GPL-2.0-or-later
// A header line and the rows, as RFC 4180 has it but for its line ends. Unknown is empty.
#include "render/cell.h"
#include "render/render.h"

static void add_cell(struct strbuf *out, const struct table_column *c, uint64_t row)
{
	if (cell_is_null(c, row))
		return;
	if (c->type == CCORE_STR)
		strbuf_add_csv(out, c->str[row]);
	else if (c->type == CCORE_ADDR)
		strbuf_printf(out, "0x%llx", (unsigned long long)c->u64[row]);
	else if (c->flags & COLUMN_BOOL)
		strbuf_puts(out, c->u64[row] ? "true" : "false");
	else
		strbuf_printf(out, "%llu", (unsigned long long)c->u64[row]);
}

void render_csv(const struct ccore_result *r, struct strbuf *out)
{
	const struct table *t = &r->table;

	for (uint64_t c = 0; c < t->column_n; c++) {
		strbuf_puts(out, c ? "," : "");
		strbuf_add_csv(out, t->columns[c].name);
	}
	strbuf_putc(out, '\n');
	for (uint64_t row = 0; row < t->row_n; row++) {
		for (uint64_t c = 0; c < t->column_n; c++) {
			strbuf_puts(out, c ? "," : "");
			add_cell(out, &t->columns[c], row);
		}
		strbuf_putc(out, '\n');
	}
}
