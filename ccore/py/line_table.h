// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * line_table: which line of the source an instruction comes from. Pure functions over the bytes
 * of co_lnotab or co_linetable, in each of their encodings.
 *
 * An instruction is named by its offset in bytes from the start of the code. Lines count from 1,
 * columns are offsets in bytes of UTF-8 from 0, as code.co_positions() has them.
 */
#ifndef NECROPY_LINE_TABLE_H
#define NECROPY_LINE_TABLE_H

#include "layout/layout.h"

/** What the table says of one instruction; -1 where it says nothing. */
struct code_position {
	int32_t line, end_line, column, end_column;
};

/** A line table, and the line its code begins at. */
struct line_table {
	enum line_table_kind kind;
	const uint8_t *data;
	uint64_t n; // bytes
	int32_t first_line;
};

/**
 * The position of the instruction at `offset`. A negative offset is that of code which has not
 * begun: it has its first line. False when the table ends before the offset, or is malformed.
 */
bool line_table_find(const struct line_table *t, int64_t offset, struct code_position *ret);

#endif
