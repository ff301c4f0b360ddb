// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STATUS(name, number, text) \
	_Static_assert(name == (number), "status.def and ccore.h disagree on " #name);
#include "util/status.def"
#undef STATUS

const char *ccore_status_text(int32_t status)
{
	switch (status) {
#define STATUS(name, number, text) \
	case number:               \
		return text;
#include "util/status.def"
#undef STATUS
	default:
		return "unknown status";
	}
}

int err_set(struct ccore_error *err, int code, addr_t addr, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	err->reserved = 0;
	err->addr = addr;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap); // cut text is still a sentence
	va_end(ap);
	return code;
}

int err_prefix(struct ccore_error *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;
	int n;

	if (!err)
		return code;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 2 >= sizeof(text))
		return code;
	(void)snprintf(text + n, sizeof(text) - (size_t)n, ": %.*s",
		       (int)(sizeof(text) - (size_t)n - 3), err->text);
	memcpy(err->text, text, sizeof(text));
	return code;
}

int err_nomem(struct ccore_error *err)
{
	return err_set(err, CCORE_ENOMEM, 0, "out of memory");
}
