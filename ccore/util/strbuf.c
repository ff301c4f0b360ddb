// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct strbuf *sb, uint64_t n)
{
	uint64_t cap = sb->cap ? sb->cap : 256;
	char *p;

	if (sb->failed)
		return false;
	if (n < sb->cap && sb->n < sb->cap - n)
		return true;
	while (cap - sb->n <= n) {
		if (cap > SIZE_MAX / 4) {
			sb->failed = true;
			return false;
		}
		cap *= 2;
	}
	p = realloc(sb->data, cap);
	if (!p) {
		sb->failed = true;
		return false;
	}
	sb->data = p;
	sb->cap = cap;
	return true;
}

void strbuf_add(struct strbuf *sb, const char *s, uint64_t n)
{
	if (!make_room(sb, n))
		return;
	if (n)
		memcpy(sb->data + sb->n, s, n);
	sb->n += n;
	sb->data[sb->n] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_putc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_pad(struct strbuf *sb, char c, uint64_t n)
{
	if (!make_room(sb, n))
		return;
	memset(sb->data + sb->n, c, n);
	sb->n += n;
	sb->data[sb->n] = '\0';
}

#define DIGITS_MAX 20u // of a uint64_t in decimal

void strbuf_add_u64(struct strbuf *sb, uint64_t n)
{
	char text[DIGITS_MAX];
	unsigned at = DIGITS_MAX;

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	strbuf_add(sb, text + at, DIGITS_MAX - at);
}

void strbuf_add_addr(struct strbuf *sb, uint64_t n)
{
	char text[DIGITS_MAX];
	unsigned at = DIGITS_MAX;

	do {
		text[--at] = "0123456789abcdef"[n & 15];
		n >>= 4;
	} while (n);
	text[--at] = 'x';
	text[--at] = '0';
	strbuf_add(sb, text + at, DIGITS_MAX - at);
}

void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		sb->failed = true;
	else if (make_room(sb, (uint64_t)n + 1)) {
		(void)vsnprintf(sb->data + sb->n, (size_t)n + 1, fmt, again);
		sb->n += (uint64_t)n;
	}
	va_end(again);
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(sb, fmt, ap);
	va_end(ap);
}

void strbuf_add_utf8(struct strbuf *sb, uint32_t c)
{
	char b[4];

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	if (c < 0x80) {
		strbuf_putc(sb, (char)c);
	} else if (c < 0x800) {
		b[0] = (char)(0xc0 | (c >> 6));
		b[1] = (char)(0x80 | (c & 0x3f));
		strbuf_add(sb, b, 2);
	} else if (c < 0x10000) {
		b[0] = (char)(0xe0 | (c >> 12));
		b[1] = (char)(0x80 | ((c >> 6) & 0x3f));
		b[2] = (char)(0x80 | (c & 0x3f));
		strbuf_add(sb, b, 3);
	} else {
		b[0] = (char)(0xf0 | (c >> 18));
		b[1] = (char)(0x80 | ((c >> 12) & 0x3f));
		b[2] = (char)(0x80 | ((c >> 6) & 0x3f));
		b[3] = (char)(0x80 | (c & 0x3f));
		strbuf_add(sb, b, 4);
	}
}

// Length of the well-formed UTF-8 sequence at `s` and its code point, or 0.
static uint64_t decode_utf8(const char *text, uint64_t n, uint32_t *ret)
{
	const uint8_t *s = (const uint8_t *)text;
	uint64_t len = s[0] < 0x80   ? 1
		       : s[0] < 0xc2 ? 0
		       : s[0] < 0xe0 ? 2
		       : s[0] < 0xf0 ? 3
		       : s[0] < 0xf5 ? 4
				     : 0;
	uint32_t c;

	if (!len || len > n)
		return 0;
	c = len == 1 ? s[0] : (uint32_t)(s[0] & (0x7f >> len));
	for (uint64_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = (c << 6) | (s[i] & 0x3fu);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

void strbuf_add_printable(struct strbuf *sb, const char *s, uint64_t n)
{
	while (n) {
		uint32_t c;
		uint64_t len = decode_utf8(s, n, &c);

		if (!len || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			strbuf_printf(sb, "\\x%02x", (uint8_t)*s);
			len = 1;
		} else {
			strbuf_add(sb, s, len);
		}
		s += len;
		n -= len;
	}
}

static void add_json_unit(struct strbuf *sb, uint32_t c)
{
	strbuf_printf(sb, "\\u%04x", c);
}

void strbuf_add_json(struct strbuf *sb, const char *s)
{
	uint64_t n = strlen(s);

	strbuf_putc(sb, '"');
	while (n) {
		uint32_t c;
		uint64_t len = decode_utf8(s, n, &c);

		if (!len) {
			c = 0xfffd;
			len = 1;
		}
		if (c == '"' || c == '\\') {
			strbuf_putc(sb, '\\');
			strbuf_putc(sb, (char)c);
		} else if (c >= 0x20 && c < 0x7f) {
			strbuf_putc(sb, (char)c);
		} else if (c < 0x10000) {
			add_json_unit(sb, c);
		} else {
			add_json_unit(sb, 0xd800 + ((c - 0x10000) >> 10));
			add_json_unit(sb, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
		s += len;
		n -= len;
	}
	strbuf_putc(sb, '"');
}

void strbuf_add_dot(struct strbuf *sb, const char *s)
{
	strbuf_putc(sb, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_putc(sb, '\\');
		if (*s == '\n')
			strbuf_puts(sb, "\\n");
		else
			strbuf_putc(sb, *s);
	}
	strbuf_putc(sb, '"');
}

void strbuf_add_html(struct strbuf *sb, const char *s)
{
	struct strbuf printable = {0};

	strbuf_add_printable(&printable, s, strlen(s));
	sb->failed |= printable.failed;
	for (uint64_t i = 0; i < printable.n; i++) {
		switch (printable.data[i]) {
		case '&':
			strbuf_puts(sb, "&amp;");
			break;
		case '<':
			strbuf_puts(sb, "&lt;");
			break;
		case '>':
			strbuf_puts(sb, "&gt;");
			break;
		case '"':
			strbuf_puts(sb, "&quot;");
			break;
		default:
			strbuf_putc(sb, printable.data[i]);
		}
	}
	strbuf_done(&printable);
}

void strbuf_add_csv(struct strbuf *sb, const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		strbuf_puts(sb, s);
		return;
	}
	strbuf_putc(sb, '"');
	for (; *s; s++) {
		if (*s == '"')
			strbuf_putc(sb, '"');
		strbuf_putc(sb, *s);
	}
	strbuf_putc(sb, '"');
}

void strbuf_add_count(struct strbuf *sb, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			strbuf_putc(sb, ',');
		strbuf_putc(sb, digits[i]);
	}
}

void strbuf_add_size(struct strbuf *sb, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double x = (double)bytes;
	unsigned u = 0;

	// 1023.95 would print as 1024.0 of the smaller unit.
	while (x >= (u ? 1023.95 : 1024.0) && u < 6) {
		x /= 1024;
		u++;
	}
	if (u)
		strbuf_printf(sb, "%.1f %s", x, units[u]);
	else
		strbuf_printf(sb, "%llu B", (unsigned long long)bytes);
}

uint64_t text_width(const char *s)
{
	uint64_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

void strbuf_done(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf){0};
}
