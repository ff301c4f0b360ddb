// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/damage.h"

bool damage_any(const struct damage *d)
{
	for (int k = 0; k < DAMAGE_KIND_N; k++)
		if (d->count[k])
			return true;
	return false;
}

void damage_merge(struct damage *to, const struct damage *from)
{
	for (int k = 0; k < DAMAGE_KIND_N; k++) {
		if (from->count[k] && (!to->count[k] || from->first[k] < to->first[k]))
			to->first[k] = from->first[k];
		to->count[k] += from->count[k];
	}
}

const char *damage_name(enum damage_kind kind)
{
	static const char *const names[] = {
#define X(id, name, text) [id] = name,
		DAMAGE_KINDS(X)
#undef X
	};
	return names[kind];
}

const char *damage_text(enum damage_kind kind)
{
	static const char *const texts[] = {
#define X(id, name, text) [id] = (text), // some texts are of two parts
		DAMAGE_KINDS(X)
#undef X
	};
	return texts[kind];
}
