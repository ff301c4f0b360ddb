// SPDX-License-Identifier: GPL-2.0-or-later
// What every renderer asks of a table's cell.
#ifndef NECROPY_CELL_H
#define NECROPY_CELL_H

#include "util/result.h"

#include <string.h>

static inline bool cell_is_null(const struct table_column *c, uint64_t row)
{
	if (c->type == CCORE_STR)
		return !c->str[row];
	return (c->flags & COLUMN_NULLABLE) && c->u64[row] == TABLE_UNKNOWN;
}

static inline bool column_is_bytes(const struct table_column *c)
{
	return c->type == CCORE_U64 && !strcmp(c->unit, "bytes");
}

/** The column called `name`, or NULL. */
static inline const struct table_column *column_find(const struct table *t, const char *name)
{
	for (uint64_t c = 0; c < t->column_n; c++)
		if (!strcmp(t->columns[c].name, name))
			return &t->columns[c];
	return NULL;
}

#endif
