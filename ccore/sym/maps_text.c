// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/PID/maps and smaps, as text.
#include "sym/mappings.h"

#include <sys/sysmacros.h>

// What is left of one line.
struct line {
	const char *at, *end;
};

static bool digit_value(char c, unsigned base, unsigned *ret)
{
	unsigned v;

	if (c >= '0' && c <= '9')
		v = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		v = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		v = (unsigned)(c - 'A') + 10;
	else
		return false;
	*ret = v;
	return v < base;
}

static bool take_number(struct line *l, unsigned base, uint64_t *ret)
{
	const char *first = l->at;
	uint64_t x = 0;
	unsigned d;

	for (; l->at < l->end && digit_value(*l->at, base, &d); l->at++)
		if (__builtin_mul_overflow(x, (uint64_t)base, &x) ||
		    __builtin_add_overflow(x, (uint64_t)d, &x))
			return false;
	*ret = x;
	return l->at > first;
}

static bool take_char(struct line *l, char c)
{
	if (l->at == l->end || *l->at != c)
		return false;
	l->at++;
	return true;
}

static void skip_blanks(struct line *l)
{
	while (l->at < l->end && (*l->at == ' ' || *l->at == '\t'))
		l->at++;
}

static bool take_perms(struct line *l, unsigned *ret)
{
	static const struct {
		char on;
		unsigned flag;
	} perms[] = {{'r', MAPPING_R}, {'w', MAPPING_W}, {'x', MAPPING_X}};

	*ret = MAPPING_PERMS_KNOWN;
	for (int i = 0; i < 3; i++) {
		if (take_char(l, perms[i].on))
			*ret |= perms[i].flag;
		else if (!take_char(l, '-'))
			return false;
	}
	if (take_char(l, 's'))
		*ret |= MAPPING_SHARED | MAPPING_SHARED_KNOWN;
	else if (take_char(l, 'p'))
		*ret |= MAPPING_SHARED_KNOWN;
	return true;
}

// "fe:00 73383", if it is there.
static void take_dev_inode(struct line *l, struct mapping *m)
{
	struct line try = *l;
	uint64_t major, minor, inode;

	if (!take_number(&try, 16, &major) || !take_char(&try, ':') ||
	    !take_number(&try, 16, &minor))
		return;
	skip_blanks(&try);
	if (!take_number(&try, 10, &inode))
		return;
	if (major || minor)
		m->dev = makedev((unsigned)major, (unsigned)minor);
	m->inode = inode;
	*l = try;
}

static bool parse_line(struct line *l, struct mapping *m)
{
	if (!take_number(l, 16, &m->start) || !take_char(l, '-') || !take_number(l, 16, &m->end) ||
	    !take_char(l, ' ') || m->start > m->end)
		return false;
	skip_blanks(l);
	if (!take_perms(l, &m->flags))
		return false;
	skip_blanks(l);
	if (l->at < l->end && !take_number(l, 16, &m->offset))
		return false;
	skip_blanks(l);
	take_dev_inode(l, m);
	skip_blanks(l);
	return l->end - l->at <= LIM_PATH_BYTES;
}

// "Rss:      132 kB", a line of smaps that belongs to the mapping before it. Of their sixty keys
// few matter; "VmFlags: rd mr" has no number.
static bool parse_detail(struct line *l, struct mapping *m)
{
	const char *key = l->at, *colon = memchr(key, ':', (size_t)(l->end - key));
	const size_t key_n = colon ? (size_t)(colon - key) : 0;
	const struct {
		const char *key;
		uint64_t *to;
	} known[] = {
		{"Rss", &m->usage.rss},
		{"Pss", &m->usage.pss},
		{"Shared_Dirty", &m->usage.dirty},
		{"Private_Dirty", &m->usage.dirty},
	};
	uint64_t kib;

	if (!key_n || key[0] < 'A' || key[0] > 'Z' || memchr(key, '-', key_n))
		return false;
	l->at = colon + 1;
	skip_blanks(l);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].key) != key_n || memcmp(known[i].key, key, key_n) != 0)
			continue;
		if (!take_number(l, 10, &kib) || kib > UINT64_MAX >> 12)
			return false;
		*known[i].to += kib << 10;
		m->flags |= MAPPING_USAGE_KNOWN;
	}
	return true;
}

int maps_text_parse(const char *text, uint64_t n, struct arena *arena, struct mapping_vec *ret,
		    struct ccore_error *err)
{
	const char *end = text + n;
	uint64_t number = 1;

	for (const char *at = text; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct line l = {at, newline ? newline : end};
		struct mapping m = {0};

		at = newline ? newline + 1 : end;
		if (l.at < l.end && l.end[-1] == '\r')
			l.end--;
		skip_blanks(&l);
		if (l.at == l.end || (ret->n && parse_detail(&l, &ret->data[ret->n - 1])))
			continue;
		if (!parse_line(&l, &m))
			return err_set(err, CCORE_EFORMAT, 0,
				       "line %llu is not in the format of /proc/PID/maps",
				       (unsigned long long)number);
		if (ret->n == LIM_MAPPINGS)
			return err_set(err, CCORE_EFORMAT, 0, "more than %u mappings",
				       LIM_MAPPINGS);
		m.name = arena_strndup(arena, l.at, (uint64_t)(l.end - l.at));
		if (!m.name || !vec_push(ret, m))
			return err_nomem(err);
	}
	mappings_tidy(ret);
	return 0;
}
