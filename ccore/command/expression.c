// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/expression.h"

#include "util/limits.h"
#include "util/strbuf.h"

#include <string.h>

struct parser {
	const char *text, *at;
	struct ccore_error *err;
};

static int wrong(const struct parser *p, const char *expected)
{
	return err_set(p->err, CCORE_EUSAGE, 0, "'%.100s': %s expected at column %llu", p->text,
		       expected, (unsigned long long)(p->at - p->text) + 1);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

// Python takes most letters of the world for names: every byte of theirs does.
static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c & 0x80;
}

static int parse_name(struct parser *p, struct step *ret)
{
	uint64_t n = 0;

	if (!is_name_start(*p->at))
		return wrong(p, "a name");
	while (is_name_start(p->at[n]) || is_digit(p->at[n]))
		n++;
	if (n >= STEP_TEXT_BYTES)
		return wrong(p, "a shorter name");
	memcpy(ret->text, p->at, n);
	ret->text[n] = '\0';
	p->at += n;
	return 0;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)((found - digits) % 16) : -1;
}

static int parse_address(struct parser *p, struct step *ret)
{
	uint64_t x = 0;
	const char *start = p->at += 2;

	for (int digit; (digit = hex_digit(*p->at)) >= 0; p->at++)
		x = x << 4 | (unsigned)digit;
	if (p->at == start || p->at - start > 16)
		return wrong(p, "an address of at most 16 digits");
	ret->kind = STEP_ADDRESS;
	ret->addr = x;
	return 0;
}

static int parse_first(struct parser *p, struct step *ret)
{
	ret->kind = STEP_NAME;
	if (p->at[0] == '0' && (p->at[1] == 'x' || p->at[1] == 'X'))
		return parse_address(p, ret);
	return parse_name(p, ret);
}

static int parse_index(struct parser *p, struct step *ret)
{
	const bool negative = *p->at == '-';
	int64_t x = 0;

	p->at += negative;
	if (!is_digit(*p->at))
		return wrong(p, "a number or a string in quotes");
	for (; is_digit(*p->at); p->at++)
		if (__builtin_mul_overflow(x, 10, &x) ||
		    __builtin_add_overflow(x, *p->at - '0', &x))
			return wrong(p, "a smaller number");
	ret->kind = STEP_INDEX;
	ret->index = negative ? -x : x;
	return 0;
}

// What follows a backslash, as Python has it: a character, or 0 where it stands for itself.
static uint32_t parse_escape(struct parser *p)
{
	static const char names[] = "\\'\"abfnrtv", meant[] = "\\'\"\a\b\f\n\r\t\v";
	const char *name = *p->at ? strchr(names, *p->at) : NULL;
	const unsigned digits = *p->at == 'x' ? 2 : *p->at == 'u' ? 4 : *p->at == 'U' ? 8 : 0;
	uint32_t c = 0;

	if (name) {
		p->at++;
		return (unsigned char)meant[name - names];
	}
	for (unsigned i = 1; i <= digits; i++) {
		const int digit = hex_digit(p->at[i]);

		if (digit < 0)
			return 0;
		c = c << 4 | (unsigned)digit;
	}
	p->at += c ? digits + 1 : 0;
	return c;
}

static void parse_character(struct parser *p, struct strbuf *out)
{
	const bool is_escape = *p->at == '\\';
	uint32_t c;

	p->at += is_escape;
	c = is_escape ? parse_escape(p) : 0;
	if (c)
		strbuf_add_utf8(out, c);
	else
		strbuf_putc(out, is_escape ? '\\' : *p->at++);
}

static int parse_key(struct parser *p, struct step *ret)
{
	const char quote = *p->at++;
	struct strbuf text = {0};
	int r = 0;

	while (*p->at && *p->at != quote && text.n < STEP_TEXT_BYTES && !text.failed)
		parse_character(p, &text);
	if (text.failed)
		r = err_nomem(p->err);
	else if (text.n >= STEP_TEXT_BYTES)
		r = wrong(p, "a shorter string");
	else if (*p->at != quote)
		r = wrong(p, "the end of the string");
	else if (text.n)
		memcpy(ret->text, text.data, text.n);
	strbuf_done(&text);
	p->at += r == 0;
	ret->kind = STEP_KEY;
	return r;
}

static int parse_subscript(struct parser *p, struct step *ret)
{
	p->at++;
	if (*p->at == '\'' || *p->at == '"')
		TRY(parse_key(p, ret));
	else
		TRY(parse_index(p, ret));
	if (*p->at != ']')
		return wrong(p, "]");
	p->at++;
	return 0;
}

static int parse_next(struct parser *p, struct step *ret)
{
	if (*p->at == '[')
		return parse_subscript(p, ret);
	if (*p->at != '.')
		return wrong(p, "'.', '[' or the end");
	p->at++;
	ret->kind = STEP_ATTRIBUTE;
	return parse_name(p, ret);
}

static int parse(struct parser *p, struct expression *ret)
{
	do {
		struct step step = {0};

		if (ret->steps.n >= LIM_EXPRESSION_STEPS)
			return wrong(p, "the end, after so many steps,");
		if (ret->steps.n)
			TRY(parse_next(p, &step));
		else
			TRY(parse_first(p, &step));
		step.end = (uint64_t)(p->at - p->text);
		if (!vec_push(&ret->steps, step))
			return err_nomem(p->err);
	} while (*p->at);
	return 0;
}

int expression_parse(const char *text, struct expression *ret, struct ccore_error *err)
{
	struct parser p = {.text = text, .at = text, .err = err};
	int r;

	*ret = (struct expression){0};
	r = parse(&p, ret);
	if (r < 0)
		expression_done(ret);
	return r;
}

void expression_done(struct expression *e)
{
	vec_done(&e->steps);
}
