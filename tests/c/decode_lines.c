// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Line tables on standard input, decoded: for each line
 *
 *	KIND FIRST-LINE CODE-BYTES TABLE
 *
 * (numbers, and the table in hexadecimal) one line of output: LINE,END,COLUMN,END-COLUMN of every
 * second offset, or "?" where there is none. tests/test_line_tables.py compares with CPython.
 */
#include "py/line_table.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t read_hex(const char *text, uint8_t *ret)
{
	uint64_t n = 0;
	unsigned byte;

	while (sscanf(text + 2 * n, "%2x", &byte) == 1)
		ret[n++] = (uint8_t)byte;
	return n;
}

static void decode(const struct line_table *t, int64_t code_bytes)
{
	struct code_position at;

	for (int64_t offset = 0; offset < code_bytes; offset += 2) {
		if (line_table_find(t, offset, &at))
			(void)printf("%d,%d,%d,%d ", at.line, at.end_line, at.column,
				     at.end_column);
		else
			(void)printf("? ");
	}
	(void)putchar('\n');
}

int main(void)
{
	char *line = NULL, *hex = NULL;
	uint8_t *table = NULL;
	size_t cap = 0;
	int kind, first, used;
	long long code_bytes;

	while (getline(&line, &cap, stdin) > 0) {
		struct line_table t;

		if (sscanf(line, "%d %d %lld %n", &kind, &first, &code_bytes, &used) != 3)
			return 1;
		hex = line + used;
		table = realloc(table, cap);
		if (!table)
			return 1;
		t = (struct line_table){.kind = (enum line_table_kind)kind, .first_line = first};
		t.n = read_hex(hex, table);
		t.data = table;
		decode(&t, code_bytes);
	}
	free(table);
	free(line);
	return 0;
}
