// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors: a negative enum ccore_status, and one sentence for the user in a struct
 * ccore_error that the caller owns. The sentence is written once, where the failure is
 * found; callers pass both up untouched, or prefix it once when they know more.
 */
#ifndef NECROPY_ERROR_H
#define NECROPY_ERROR_H

#include "ccore.h"

/** Target addresses, so that they cannot be confused with sizes in a signature. */
typedef uint64_t addr_t;

/** Fill `*err` (may be NULL) and return `code`. `fmt` is printf's. */
int err_set(struct ccore_error *err, int code, addr_t addr, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** Put "PREFIX: " before the text of `*err` and return its code. */
int err_prefix(struct ccore_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** CCORE_ENOMEM, said in the same way everywhere. */
int err_nomem(struct ccore_error *err);

#define TRY(expr)                      \
	do {                           \
		int try_r_ = (expr);   \
		if (try_r_ < 0)        \
			return try_r_; \
	} while (0)

#endif
