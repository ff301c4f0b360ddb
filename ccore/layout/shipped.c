// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/shipped.h"

#include "layout/layout_text.h"

#include <stdlib.h>

const struct shipped_build shipped_builds[] = {
#define BUILD(version, is_debug, build_id) {version, is_debug, build_id},
#include "layout/shipped.inc"
};

const uint32_t shipped_build_n = sizeof(shipped_builds) / sizeof(shipped_builds[0]);

static_assert(sizeof(shipped_builds) / sizeof(shipped_builds[0]) <= LAYOUT_CHOICES_MAX,
	      "raise LAYOUT_CHOICES_MAX");

// "F OB_TYPE 0-19,21:8,8 20:24,8": builds, and what the row is in them.
static const char *const rows[] = {
#define ROW(text) text,
#include "layout/shipped.inc"
};

// Whether build `i` is in "0-19,21"; *at is left at what ends the list.
static bool lists_build(const char **at, uint32_t i)
{
	bool found = false;
	char *s;

	for (;; *at = s + 1) {
		const unsigned long first = strtoul(*at, &s, 10);
		const unsigned long last = *s == '-' ? strtoul(s + 1, &s, 10) : first;

		found |= i >= first && i <= last;
		if (*s != ',')
			break;
	}
	*at = s;
	return found;
}

static uint32_t read_values(const char *at, uint64_t x[4])
{
	uint32_t n = 0;
	char *s;

	do {
		x[n++] = strtoul(at, &s, 10);
		at = s + 1;
	} while (*s == ',' && n < 4);
	return n;
}

// The numbers of `row` in build `i`; how many, 0 where it has none.
static uint32_t values_of(const char *row, uint32_t i, uint64_t x[4])
{
	const char *at = strchr(row + 2, ' ');

	while (at) {
		at++;
		if (lists_build(&at, i))
			return read_values(at + 1, x);
		at = strchr(at, ' ');
	}
	return 0;
}

void shipped_read(uint32_t i, struct layout *l)
{
	struct row_finder f = {0};
	uint64_t x[4];

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		const uint32_t n = values_of(rows[k], i, x);

		// Tables may be older than the rows that are asked for, or have what no one asks.
		if (n)
			(void)layout_row_set(l, &f, rows[k][0], rows[k] + 2,
					     strcspn(rows[k] + 2, " "), x, n);
	}
}

uint64_t shipped_runtime_bytes(uint32_t i)
{
	static const char name[] = "S runtime ";
	uint64_t x[4];

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		if (strncmp(rows[k], name, sizeof(name) - 1) == 0)
			return values_of(rows[k], i, x) ? x[0] : 0;
	return 0;
}
