// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/vec.h"

bool vec_grow_(void **data, uint64_t *cap, uint64_t want, uint64_t elem)
{
	uint64_t new_cap = *cap ? *cap * 2 : 16;
	void *p;

	if (new_cap < want)
		new_cap = want;
	if (new_cap > SIZE_MAX / 2 / elem)
		return false;
	p = realloc(*data, new_cap * elem);
	if (!p)
		return false;
	*data = p;
	*cap = new_cap;
	return true;
}
