// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/line_table.h"

#include "mem/cursor.h"

#define CODE_UNIT 2

static const struct code_position unknown = {-1, -1, -1, -1};

// Lines are added up from the target's numbers: one that is not possible is no line. Line 0 is
// possible: the first instruction of a module comes before all lines.
static int32_t as_line(int64_t line)
{
	return line >= 0 && line <= INT32_MAX ? (int32_t)line : -1;
}

static bool next_byte(struct cursor *c, uint8_t *ret)
{
	const uint8_t *p = cursor_bytes(c, 1);

	if (p)
		*ret = *p;
	return p;
}

// -- co_lnotab: pairs of what to add to the offset and to the line; the last line has no end

static bool find_in_lnotab(const struct line_table *t, int64_t offset, struct code_position *ret)
{
	struct cursor c = cursor_init(t->data, t->n);
	int64_t at = 0, line = t->first_line;
	uint8_t step, lines;

	while (next_byte(&c, &step) && next_byte(&c, &lines)) {
		at += step;
		if (at > offset)
			break;
		line += t->kind == LINE_TABLE_UNSIGNED ? lines : (int8_t)lines;
	}
	*ret = unknown;
	ret->line = as_line(line);
	return true;
}

// -- co_linetable of PEP 626: ranges of instructions, each with what to add to the line

#define NO_LINE (-128)

static bool find_in_ranges(const struct line_table *t, int64_t offset, struct code_position *ret)
{
	struct cursor c = cursor_init(t->data, t->n);
	int64_t end = 0, line = t->first_line;
	uint8_t length, lines;

	while (next_byte(&c, &length) && next_byte(&c, &lines)) {
		const bool has_line = (int8_t)lines != NO_LINE;

		if (has_line)
			line += (int8_t)lines;
		end += length;
		if (offset < end) {
			*ret = unknown;
			ret->line = has_line ? as_line(line) : -1;
			return true;
		}
	}
	return false;
}

// -- co_linetable of PEP 657: entries of a few bytes, of which the first alone has bit 7 set

enum { SHORT_LAST = 9, ONE_LINE_FIRST = 10, ONE_LINE_LAST = 12, NO_COLUMNS = 13, LONG = 14 };

// 6 bits a byte, the lowest first; bit 6 says that there is more. None is longer than 6 bytes.
static bool next_varint(struct cursor *c, int64_t *ret)
{
	uint64_t value = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 36; shift += 6) {
		if (!next_byte(c, &byte) || byte & 0x80)
			return false;
		value |= (uint64_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40)) {
			*ret = (int64_t)value;
			return true;
		}
	}
	return false;
}

static bool next_signed(struct cursor *c, int64_t *ret)
{
	int64_t x;

	if (!next_varint(c, &x))
		return false;
	*ret = x & 1 ? -(x >> 1) : x >> 1;
	return true;
}

static int32_t as_column(int64_t plus_one)
{
	return plus_one <= INT32_MAX ? (int32_t)(plus_one - 1) : -1;
}

static bool read_short(struct cursor *c, unsigned code, struct code_position *ret)
{
	uint8_t byte;

	if (!next_byte(c, &byte))
		return false;
	ret->column = (int32_t)(code << 3 | byte >> 4);
	ret->end_column = ret->column + (byte & 15);
	return true;
}

static bool read_one_line(struct cursor *c, unsigned code, int64_t *line, struct code_position *ret)
{
	uint8_t from, to;

	if (!next_byte(c, &from) || !next_byte(c, &to))
		return false;
	*line += code - ONE_LINE_FIRST;
	ret->column = from;
	ret->end_column = to;
	return true;
}

static bool read_long(struct cursor *c, int64_t *line, int64_t *end_line, struct code_position *ret)
{
	int64_t lines, more, column, end_column;

	if (!next_signed(c, &lines) || !next_varint(c, &more) || !next_varint(c, &column) ||
	    !next_varint(c, &end_column))
		return false;
	*line += lines;
	*end_line = *line + more;
	ret->column = as_column(column);
	ret->end_column = as_column(end_column);
	return true;
}

// What follows an entry's first byte; `line` goes on from entry to entry.
static bool read_location(struct cursor *c, unsigned code, int64_t *line, struct code_position *ret)
{
	int64_t end_line = 0, lines;

	*ret = unknown;
	if (code <= SHORT_LAST) {
		if (!read_short(c, code, ret))
			return false;
	} else if (code <= ONE_LINE_LAST) {
		if (!read_one_line(c, code, line, ret))
			return false;
	} else if (code == NO_COLUMNS) {
		if (!next_signed(c, &lines))
			return false;
		*line += lines;
	} else if (code == LONG) {
		if (!read_long(c, line, &end_line, ret))
			return false;
	} else {
		return true; // no location at all
	}
	ret->line = as_line(*line);
	ret->end_line = as_line(code == LONG ? end_line : *line);
	return true;
}

static bool find_in_locations(const struct line_table *t, int64_t offset, struct code_position *ret)
{
	struct cursor c = cursor_init(t->data, t->n);
	int64_t end = 0, line = t->first_line;
	struct code_position here;
	uint8_t first;

	while (next_byte(&c, &first)) {
		if (!(first & 0x80) || !read_location(&c, first >> 3 & 15, &line, &here))
			return false;
		end += ((first & 7) + 1) * CODE_UNIT;
		if (offset < end) {
			*ret = here;
			return true;
		}
	}
	return false;
}

bool line_table_find(const struct line_table *t, int64_t offset, struct code_position *ret)
{
	if (offset < 0) {
		*ret = unknown;
		ret->line = as_line(t->first_line);
		return true;
	}
	switch (t->kind) {
	case LINE_TABLE_UNSIGNED:
	case LINE_TABLE_SIGNED:
		return find_in_lnotab(t, offset, ret);
	case LINE_TABLE_RANGES:
		return find_in_ranges(t, offset, ret);
	case LINE_TABLE_LOCATIONS:
		return find_in_locations(t, offset, ret);
	}
	return false;
}
