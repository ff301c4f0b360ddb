// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/condition.h"
#include "util/parse.h"

#include "command/command.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
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
	{"<", OP_LT},  {">", OP_GT},  {"=", OP_EQ},  {"~", OP_MATCH},
};

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " \t");
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

// Where the operator is: the first one that is not in brackets. NULL: nowhere.
static char *find_op(char *s, enum condition_op *ret, uint64_t *ret_n)
{
	for (; *s; s++) {
		if (*s == '[' && strchr(s, ']'))
			s = strchr(s, ']');
		for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
			*ret_n = strlen(ops[i].text);
			*ret = ops[i].op;
			if (strncmp(s, ops[i].text, *ret_n) == 0)
				return s;
		}
	}
	return NULL;
}

// Keep the `n` bytes at `s` as the name of a step. There is room: each step has a sign before it,
// or is the first.
static void keep_name(struct condition *c, struct condition_part *part, const char *s, uint64_t n)
{
	memcpy(c->names, s, n);
	c->names[n] = '\0';
	part->name = c->names;
	c->names += n + 1;
}

// [3] or ['key'] at `s`; what follows, or NULL.
static const char *parse_item(struct condition *c, struct condition_part *part, const char *s)
{
	const char *end;
	char *number_end;

	s = skip_spaces(s + 1);
	part->is_key = true;
	if (*s == '\'' || *s == '"') {
		end = strchr(s + 1, *s);
		if (!end)
			return NULL;
		keep_name(c, part, s + 1, (uint64_t)(end - s - 1));
		end++;
	} else {
		if (!isdigit((unsigned char)*s))
			return NULL;
		part->index = strtoull(s, &number_end, 10);
		end = number_end;
	}
	end = skip_spaces(end);
	return *end == ']' ? end + 1 : NULL;
}

// name or, after another step, .name at `s`; what follows, or NULL.
static const char *parse_name(struct condition *c, struct condition_part *part, const char *s)
{
	const char *end;

	if (*s == '.')
		s = skip_spaces(s + 1);
	else if (c->part_n)
		return NULL;
	for (end = s; is_name(*end); end++)
		;
	if (end == s)
		return NULL;
	keep_name(c, part, s, (uint64_t)(end - s));
	return end;
}

static bool parse_path(const char *s, struct condition *c)
{
	s = skip_spaces(s);
	do {
		struct condition_part *part = &c->parts[c->part_n];

		s = *s == '[' ? parse_item(c, part, s) : parse_name(c, part, s);
		if (!s)
			return false;
		c->part_n++;
		s = skip_spaces(s);
	} while (*s && c->part_n < CONDITION_PARTS_MAX);
	return !*s;
}

static bool parse_number(const char *s, struct condition *c)
{
	const char *digits = s + (*s == '-' || *s == '+');
	char *end;

	if (!isdigit((unsigned char)*digits) && *digits != '.' && strcmp(digits, "inf") != 0)
		return false;
	c->number = strtold(s, &end);
	if (*end || end == s)
		return false;
	if (!parse_addr(s, &c->u64))
		c->u64 = 0;
	return true;
}

// `s` is ours to cut.
static int parse_value(char *s, struct condition *c, struct ccore_error *err)
{
	uint64_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n && (s[n - 1] == ' ' || s[n - 1] == '\t'); n--)
		s[n - 1] = '\0';
	c->text = s;
	if (*s == '\'' || *s == '"') {
		if (n < 2 || s[n - 1] != *s)
			return err_set(err, CCORE_EUSAGE, 0,
				       "--where: the quote in %.100s has no end", s);
		s[n - 1] = '\0';
		c->text = s + 1;
		c->quoted = true;
	} else if (strcmp(s, "None") == 0) {
		c->value = VALUE_NONE;
	} else if (strcmp(s, "True") == 0 || strcmp(s, "False") == 0) {
		c->number = *s == 'T';
		c->value = VALUE_NUMBER;
	} else if (parse_number(s, c)) {
		c->value = VALUE_NUMBER;
	}
	return 0;
}

// One name without a dot before it may be one of ours.
static void find_field(const char *text, struct condition *c)
{
	c->field = CONDITION_PATH;
	for (unsigned i = 0; c->part_n == 1 && !c->parts[0].is_key && *text != '.' &&
			     i < sizeof(field_names) / sizeof(field_names[0]);
	     i++)
		if (strcmp(c->parts[0].name, field_names[i]) == 0)
			c->field = (enum condition_field)i;
}

static int check(const char *text, const struct condition *c, struct ccore_error *err)
{
	const bool numeric = c->field < CONDITION_TYPE;
	uint64_t n;

	if (numeric && (c->quoted || !parse_addr(c->text, &n)))
		return err_set(err, CCORE_EUSAGE, 0, "--where %.100s: '%.100s' is not a number",
			       text, c->text);
	if (numeric && c->op == OP_MATCH)
		return err_set(err, CCORE_EUSAGE, 0,
			       "--where %.100s: ~ is for text; numbers are compared with < and >",
			       text);
	if ((c->field == CONDITION_TYPE || c->field == CONDITION_REPR) && c->op != OP_MATCH &&
	    c->op > OP_NE)
		return err_set(err, CCORE_EUSAGE, 0,
			       "--where %.100s: type and repr are compared with =, != and ~", text);
	return 0;
}

static int parse(const char *text, struct condition *c, struct ccore_error *err)
{
	uint64_t n;
	char *op = find_op(c->words, &c->op, &n);
	int r;

	if (op)
		*op = '\0'; // ends the path
	if (!op || !parse_path(c->words, c))
		return err_set(
			err, CCORE_EUSAGE, 0,
			"--where %.100s: expected a name, .name, [3] or ['key'], then one of "
			"= != < <= > >= ~, then a value",
			text);
	r = parse_value(op + n, c, err);
	find_field(skip_spaces(text), c);
	return r < 0 ? r : check(text, c, err);
}

int condition_parse(const char *text, struct condition *ret, struct ccore_error *err)
{
	const uint64_t n = strlen(text) + 1;
	int r;

	*ret = (struct condition){.words = malloc(2 * n + 1)};
	if (!ret->words)
		return err_nomem(err);
	memcpy(ret->words, text, n);
	ret->names = ret->words + n;
	r = parse(text, ret, err);
	if (r < 0)
		condition_done(ret);
	return r;
}

void condition_done(struct condition *c)
{
	free(c->words);
	c->words = NULL;
}

bool condition_asks_content(const struct condition *c)
{
	return c->field == CONDITION_PATH && c->value != VALUE_NONE;
}

static bool holds(enum condition_op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LE:
		return order <= 0;
	case OP_GE:
		return order >= 0;
	case OP_LT:
		return order < 0;
	case OP_GT:
		return order > 0;
	case OP_MATCH:
		break;
	}
	return false;
}

bool condition_u64(const struct condition *c, uint64_t x)
{
	return holds(c->op, x < c->u64 ? -1 : x > c->u64);
}

bool condition_number(const struct condition *c, long double x)
{
	if (x != x || c->number != c->number) // no order holds for what is not a number
		return c->op == OP_NE;
	return holds(c->op, x < c->number ? -1 : x > c->number);
}

bool condition_text(const struct condition *c, const char *x)
{
	if (c->op != OP_MATCH)
		return holds(c->op, strcmp(x, c->text));
	if (strpbrk(c->text, "*?["))
		return fnmatch(c->text, x, 0) == 0;
	return strstr(x, c->text);
}
