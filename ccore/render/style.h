// SPDX-License-Identifier: GPL-2.0-or-later
// What the two files that write text for people share: colours, and cells as text.
#ifndef NECROPY_STYLE_H
#define NECROPY_STYLE_H

#include "render/cell.h"
#include "render/render.h"

enum style { STYLE_NONE, STYLE_BOLD, STYLE_DIM, STYLE_LABEL, STYLE_WARN };

struct text_out {
	const struct ccore_result *result;
	const struct render_opts *opts;
	struct strbuf *out;
};

/** The sequences that begin and end a style; nothing when colour is off. */
void style_begin(const struct text_out *t, enum style style);
void style_end(const struct text_out *t, enum style style);

/** Put into `ret`, which is emptied first, cell `row` of `c` as people read it. */
void cell_format(const struct text_out *t, const struct table_column *c, uint64_t row,
		 struct strbuf *ret);

/**
 * Add `s`, and spaces up to `width`. With `right` the spaces come first.
 */
void text_pad(const struct text_out *t, const char *s, uint64_t width, bool right);

/** Add `s`, of which the terminal has room for what follows column `at`; … marks the cut. */
void text_fit(const struct text_out *t, const char *s, uint64_t at);

/** The chains of a TABLE_CHAIN. */
void render_chains(const struct text_out *t);

/** The stacks of a TABLE_STACK. */
void render_stacks(const struct text_out *t);

#endif
