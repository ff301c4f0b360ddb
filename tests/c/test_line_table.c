// SPDX-License-Identifier: GPL-2.0-or-later
// Tables that CPython does not write, and the corners of those it does.
#include "test.h"

#include "py/line_table.h"

static struct line_table table_of(enum line_table_kind kind, const void *data, uint64_t n)
{
	return (struct line_table){.kind = kind, .data = data, .n = n, .first_line = 10};
}

static int line_at(const struct line_table *t, int64_t offset)
{
	struct code_position at;

	return line_table_find(t, offset, &at) ? at.line : -2;
}

TEST(code_that_has_not_begun_is_at_its_first_line)
{
	const struct line_table t = table_of(LINE_TABLE_LOCATIONS, "", 0);

	CHECK(line_at(&t, -2) == 10);
	CHECK(line_at(&t, 0) == -2);
}

TEST(lines_go_back_where_they_are_signed)
{
	const uint8_t pairs[] = {6, 5, 4, 0xfe, 2, 1};
	const struct line_table up = table_of(LINE_TABLE_UNSIGNED, pairs, sizeof(pairs));
	const struct line_table both = table_of(LINE_TABLE_SIGNED, pairs, sizeof(pairs));

	CHECK(line_at(&up, 5) == 10 && line_at(&up, 6) == 15 && line_at(&up, 10) == 15 + 254);
	CHECK(line_at(&both, 5) == 10 && line_at(&both, 6) == 15 && line_at(&both, 10) == 13);
	CHECK(line_at(&both, 1000) == 14); // the last line has no end
}

TEST(ranges_may_have_no_line)
{
	const uint8_t pairs[] = {4, 0, 2, 0x80, 0, 7, 2, 1};
	const struct line_table t = table_of(LINE_TABLE_RANGES, pairs, sizeof(pairs));

	CHECK(line_at(&t, 3) == 10 && line_at(&t, 4) == -1 && line_at(&t, 6) == 18);
	CHECK(line_at(&t, 8) == -2);
}

TEST(locations_of_every_form)
{
	// short: column 8*2+3, 4 wide; one line: +2, columns 5 to 9; no columns: -1;
	// long: +1, two lines more, columns 1 to 3; none at all
	const uint8_t forms[] = {0x80 | 2 << 3,
				 0x34,
				 0x80 | 12 << 3,
				 5,
				 9,
				 0x80 | 13 << 3,
				 3,
				 0x80 | 14 << 3,
				 2,
				 2,
				 2,
				 4,
				 0x80 | 15 << 3};
	const struct line_table t = table_of(LINE_TABLE_LOCATIONS, forms, sizeof(forms));
	struct code_position at;

	CHECK(line_table_find(&t, 0, &at) && at.line == 10 && at.column == 19 &&
	      at.end_column == 23 && at.end_line == 10);
	CHECK(line_table_find(&t, 2, &at) && at.line == 12 && at.column == 5 && at.end_column == 9);
	CHECK(line_table_find(&t, 4, &at) && at.line == 11 && at.column == -1);
	CHECK(line_table_find(&t, 6, &at) && at.line == 12 && at.end_line == 14 && at.column == 1 &&
	      at.end_column == 3);
	CHECK(line_table_find(&t, 8, &at) && at.line == -1 && at.end_line == -1);
	CHECK(!line_table_find(&t, 10, &at));
}

TEST(a_malformed_table_has_no_lines)
{
	const uint8_t no_start[] = {0x10, 0}, cut[] = {0x80 | 14 << 3, 2},
		      endless[] = {0x80 | 13 << 3, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f};
	const struct line_table a = table_of(LINE_TABLE_LOCATIONS, no_start, sizeof(no_start));
	const struct line_table b = table_of(LINE_TABLE_LOCATIONS, cut, sizeof(cut));
	const struct line_table c = table_of(LINE_TABLE_LOCATIONS, endless, sizeof(endless));

	CHECK(line_at(&a, 0) == -2 && line_at(&b, 0) == -2 && line_at(&c, 0) == -2);
}

TEST(a_line_that_is_not_possible_is_none)
{
	const uint8_t down[] = {0, 0x81, 4, 0},
		      far_up[] = {0x80 | 13 << 3, 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f};
	const struct line_table t = table_of(LINE_TABLE_SIGNED, down, sizeof(down));
	const struct line_table u = table_of(LINE_TABLE_LOCATIONS, far_up, sizeof(far_up));

	CHECK(line_at(&t, 2) == -1);
	CHECK(line_at(&u, 0) == -1);
}
