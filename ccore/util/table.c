// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/table.h"

#include <assert.h>
#include <stdlib.h>

uint64_t table_column(struct table *t, const char *name, const char *unit,
		      enum ccore_column_type type, unsigned flags)
{
	assert(t->column_n < TABLE_COLUMNS_MAX && !t->row_cap);
	t->columns[t->column_n] = (struct table_column){
		.name = name,
		.unit = unit,
		.type = type,
		.flags = flags,
	};
	if (flags & COLUMN_GROUP)
		t->group = t->column_n + 1;
	return t->column_n++;
}

static bool grow(struct table *t)
{
	uint64_t cap = t->row_cap ? t->row_cap * 2 : 32;

	if (cap > SIZE_MAX / sizeof(uint64_t))
		return false;
	for (uint64_t c = 0; c < t->column_n; c++) {
		uint64_t *p = realloc(t->columns[c].u64, cap * sizeof(*p));

		if (!p)
			return false;
		t->columns[c].u64 = p;
	}
	t->row_cap = cap;
	return true;
}

uint64_t table_row(struct table *t)
{
	if (t->row_n == t->row_cap && !grow(t)) {
		t->failed = true;
		// Go on in the last row: the failure is reported by table_finish().
		return t->row_n ? t->row_n - 1 : 0;
	}
	for (uint64_t c = 0; c < t->column_n; c++)
		t->columns[c].u64[t->row_n] = 0;
	return t->row_n++;
}

void table_set_u64(struct table *t, uint64_t row, uint64_t column, uint64_t value)
{
	assert(column < t->column_n && t->columns[column].type != CCORE_STR);
	if (row < t->row_n)
		t->columns[column].u64[row] = value;
}

void table_set_str(struct table *t, uint64_t row, uint64_t column, const char *value)
{
	const char *copy = arena_strdup(&t->arena, value);

	assert(column < t->column_n && t->columns[column].type == CCORE_STR);
	if (value && !copy)
		t->failed = true;
	if (row < t->row_n)
		t->columns[column].str[row] = copy;
}

uint64_t table_rows(const struct table *t)
{
	uint64_t n = 0;

	if (!t->group)
		return t->row_n;
	for (uint64_t row = 0; row < t->row_n; row++)
		n += !table_is_group(t, row);
	return n;
}

// How many rows there are up to row `limit` of those that are no groups.
static uint64_t cut(const struct table *t, uint64_t limit)
{
	uint64_t n = 0;

	if (!t->group)
		return t->row_n < limit ? t->row_n : limit;
	for (uint64_t row = 0; row < t->row_n; row++)
		if (!table_is_group(t, row) && n++ == limit)
			return row;
	return limit ? t->row_n : 0;
}

int table_finish(struct table *t, uint64_t limit, struct ccore_error *err)
{
	if (t->failed)
		return err_nomem(err);
	for (uint64_t c = 0; c < t->column_n; c++) {
		struct table_column *col = &t->columns[c];

		if (!(col->flags & COLUMN_TOTAL))
			continue;
		for (uint64_t r = 0; r < t->row_n; r++)
			if (!table_is_group(t, r) &&
			    (!(col->flags & COLUMN_NULLABLE) || col->u64[r] != TABLE_UNKNOWN))
				col->total += col->u64[r];
	}
	t->all_n = table_rows(t) + t->left_out;
	t->row_n = cut(t, limit);
	return 0;
}

void table_done(struct table *t)
{
	for (uint64_t c = 0; c < t->column_n; c++)
		free(t->columns[c].u64);
	arena_done(&t->arena);
	*t = (struct table){0};
}
