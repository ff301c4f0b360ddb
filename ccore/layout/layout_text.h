// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Layouts as text, by the names of the rows, so that a file made by one version of necropy can be
 * read by another: `necropy layout`, --layout, and the tables that necropy brings.
 *
 *	necropy-layout 1
 *	version X.Y.Z 0x…             PY_VERSION_HEX
 *	build-id 7c3bf8…
 *	S PyObject 16                  sizeof a struct of cpython.def
 *	M function 152                 sizeof a struct of members.def
 *	F OB_TYPE 8 8                  a member: offset, size; of a bit-field also its first bit
 *	E function.func_code 24 8      and how many it has
 *	R PyThreadState.dict 120 8
 *	Y TYPE_TYPE 4503808            a symbol's address in the file
 *	end 1234
 *
 * Numbers are decimal. Rows that a reader does not know are skipped; those that the file does not
 * have are as if the build had no such member. The last line has the number of rows.
 */
#ifndef NECROPY_LAYOUT_TEXT_H
#define NECROPY_LAYOUT_TEXT_H

#include "layout/layout.h"
#include "util/strbuf.h"

/** What kinds of rows there are, in the order in which they are written. */
#define ROW_KINDS "SMFERY"

/** Where the rows of one kind were found last: they come in the order of the tables. */
struct row_finder {
	uint32_t next[sizeof(ROW_KINDS) - 1];
};

/**
 * Set row `name` of `kind` in `l` to the `n` numbers of `x`: false where there is no such row, or
 * they cannot be. A symbol's address is set as it is.
 */
bool layout_row_set(struct layout *l, struct row_finder *f, char kind, const char *name,
		    uint64_t name_n, const uint64_t *x, uint32_t n);

/** Append `l` to `out`. */
void layout_text_write(const struct layout *l, struct strbuf *out);

/**
 * Read a layout from `n` bytes of text, which are changed. Its module is NULL, its symbols are
 * addresses in the file whose build-id is given. CCORE_EFORMAT says what is wrong.
 */
int layout_text_read(char *text, uint64_t n, struct layout *ret, uint8_t *ret_build_id,
		     uint32_t *ret_build_id_n, struct ccore_error *err);

#endif
