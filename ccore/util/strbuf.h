// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * strbuf: output text that grows. `data` is NUL-terminated once anything was added. When
 * memory runs out the buffer turns `failed` and ignores what follows; the reader checks
 * once, at the end.
 *
 * The escapes for every output format live here, and nowhere else.
 */
#ifndef NECROPY_STRBUF_H
#define NECROPY_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/** Zeroed, it is an empty buffer. */
struct strbuf {
	char *data;
	uint64_t n, cap;
	bool failed;
};

void strbuf_add(struct strbuf *sb, const char *s, uint64_t n);
void strbuf_puts(struct strbuf *sb, const char *s);
void strbuf_putc(struct strbuf *sb, char c);
void strbuf_pad(struct strbuf *sb, char c, uint64_t n);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/** Code point `c` as UTF-8; surrogates and values past U+10FFFF become U+FFFD. */
void strbuf_add_utf8(struct strbuf *sb, uint32_t c);

/** `n` bytes that ought to be UTF-8: control characters and malformed bytes become \xNN. */
void strbuf_add_printable(struct strbuf *sb, const char *s, uint64_t n);

/** `s` in double quotes, escaped as JSON (ASCII only) or for Graphviz. */
void strbuf_add_json(struct strbuf *sb, const char *s);
void strbuf_add_dot(struct strbuf *sb, const char *s);

/** `s` as text of an HTML-like label of Graphviz, control characters made printable. */
void strbuf_add_html(struct strbuf *sb, const char *s);

/** `s` as one CSV field (RFC 4180). */
void strbuf_add_csv(struct strbuf *sb, const char *s);

/** `n` in decimal, and in hexadecimal with 0x: what strbuf_printf() gives, but fast. */
void strbuf_add_u64(struct strbuf *sb, uint64_t n);
void strbuf_add_addr(struct strbuf *sb, uint64_t n);

/** `n` with thousands separators: "1,204,331". */
void strbuf_add_count(struct strbuf *sb, uint64_t n);

/** `bytes` for people, in IEC units: "312.4 MiB"; under 1 KiB "17 B". */
void strbuf_add_size(struct strbuf *sb, uint64_t bytes);

/** Columns that `s` takes on a terminal, counting code points. */
uint64_t text_width(const char *s);

void strbuf_done(struct strbuf *sb);

#endif
