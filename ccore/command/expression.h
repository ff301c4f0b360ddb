// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * expression: what `print` takes. A name or an address, then attributes, indices and keys:
 *
 *	self.queue[3]['user'].name	0x7f21c8a3b010.args[-1]
 *
 * Strings are in single or double quotes, with Python's escapes, as repr() writes them; of a NUL
 * there is none. There are no calls and no operators: nothing is run.
 */
#ifndef NECROPY_EXPRESSION_H
#define NECROPY_EXPRESSION_H

#include "util/error.h"
#include "util/limits.h"
#include "util/vec.h"

enum step_kind { STEP_NAME, STEP_ADDRESS, STEP_ATTRIBUTE, STEP_INDEX, STEP_KEY };

#define STEP_TEXT_BYTES 256u

struct step {
	enum step_kind kind;
	char text[STEP_TEXT_BYTES]; // of a name, an attribute or a key: UTF-8
	int64_t index;
	addr_t addr;
	uint64_t end; // in the expression: so far it is `text[0..end)`
};

/** The first step is a name or an address, the others are not. */
struct expression {
	VEC(struct step) steps;
};

/** CCORE_EUSAGE says at which place of `text` what was expected. */
int expression_parse(const char *text, struct expression *ret, struct ccore_error *err);
void expression_done(struct expression *e);

#endif
