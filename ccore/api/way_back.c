// SPDX-License-Identifier: GPL-2.0-or-later
// The way back out of code without unwind tables, for gdb's unwinder.
#include "ccore.h"
#include "sym/straight_code.h"

int32_t ccore_way_back(const void *code, uint64_t n, int64_t *ret_return, int64_t *ret_rbp)
{
	struct way_back way;

	if (!code || !ret_return || !ret_rbp || !straight_code_follow(code, n, &way))
		return 0;
	*ret_return = (int64_t)way.return_off;
	*ret_rbp = way.has_rbp ? (int64_t)way.rbp_off : -1;
	return 1;
}
