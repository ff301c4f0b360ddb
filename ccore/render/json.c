// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The JSON document of docs/formats.md, and its rows alone as JSON Lines. ASCII only; keys
 * in a fixed order, so that equal answers are equal bytes.
 */
#include "render/cell.h"
#include "render/render.h"

#include <stdlib.h>

#define SCHEMA 1

static void add_string(struct strbuf *out, const char *s)
{
	if (s)
		strbuf_add_json(out, s);
	else
		strbuf_puts(out, "null");
}

static void add_number(struct strbuf *out, uint64_t n)
{
	strbuf_printf(out, "%llu", (unsigned long long)n);
}

static void add_bool(struct strbuf *out, bool b)
{
	strbuf_puts(out, b ? "true" : "false");
}

// Addresses are strings: numbers past 2^53 do not survive every JSON reader.
static void add_addr(struct strbuf *out, addr_t addr)
{
	strbuf_printf(out, "\"0x%llx\"", (unsigned long long)addr);
}

// Lines of "name = value" as an object. Names have no " = " in them.
static void add_pairs(struct strbuf *out, const char *lines)
{
	const char *separator = "";

	strbuf_putc(out, '{');
	while (*lines) {
		const uint64_t n = strcspn(lines, "\n");
		char *line = strndup(lines, n), *value = line ? strstr(line, " = ") : NULL;

		if (value) {
			*value = '\0';
			strbuf_puts(out, separator);
			strbuf_add_json(out, line);
			strbuf_puts(out, ": ");
			strbuf_add_json(out, value + 3);
			separator = ", ";
		}
		out->failed |= !line;
		free(line);
		lines += n + (lines[n] != '\0');
	}
	strbuf_putc(out, '}');
}

static void add_path(struct strbuf *out, const char *lines)
{
	const char *separator = "[";

	for (uint64_t n; *lines; lines += n + (lines[n] != '\0')) {
		char *part;

		n = strcspn(lines, "\n");
		part = strndup(lines, n);
		strbuf_puts(out, separator);
		if (part)
			strbuf_add_json(out, part);
		out->failed |= !part;
		free(part);
		separator = ", ";
	}
	strbuf_putc(out, ']');
}

static void add_cell(struct strbuf *out, const struct table_column *c, uint64_t row)
{
	if (cell_is_null(c, row))
		strbuf_puts(out, "null");
	else if (c->flags & COLUMN_PATH)
		add_path(out, c->str[row]);
	else if (c->flags & COLUMN_PAIRS)
		add_pairs(out, c->str[row]);
	else if (c->type == CCORE_STR)
		strbuf_add_json(out, c->str[row]);
	else if (c->type == CCORE_ADDR)
		add_addr(out, c->u64[row]);
	else if (c->flags & COLUMN_BOOL)
		add_bool(out, c->u64[row]);
	else
		add_number(out, c->u64[row]);
}

static void add_row(struct strbuf *out, const struct table *t, uint64_t row)
{
	const char *separator = "";

	strbuf_putc(out, '{');
	for (uint64_t c = 0; c < t->column_n; c++) {
		if (t->columns[c].flags & COLUMN_GROUP)
			continue;
		strbuf_printf(out, "%s\"%s\": ", separator, t->columns[c].name);
		add_cell(out, &t->columns[c], row);
		separator = ", ";
	}
	strbuf_putc(out, '}');
}

// One row a line, so that two documents can be compared with diff.
static void add_rows(struct strbuf *out, const char *key, const struct table *t)
{
	const char *separator = "\n  ";

	strbuf_printf(out, ",\n \"%s\": [", key);
	for (uint64_t row = 0; row < t->row_n; row++) {
		if (table_is_group(t, row))
			continue;
		strbuf_puts(out, separator);
		add_row(out, t, row);
		separator = ",\n  ";
	}
	strbuf_putc(out, ']');
}

