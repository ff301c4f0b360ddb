// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * redact: what is shown in place of values, so that an answer can be passed on: their type, their
 * length, and a hash by a key that is this session's alone. Equal values have equal hashes within
 * one session, and no one can tell from a hash what the value was. Names stay: of types,
 * attributes, functions, variables, modules and files.
 */
#ifndef NECROPY_REDACT_H
#define NECROPY_REDACT_H

#include "py/py.h"

/** From here on no values are shown. CCORE_EIO when the machine has no random numbers. */
int redact_begin(struct py *py, struct ccore_error *err);

/** "<TYPE LENGTH #HASH>" of `n` bytes at `data`, which stand for a value that is `length` long. */
void redact_value(const struct py *py, const char *type, uint64_t length, const void *data,
		  uint64_t n, struct strbuf *out);

/** The same of a text of ours, such as a command line. */
void redact_text(const struct py *py, const char *what, const char *text, struct strbuf *out);

/** The same of the str at `addr`, or false when it is none. */
bool redact_str(struct py_reader *r, addr_t addr, struct strbuf *out);

#endif
