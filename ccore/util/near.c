// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/near.h"

#include "util/checked.h"

#include <ctype.h>
#include <string.h>

#define NAME_BYTES_MAX 64u
#define FAR UINT64_MAX

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

// Optimal string alignment, with three rows of the usual matrix.
uint64_t near_distance(const char *a, const char *b)
{
	const uint64_t a_n = strlen(a), b_n = strlen(b);
	uint64_t rows[3][NAME_BYTES_MAX + 1] = {{0}};
	uint64_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (a_n > NAME_BYTES_MAX || b_n > NAME_BYTES_MAX)
		return FAR;
	for (uint64_t j = 0; j <= b_n; j++)
		last[j] = j;
	for (uint64_t i = 1; i <= a_n; i++) {
		uint64_t *oldest = before;

		row[0] = i;
		for (uint64_t j = 1; j <= b_n; j++) {
			row[j] = last[j - 1] + !same_letter(a[i - 1], b[j - 1]);
			row[j] = u64_min(row[j], u64_min(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				row[j] = u64_min(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_n];
}

// Where `part` begins `name` or a word of it; a longer one may be anywhere in it.
static bool contains(const char *name, const char *part)
{
	const bool anywhere = strlen(part) > 3;

	for (const char *at = name; (at = strcasestr(at, part)); at++)
		if (anywhere || at == name || !isalnum((unsigned char)at[-1]))
			return true;
	return false;
}

// A name that contains the other, or begins it, is near too: "DB" for "__main__.DB".
static uint64_t distance_to_offer(const char *wanted, const char *name)
{
	const uint64_t n = strlen(wanted);
	const uint64_t allowed = n < 5 ? 1 : n < 9 ? 2 : 3;
	const uint64_t d = near_distance(wanted, name);

	if (d <= allowed && d < n)
		return d;
	return n >= 2 && contains(name, wanted) ? allowed + 1 : FAR;
}

void near_offer(struct near_names *near, const char *name)
{
	const uint64_t d = distance_to_offer(near->wanted, name);
	uint64_t i;

	if (d == FAR)
		return;
	for (i = 0; i < near->n; i++)
		if (!strcmp(near->names[i], name))
			return;
	for (i = near->n; i && near->distances[i - 1] > d; i--) {
		if (i == NEAR_NAMES_MAX)
			continue;
		near->names[i] = near->names[i - 1];
		near->distances[i] = near->distances[i - 1];
	}
	if (i == NEAR_NAMES_MAX)
		return;
	near->names[i] = name;
	near->distances[i] = d;
	if (near->n < NEAR_NAMES_MAX)
		near->n++;
}

void near_describe(const struct near_names *near, struct strbuf *out)
{
	for (uint64_t i = 0; i < near->n; i++) {
		const bool last = i + 1 == near->n;

		strbuf_puts(out, !i ? "; did you mean " : last ? " or " : ", ");
		strbuf_puts(out, near->prefix ? near->prefix : "");
		strbuf_puts(out, near->names[i]);
	}
	if (near->n)
		strbuf_putc(out, '?');
}
