// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VEC(T): a growable array. Fields `data` and `n` are the caller's to read; a zeroed
 * struct is an empty vector. vec_push() returns false when memory is out.
 */
#ifndef NECROPY_VEC_H
#define NECROPY_VEC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define VEC(T)                \
	struct {              \
		T *data;      \
		uint64_t n;   \
		uint64_t cap; \
	}

/** Make room for `want` elements of `elem` bytes, more than there is; for the macros below. */
bool vec_grow_(void **data, uint64_t *cap, uint64_t want, uint64_t elem);

#define vec_reserve(v, want)                  \
	(((v)->data && (want) <= (v)->cap) || \
	 vec_grow_((void **)&(v)->data, &(v)->cap, (want), sizeof(*(v)->data)))

#define vec_push(v, x) (vec_reserve((v), (v)->n + 1) ? ((v)->data[(v)->n++] = (x), true) : false)

#define vec_pop(v) ((v)->data[--(v)->n])

#define vec_done(v)                    \
	do {                           \
		free((v)->data);       \
		(v)->data = NULL;      \
		(v)->n = (v)->cap = 0; \
	} while (0)

#endif
