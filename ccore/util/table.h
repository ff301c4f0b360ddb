// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table: what every command answers with. Named, typed columns of equal length, each one
 * contiguous array; strings are owned by the table's arena, so a table survives the session
 * it came from.
 *
 * A command adds its columns, then its rows, one table_row() and one table_set_*() a cell;
 * cells not set are 0 or NULL ("not known"). Rows come in the order they shall be shown.
 * table_limit() then keeps the first rows and remembers what it left out.
 */
#ifndef NECROPY_TABLE_H
#define NECROPY_TABLE_H

#include "util/arena.h"
#include "util/error.h"

#include <stdbool.h>

#define TABLE_COLUMNS_MAX 32u

// How text shows a table; other formats always show rows and columns.
enum table_style {
	TABLE_ROWS,  // a header line and aligned columns
	TABLE_PAIRS, // columns "key", "value" (and "source"): one "key  value" a line
	TABLE_CHAIN, // columns path, step, addr, type, label, repr: one indented step a line
	TABLE_STACK, // the columns of command/cmd_bt.c: a heading for each stack, then its frames
	TABLE_VALUE  // one row whose last column is the answer: just that
};

enum table_column_flags {
	COLUMN_TOTAL = 1,    // summed over all rows, also those left out
	COLUMN_HIDDEN = 2,   // in JSON and CSV, but not in text
	COLUMN_NULLABLE = 4, // TABLE_UNKNOWN means not known: null
	COLUMN_PAIRS = 8,    // lines of "name = value", one ended by '\n': an object in JSON
	COLUMN_BOOL = 16,    // 0 and 1 are false and true
	COLUMN_PATH = 32,    // parts from the root of a tree on, a part a line: a list in JSON
	// 1: the row sums up rows below it. Text shows it; machines do not get it, nor the column,
	// and nothing counts it.
	COLUMN_GROUP = 64
};

// A u64 cell of a COLUMN_NULLABLE column that is not known.
#define TABLE_UNKNOWN UINT64_MAX

struct table_column {
	const char *name; // static text
	const char *unit; // "", "objects", "bytes"; static text
	enum ccore_column_type type;
	unsigned flags; // enum table_column_flags
	union {
		uint64_t *u64;
		const char **str;
	};
	uint64_t total; // for COLUMN_TOTAL, over all rows
};

/** Zeroed, it is an empty table. */
struct table {
	struct arena arena;
	struct table_column columns[TABLE_COLUMNS_MAX];
	uint64_t column_n;
	uint64_t group; // 1 + the index of the COLUMN_GROUP, or 0
	uint64_t row_n, row_cap;
	uint64_t all_n;	   // rows before table_limit()
	uint64_t left_out; // rows that the command itself has not added, because of -n
	const char *noun;  // what a row is, plural: "types"; for the footer; static text
	const char *aside; // some words on the totals, shown beside them, or NULL; the arena's
	enum table_style style;
	bool failed; // memory ran out; checked once, by table_finish()
};

/** Add a column; returns its index. Only before the first row. */
uint64_t table_column(struct table *t, const char *name, const char *unit,
		      enum ccore_column_type type, unsigned flags);

/** Add a row; returns its index. */
uint64_t table_row(struct table *t);

void table_set_u64(struct table *t, uint64_t row, uint64_t column, uint64_t value);

/** `value` is copied; NULL means not known. */
void table_set_str(struct table *t, uint64_t row, uint64_t column, const char *value);

/** Whether `row` only sums up others: see COLUMN_GROUP. */
static inline bool table_is_group(const struct table *t, uint64_t row)
{
	return t->group && t->columns[t->group - 1].u64[row];
}

/** Rows that are not such. */
uint64_t table_rows(const struct table *t);

/** Sum up COLUMN_TOTAL columns, then keep `limit` rows. CCORE_ENOMEM when memory ran out. */
int table_finish(struct table *t, uint64_t limit, struct ccore_error *err);

void table_done(struct table *t);

#endif
