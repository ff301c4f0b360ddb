// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/literal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Format characters, separators, surrogates, private use and no characters. What Unicode has not
 * assigned yet is not here: Python escapes that too, but each version knows more of it.
 */
static const struct {
	uint32_t first, last;
} unprintable[] = {
	{0x7f, 0xa0},	    {0xad, 0xad},	   {0x600, 0x605},     {0x61c, 0x61c},
	{0x6dd, 0x6dd},	    {0x70f, 0x70f},	   {0x890, 0x891},     {0x8e2, 0x8e2},
	{0x1680, 0x1680},   {0x180e, 0x180e},	   {0x2000, 0x200f},   {0x2028, 0x202f},
	{0x205f, 0x206f},   {0x3000, 0x3000},	   {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},
	{0xfeff, 0xfeff},   {0xfff0, 0xfffb},	   {0xfffe, 0xffff},   {0x110bd, 0x110bd},
	{0x110cd, 0x110cd}, {0x13430, 0x1343f},	   {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
	{0xe0000, 0xe00ff}, {0xe01f0, UINT32_MAX},
};

static bool is_printable(uint32_t c, bool ascii)
{
	if (c < 0x7f || ascii)
		return c >= ' ' && c < 0x7f;
	if ((c & 0xfffe) == 0xfffe)
		return false;
	for (unsigned i = 0; i < sizeof(unprintable) / sizeof(*unprintable); i++)
		if (c <= unprintable[i].last)
			return c < unprintable[i].first;
	return true;
}

static bool has(const uint32_t *c, uint64_t n, uint32_t wanted)
{
	for (uint64_t i = 0; i < n; i++)
		if (c[i] == wanted)
			return true;
	return false;
}

static void add_character(uint32_t c, char quote, bool ascii, struct strbuf *out)
{
	if (c == (uint32_t)quote || c == '\\') {
		strbuf_putc(out, '\\');
		strbuf_putc(out, (char)c);
	} else if (c == '\n' || c == '\t' || c == '\r') {
		strbuf_puts(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
	} else if (is_printable(c, ascii)) {
		strbuf_add_utf8(out, c);
	} else {
		strbuf_printf(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
	}
}

// 2.7 built with 16 bits a character has those above U+FFFF in two.
static bool is_pair(const uint32_t *c, uint64_t n)
{
	return n >= 2 && c[0] >> 10 == 0xd800 >> 10 && c[1] >> 10 == 0xdc00 >> 10;
}

void literal_text(const uint32_t *c, uint64_t n, bool ascii, const char *end, struct strbuf *out)
{
	const char quote = has(c, n, '\'') && !has(c, n, '"') ? '"' : '\'';

	strbuf_putc(out, quote);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t one = c[i];

		if (ascii && is_pair(c + i, n - i)) {
			one = 0x10000 + ((one & 0x3ff) << 10) + (c[i + 1] & 0x3ff);
			i++;
		}
		add_character(one, quote, ascii, out);
	}
	strbuf_puts(out, end);
	strbuf_putc(out, quote);
}

void literal_float(double value, struct strbuf *out)
{
	char text[32];
	int precision = 0;
	long exponent;

	if (!isfinite(value)) {
		strbuf_puts(out, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
		return;
	}
	do
		(void)snprintf(text, sizeof(text), "%.*e", precision, value); // 24 at most
	while (strtod(text, NULL) != value && ++precision < 17);
	exponent = strtol(strchr(text, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent >= 16)
		strbuf_puts(out, text);
	else if (precision > exponent)
		strbuf_printf(out, "%.*f", (int)(precision - exponent), value);
	else
		strbuf_printf(out, "%.1f", value);
}

// Without the ".0" of a float that is whole.
static void add_part(double value, struct strbuf *out)
{
	const uint64_t before = out->n;

	literal_float(value, out);
	if (!out->failed && out->n > before + 2 && strcmp(out->data + out->n - 2, ".0") == 0)
		out->data[out->n -= 2] = '\0';
}

void literal_complex(double real, double imag, struct strbuf *out)
{
	if (real == 0 && !signbit(real)) {
		add_part(imag, out);
		strbuf_putc(out, 'j');
		return;
	}
	strbuf_putc(out, '(');
	add_part(real, out);
	strbuf_puts(out, isnan(imag) || !signbit(imag) ? "+" : "");
	add_part(imag, out);
	strbuf_puts(out, "j)");
}
