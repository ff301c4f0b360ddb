// SPDX-License-Identifier: GPL-2.0-or-later
// Memory for small things that live as long as their owner and are never freed singly.
#ifndef NECROPY_ARENA_H
#define NECROPY_ARENA_H

#include <stdint.h>

struct arena_block;

/** Zeroed, it is an empty arena. */
struct arena {
	struct arena_block *blocks;
	uint64_t total_bytes; // taken from malloc
};

/** `size` zeroed bytes, 16-aligned, or NULL when memory is out. */
void *arena_alloc(struct arena *a, uint64_t size);

/** Copies of text; NULL when memory is out, or when `s` is NULL. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, uint64_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void arena_done(struct arena *a);

#endif
