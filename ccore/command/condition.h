// SPDX-License-Identifier: GPL-2.0-or-later
// The condition of --where: a field, an operator, a value.
#ifndef NECROPY_CONDITION_H
#define NECROPY_CONDITION_H

#include "util/error.h"

#include <stdbool.h>

enum condition_field {
	CONDITION_SIZE,
	CONDITION_REFCOUNT,
	CONDITION_ADDR,
	CONDITION_TYPE,
	CONDITION_REPR
};

enum condition_op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_GLOB };

struct condition {
	enum condition_field field;
	enum condition_op op;
	const char *text; // the value, in the caller's text
	uint64_t number;  // the value, of numeric fields
};

/** Parse "size>=1000"; CCORE_EUSAGE says what is not understood. `text` must stay. */
int condition_parse(const char *text, struct condition *ret, struct ccore_error *err);

bool condition_number(const struct condition *c, uint64_t x);
bool condition_text(const struct condition *c, const char *x);

#endif
