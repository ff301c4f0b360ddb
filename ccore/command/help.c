// SPDX-License-Identifier: GPL-2.0-or-later
// The help of a command, made from its struct command.
#include "command/command.h"

#include <string.h>

#define TEXT_WIDTH 79u
#define OPTION_COLUMN 26u

// Breaks lines at spaces, keeps the line breaks of `s`, and begins new ones at `indent`.
static void add_wrapped(struct strbuf *out, const char *s, uint64_t indent)
{
	uint64_t column = indent;

	while (*s) {
		const uint64_t n = strcspn(s, " \n");

		if (column > indent && column + 1 + n > TEXT_WIDTH) {
			strbuf_putc(out, '\n');
			strbuf_pad(out, ' ', indent);
			column = indent;
		}
		if (column > indent) {
			strbuf_putc(out, ' ');
			column++;
		}
		strbuf_add(out, s, n);
		column += n;
		s += n;
		if (*s == '\n' && s[1]) {
			strbuf_putc(out, '\n');
			strbuf_pad(out, ' ', indent);
			column = indent;
		}
		s += *s != '\0';
	}
	strbuf_putc(out, '\n');
}

// The lines of `s`; the first goes on where `out` is.
static void add_indented(struct strbuf *out, const char *s)
{
	for (const char *line = s; *line;) {
		const uint64_t n = strcspn(line, "\n");

		if (n && line != s)
			strbuf_puts(out, "  ");
		strbuf_add(out, line, n);
		strbuf_putc(out, '\n');
		line += n + (line[n] != '\0');
	}
}

static void add_param(struct strbuf *out, const struct param *p)
{
	const uint64_t start = out->n;
	struct strbuf text = {0};
	uint64_t width;

	strbuf_printf(out, "  %s", p->name);
	if (p->metavar)
		strbuf_printf(out, " %s", p->values ? p->values : p->metavar);
	width = out->n - start;
	if (width + 2 > OPTION_COLUMN) {
		strbuf_putc(out, '\n');
		width = 0;
	}
	strbuf_pad(out, ' ', OPTION_COLUMN - width);
	strbuf_puts(&text, p->help);
	if (p->fallback)
		strbuf_printf(&text, " (default: %s)", p->fallback);
	out->failed |= text.failed;
	add_wrapped(out, text.failed ? "" : text.data, OPTION_COLUMN);
	strbuf_done(&text);
}

void command_help(const struct command *c, struct strbuf *out)
{
	const char *space = *c->argument ? " " : "";
	const struct param *p;

	strbuf_printf(out, "%s\n\n", c->summary);
	strbuf_printf(out, "  necropy %s TARGET%s%s [OPTION]...\n", c->name, space, c->argument);
	strbuf_printf(out, "  (gdb) pm %s%s%s [OPTION]...\n", c->name, space, c->argument);
	if (c->details) {
		strbuf_putc(out, '\n');
		add_wrapped(out, c->details, 0);
	}
	strbuf_puts(out, "\nOptions:\n");
	for (uint64_t j = 0; (p = command_param(c, j)); j++)
		add_param(out, p);
	if (c->example) {
		strbuf_puts(out, "\nExample:\n  (gdb) pm ");
		add_indented(out, c->example);
	}
}
