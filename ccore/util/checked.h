// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Size arithmetic that says when it overflows. Everything computed from the target's
 * numbers goes through here. Each returns true when the result is valid.
 */
#ifndef NECROPY_CHECKED_H
#define NECROPY_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool u64_add(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool u64_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/** |x|, of the least number too. */
static inline uint64_t i64_abs(int64_t x)
{
	return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

/** A page of x86-64: mappings begin and end with one. */
#define PAGE_BYTES 4096u

/** `x` rounded down to a multiple of `to`, a power of two. */
static inline uint64_t u64_align_down(uint64_t x, uint64_t to)
{
	return x & ~(to - 1);
}

/** `x` rounded up to a multiple of `to`, a power of two; false on overflow. */
static inline bool u64_align_up(uint64_t x, uint64_t to, uint64_t *ret)
{
	if (!u64_add(x, to - 1, ret))
		return false;
	*ret = u64_align_down(*ret, to);
	return true;
}

#endif
