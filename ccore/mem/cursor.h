// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cursor: reads numbers, bytes and strings one after the other out of a buffer, and never past
 * its end. After the first read that does not fit, all further ones fail.
 */
#ifndef NECROPY_CURSOR_H
#define NECROPY_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at;
	uint64_t left;
};

static inline struct cursor cursor_init(const void *data, uint64_t n)
{
	return (struct cursor){data, n};
}

/** The next `n` bytes, or NULL. */
static inline const uint8_t *cursor_bytes(struct cursor *c, uint64_t n)
{
	const uint8_t *p = c->at;

	if (n > c->left) {
		c->left = 0;
		return NULL;
	}
	c->at += n;
	c->left -= n;
	return p;
}

static inline bool cursor_u64(struct cursor *c, uint64_t *ret)
{
	const uint8_t *p = cursor_bytes(c, sizeof(*ret));

	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p;
}

static inline bool cursor_u32(struct cursor *c, uint32_t *ret)
{
	const uint8_t *p = cursor_bytes(c, sizeof(*ret));

	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p;
}

/** The next NUL-terminated string, its length in `*n`; NULL when no NUL follows. */
static inline const char *cursor_cstr(struct cursor *c, uint64_t *n)
{
	const uint8_t *nul = c->left ? memchr(c->at, 0, c->left) : NULL;
	const uint8_t *p = c->at;

	if (!nul) {
		c->left = 0;
		return NULL;
	}
	*n = (uint64_t)(nul - p);
	c->left -= *n + 1;
	c->at = nul + 1;
	return (const char *)p;
}

#endif
