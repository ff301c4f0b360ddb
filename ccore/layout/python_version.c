// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/python_version.h"

#include "layout/layout.h"
#include "sym/mappings.h"
#include "util/checked.h"

#include <stdlib.h>

// A version in text is no longer.
#define VERSION_CHARACTERS 24u
#define PIECE 65536u

struct search {
	const struct target *t;
	bool whole; // the text is nothing but the version
	uint32_t version;
	bool differ;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static const uint8_t *read_part(const uint8_t *p, uint32_t *ret)
{
	uint32_t n = 0, digits = 0;

	for (; is_digit(*p) && digits < 2; p++, digits++)
		n = n * 10 + (uint32_t)(*p - '0');
	*ret = n;
	return digits ? p : NULL;
}

// "3.9.2", and then "rc1", "+" and the like; `p` has VERSION_CHARACTERS.
static uint32_t parse(const uint8_t *p, bool whole)
{
	uint32_t part[3];

	if (p[0] != '2' && p[0] != '3')
		return 0;
	for (unsigned i = 0; i < 3; i++) {
		p = read_part(p, &part[i]);
		if (!p || (i < 2 && *p++ != '.'))
			return 0;
	}
	if (is_digit(*p) || *p == '.')
		return 0;
	for (unsigned i = 0; i < 6 && (is_digit(*p) || strchr("abrc+", *p)) && *p; i++)
		p++;
	if (whole ? *p != '\0' : p[0] != ' ' || p[1] != '(')
		return 0;
	return part[0] << 24 | part[1] << 16 | part[2] << 8;
}

static void look_in(struct search *s, const uint8_t *p, uint64_t n)
{
	for (uint64_t i = 1; i + VERSION_CHARACTERS <= n; i++) {
		const uint8_t *dot = memchr(p + i + 1, '.', n - VERSION_CHARACTERS - i + 1);
		uint32_t v;

		if (!dot)
			return;
		i = (uint64_t)(dot - p) - 1;
		v = p[i - 1] ? 0 : parse(p + i, s->whole);
		// What else looks so is of some library.
		if (!v || layout_version_support(v) != SUPPORTED)
			continue;
		s->differ |= s->version && s->version != v;
		s->version = v;
	}
}

static void search_range(struct search *s, addr_t start, addr_t end, uint8_t *piece)
{
	addr_t at = start;

	while ((at = mem_next_readable(&s->t->mem, at)) < end) {
		const uint64_t n = mem_readable(&s->t->mem, at, u64_min(end - at, PIECE));

		if (n && mem_read(&s->t->mem, at, piece, n) == 0)
			look_in(s, piece, n);
		if (n <= VERSION_CHARACTERS)
			at += n ? n : 1;
		else
			at += n - VERSION_CHARACTERS;
	}
}

static void search_module(struct search *s, const struct module *m, uint8_t *piece)
{
	const struct mapping *p = NULL;

	while ((p = module_mapping(s->t, m, p)))
		if (p->start >= m->start && (s->whole || p->flags & MAPPING_W) &&
		    !(p->flags & MAPPING_X))
			search_range(s, p->start, u64_min(p->end, m->end), piece);
	if (m->headless && !m->file)
		search_range(s, m->end, m->end + MODULE_BSS_BYTES, piece);
}

static uint32_t search(const struct target *t, const struct module *m, bool whole, uint8_t *piece)
{
	struct search s = {.t = t, .whole = whole};

	for (uint64_t i = 0; i < t->modules.n; i++)
		if (!m || m == &t->modules.data[i])
			search_module(&s, &t->modules.data[i], piece);
	return s.differ ? 0 : s.version;
}

uint32_t python_version_find(const struct target *t, const struct module *m, addr_t symbol)
{
	uint32_t version = 0;
	uint8_t *piece;

	if (symbol && mem_read_u32(&t->mem, symbol, &version) == 0 &&
	    layout_version_support(version) != NOT_SUPPORTED)
		return version;
	piece = malloc(PIECE);
	if (!piece)
		return 0;
	version = search(t, m, false, piece);
	if (!version && m)
		version = search(t, m, true, piece);
	free(piece);
	return version;
}
