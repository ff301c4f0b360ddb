// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * name_set: which rows of a request ask for a name. Symbol tables and DWARF hold many names and
 * few of them are wanted, so that a miss has to be cheap.
 */
#ifndef NECROPY_NAME_SET_H
#define NECROPY_NAME_SET_H

#include "util/error.h"
#include "util/vec.h"

#include <stdbool.h>
#include <string.h>

struct name_entry {
	const char *name; // borrowed from the request
	uint32_t name_n;
	uint32_t hash;
	uint32_t row;  // the caller's
	uint32_t rank; // 0 for the best alternative
	uint32_t next; // in its bucket
};

#define NAME_BUCKETS 4096u
#define NAME_END UINT32_MAX

struct name_set {
	VEC(struct name_entry) entries;
	uint32_t buckets[NAME_BUCKETS];
};

/** An empty one; name_set_done() frees what is added. */
void name_set_init(struct name_set *s);

/** Add the '|'-separated names in `names` for `row`, the first with rank 0. */
int name_set_add(struct name_set *s, const char *names, uint32_t row, struct ccore_error *err);

/** Add just `name`. */
int name_set_add_one(struct name_set *s, const char *name, uint64_t n, uint32_t row, uint32_t rank,
		     struct ccore_error *err);

/** Entries for a name, one after the other: pass NULL first, then what was returned. */
const struct name_entry *name_set_next(const struct name_set *s, const char *name, uint64_t n,
				       const struct name_entry *last);

void name_set_done(struct name_set *s);

/** Cut the first alternative off `*names`, blanks around it trimmed; NULL after the last. */
const char *next_alternative(const char **names, uint64_t *ret_n);

/** Whether the `n` bytes at `name` are one of the '|'-separated `names`. */
bool is_alternative(const char *names, const char *name, uint64_t n);

#endif
