// SPDX-License-Identifier: GPL-2.0-or-later
// literal: text, bytes and floats as Python's repr() writes them.
#ifndef NECROPY_LITERAL_H
#define NECROPY_LITERAL_H

#include "util/strbuf.h"

/** Characters of one text at most: what a caller of literal_text() needs room for. */
#define LITERAL_CHARS 240u

/**
 * Append `n` code points in quotes, chosen and escaped as repr() does. `ascii`: nothing but ASCII
 * is printable, as for bytes, and all of 2.7. `end` comes before the closing quote: "…" of a text
 * that goes on, else "".
 */
void literal_text(const uint32_t *c, uint64_t n, bool ascii, const char *end, struct strbuf *out);

/** Append the shortest decimal that reads back as `value`. */
void literal_float(double value, struct strbuf *out);

/** Append "1.5j" or "(1+1.5j)". */
void literal_complex(double real, double imag, struct strbuf *out);

#endif
