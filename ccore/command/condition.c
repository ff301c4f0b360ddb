// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/condition.h"

#include "command/command.h"

#include <fnmatch.h>
#include <string.h>

static const char *const field_names[] = {
	[CONDITION_SIZE] = "size", [CONDITION_REFCOUNT] = "refcount", [CONDITION_ADDR] = "addr",
	[CONDITION_TYPE] = "type", [CONDITION_REPR] = "repr",
};

// Longer operators before those that begin them.
static const struct {
	const char *text;
	enum condition_op op;
} ops[] = {
	{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE},
	{"<", OP_LT},  {">", OP_GT},  {"=", OP_EQ},  {"~", OP_GLOB},
};

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " ");
}

static const char *parse_field(const char *s, struct condition *ret)
{
	for (unsigned i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++) {
		const uint64_t n = strlen(field_names[i]);

		if (strncmp(s, field_names[i], n) == 0) {
			ret->field = (enum condition_field)i;
			return skip_spaces(s + n);
		}
	}
	return NULL;
}

static const char *parse_op(const char *s, struct condition *ret)
{
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		const uint64_t n = strlen(ops[i].text);

		if (strncmp(s, ops[i].text, n) == 0) {
			ret->op = ops[i].op;
			return skip_spaces(s + n);
		}
	}
	return NULL;
}

int condition_parse(const char *text, struct condition *ret, struct ccore_error *err)
{
	const char *s = parse_field(skip_spaces(text), ret);
	bool numeric;

	if (!s)
		return err_set(err, CCORE_EUSAGE, 0,
			       "'%.100s' begins with none of size, refcount, addr, type, repr",
			       text);
	s = parse_op(s, ret);
	if (!s)
		return err_set(err, CCORE_EUSAGE, 0,
			       "'%.100s' has none of = != < <= > >= ~ after the field", text);
	numeric = ret->field != CONDITION_TYPE && ret->field != CONDITION_REPR;
	if (numeric && !parse_addr(s, &ret->number))
		return err_set(err, CCORE_EUSAGE, 0, "'%.100s' is not a number", s);
	if (numeric == (ret->op == OP_GLOB) || (!numeric && ret->op != OP_GLOB && ret->op > OP_NE))
		return err_set(err, CCORE_EUSAGE, 0,
			       "'%.100s': numbers are compared with < and >, text with ~", text);
	ret->text = s;
	return 0;
}

bool condition_number(const struct condition *c, uint64_t x)
{
	switch (c->op) {
	case OP_EQ:
		return x == c->number;
	case OP_NE:
		return x != c->number;
	case OP_LE:
		return x <= c->number;
	case OP_GE:
		return x >= c->number;
	case OP_LT:
		return x < c->number;
	case OP_GT:
		return x > c->number;
	case OP_GLOB:
		break;
	}
	return false;
}

bool condition_text(const struct condition *c, const char *x)
{
	if (c->op == OP_GLOB)
		return fnmatch(c->text, x, 0) == 0;
	return (strcmp(x, c->text) == 0) == (c->op == OP_EQ);
}