static void add_target(struct strbuf *out, const struct result_target *t)
{
	strbuf_puts(out, "{\"kind\": ");
	add_string(out, t->kind);
	strbuf_puts(out, ", \"path\": ");
	add_string(out, t->path);
	strbuf_puts(out, ", \"pid\": ");
	if (t->pid)
		add_number(out, t->pid);
	else
		strbuf_puts(out, "null");
	strbuf_puts(out, ", \"python\": ");
	add_string(out, t->python);
	strbuf_puts(out, ", \"free_threaded\": ");
	add_bool(out, t->free_threaded);
	strbuf_puts(out, ",\n  \"build_id\": ");
	add_string(out, t->build_id);
	strbuf_puts(out, ", \"layout\": ");
	add_string(out, t->layout);
	strbuf_puts(out, ", \"gc_in_progress\": ");
	if (t->gc_is_known)
		add_bool(out, t->gc_in_progress);
	else
		strbuf_puts(out, "null");
	strbuf_putc(out, '}');
}

static void add_damage(struct strbuf *out, const struct damage *d)
{
	const char *separator = "";

	strbuf_putc(out, '[');
	for (unsigned k = 0; k < DAMAGE_KIND_N; k++) {
		if (!d->count[k])
			continue;
		strbuf_printf(out, "%s{\"kind\": \"%s\", \"count\": ", separator,
			      damage_name((enum damage_kind)k));
		add_number(out, d->count[k]);
		strbuf_puts(out, ", \"first\": ");
		if (d->first[k])
			add_addr(out, d->first[k]);
		else
			strbuf_puts(out, "null");
		strbuf_putc(out, '}');
		separator = ", ";
	}
	strbuf_putc(out, ']');
}

static void add_notes(struct strbuf *out, const struct ccore_result *r)
{
	const char *separator = "";

	strbuf_putc(out, '[');
	if (r->table.aside) {
		strbuf_add_json(out, r->table.aside);
		separator = ", ";
	}
	for (uint64_t i = 0; i < r->notes.n; i++) {
		strbuf_puts(out, separator);
		strbuf_add_json(out, r->notes.data[i]);
		separator = ", ";
	}
	strbuf_putc(out, ']');
}

static void add_columns(struct strbuf *out, const struct table *t)
{
	const char *separator = "";

	strbuf_putc(out, '[');
	for (uint64_t c = 0; c < t->column_n; c++) {
		if (t->columns[c].flags & COLUMN_GROUP)
			continue;
		strbuf_printf(out, "%s{\"name\": \"%s\", \"unit\": \"%s\"}", separator,
			      t->columns[c].name, t->columns[c].unit);
		separator = ", ";
	}
	strbuf_putc(out, ']');
}

static void add_totals(struct strbuf *out, const struct table *t)
{
	const char *separator = "";

	strbuf_putc(out, '{');
	for (uint64_t c = 0; c < t->column_n; c++) {
		if (!(t->columns[c].flags & COLUMN_TOTAL))
			continue;
		strbuf_printf(out, "%s\"%s\": ", separator, t->columns[c].name);
		add_number(out, t->columns[c].total);
		separator = ", ";
	}
	strbuf_putc(out, '}');
}

void render_json(const struct ccore_result *r, struct strbuf *out)
{
	strbuf_printf(out, "{\"schema\": %d, \"command\": \"%s\",\n \"target\": ", SCHEMA,
		      r->command);
	add_target(out, &r->target);
	strbuf_puts(out, ",\n \"complete\": ");
	add_bool(out, result_is_complete(r));
	strbuf_puts(out, ", \"damage\": ");
	add_damage(out, &r->damage);
	strbuf_puts(out, ", \"notes\": ");
	add_notes(out, r);
	strbuf_puts(out, ",\n \"columns\": ");
	add_columns(out, &r->table);
	add_rows(out, "rows", &r->table);
	if (r->edges.column_n)
		add_rows(out, "edges", &r->edges);
	strbuf_puts(out, ",\n \"totals\": ");
	add_totals(out, &r->table);
	strbuf_puts(out, ", \"all_rows\": ");
	add_number(out, r->table.all_n);
	strbuf_puts(out, "}\n");
}

void render_jsonl(const struct ccore_result *r, struct strbuf *out)
{
	for (uint64_t row = 0; row < r->table.row_n; row++) {
		if (table_is_group(&r->table, row))
			continue;
		add_row(out, &r->table, row);
		strbuf_putc(out, '\n');
	}
}
