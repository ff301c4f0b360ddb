// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/parse.h"

#include <string.h>

bool parse_addr(const char *text, addr_t *ret)
{
	const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	addr_t x = 0;

	text += hex ? 2 : 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *p = strchr(digits, *text);
		const unsigned base = hex ? 16 : 10;
		const unsigned digit = p ? (unsigned)(p - digits) % 16 : base;

		if (digit >= base || __builtin_mul_overflow(x, base, &x) ||
		    __builtin_add_overflow(x, digit, &x))
			return false;
	}
	*ret = x;
	return true;
}
