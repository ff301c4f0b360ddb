// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The conditions of --where: PATH OP VALUE.
 *
 *	PATH	size, refcount, addr, type, repr of the object; else what leads from it to
 *		another: name or .name (an attribute, or a str key of a dict), [3], ['key'], one
 *		after another
 *	OP	= == != < <= > >= or ~ : as a pattern with * ? [, else as a part of the text
 *	VALUE	a number, True, False, None, an address, 'text' or "text", or bare text
 */
#ifndef NECROPY_CONDITION_H
#define NECROPY_CONDITION_H

#include "util/error.h"

#include <stdbool.h>

enum condition_field {
	CONDITION_SIZE,
	CONDITION_REFCOUNT,
	CONDITION_ADDR,
	CONDITION_TYPE,
	CONDITION_REPR,
	CONDITION_PATH // what `parts` lead to
};

enum condition_op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_MATCH };

enum condition_value { VALUE_TEXT, VALUE_NUMBER, VALUE_NONE };

/** One step of a path: a name or key, or with `name` NULL an index. */
struct condition_part {
	const char *name;
	bool is_key; // in [ ]: not an attribute
	uint64_t index;
};

#define CONDITION_PARTS_MAX 16u

struct condition {
	enum condition_field field;
	enum condition_op op;
	struct condition_part parts[CONDITION_PARTS_MAX];
	uint32_t part_n;
	enum condition_value value;
	bool quoted;	    // the value is text, whatever it looks like
	const char *text;   // the value as it is written
	long double number; // of VALUE_NUMBER; exact for 64 bits
	uint64_t u64;	    // of numbers that are no fractions
	char *words;	    // what names and text point into
	char *names;	    // where the next name goes
	bool met;	    // some object had what the path leads to
};

/**
 * Parse `text` into `*ret`, to be freed with condition_done(); CCORE_EUSAGE says what is not
 * understood.
 */
int condition_parse(const char *text, struct condition *ret, struct ccore_error *err);
void condition_done(struct condition *c);

/** Whether the condition is one on content that --redact hides. */
bool condition_asks_content(const struct condition *c);

/** Whether the condition holds of a value. */
bool condition_u64(const struct condition *c, uint64_t x);
bool condition_number(const struct condition *c, long double x);
bool condition_text(const struct condition *c, const char *x);

#endif
