// SPDX-License-Identifier: GPL-2.0-or-later
#include "thin_layout.h"

#include "layout/companions.h"
#include "layout/validate.h"

#include <string.h>

static const enum need {
	MUST,
	KNOWN,
	MAY
} field_needs[] = {
#define FIELD(id, struct_id, path, need) need,
#include "layout/cpython.def"
};
static const enum need struct_needs[] = {
#define STRUCT(id, names, need) need,
#include "layout/cpython.def"
};
// Without what these are bound to the layout is refused.
static const enum field_id bound[] = {
#define ONE_OF(a, b, what) F_##a, F_##b,
#define NEEDS(a, b) F_##a,
#include "layout/cpython.def"
};
static const enum field_id companions[][2] = {
#define NEEDS(a, b) {F_##a, F_##b},
#define WITH(a, b) {F_##a, F_##b},
#define WITH_ONE(a, b, c) {F_##a, F_##b}, {F_##a, F_##c},
#include "layout/cpython.def"
};
static const enum members_id edge_members[] = {
#define EDGE(id, path, kind, label) MEMBERS_##id,
#include "layout/members.def"
};

// Fields without which there is no layout.
static void find_needed(bool needed[FIELD_N])
{
	bool again = true;

	for (unsigned i = 0; i < FIELD_N; i++)
		needed[i] = field_needs[i] == MUST;
	for (unsigned i = 0; i < sizeof(bound) / sizeof(bound[0]); i++)
		needed[bound[i]] = true;
	while (again) {
		again = false;
		for (unsigned i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
			if (!needed[companions[i][0]] || needed[companions[i][1]])
				continue;
			needed[companions[i][1]] = true;
			again = true;
		}
	}
}

// What every CPython has, and a file that someone gives need not: companions_drop() takes the
// fields. All of it is missing, or some, or nothing.
static void drop_tables(struct layout *l, uint64_t *choice)
{
	enum { NONE, SOME, ALL, STYLES } style = next_random(choice) % STYLES;

	for (unsigned i = 0; i < STRUCT_N; i++)
		if (struct_needs[i] == KNOWN &&
		    (style == ALL || (style == SOME && next_random(choice) % 4 == 0)))
			l->struct_size[i] = 0;
	for (unsigned i = 0; style == ALL && i < MEMBERS_N; i++)
		l->members_size[i] = 0;
}

void thin_out(struct layout *l, uint64_t choice)
{
	static bool needed[FIELD_N];
	struct ccore_error err;

	if (!choice)
		return;
	find_needed(needed);
	drop_tables(l, &choice);
	for (unsigned i = 0; i < FIELD_N; i++)
		if (next_random(&choice) % 4 == 0 && !needed[i] && field_needs[i] == MAY)
			l->fields[i] = (struct field){0};
	for (unsigned i = 0; i < MEMBERS_N; i++)
		if (next_random(&choice) % 4 == 0)
			l->members_size[i] = 0;
	for (unsigned i = 0; i < EDGE_ROW_N; i++)
		if (next_random(&choice) % 4 == 0 || !l->members_size[edge_members[i]])
			l->edges[i] = (struct field){0};
	for (unsigned i = 0; i < ROOT_ROW_N; i++)
		if (next_random(&choice) % 4 == 0)
			l->roots[i] = (struct field){0};
	companions_drop(l);
	// Members of the states were moved: those do not lie inside any more. None is missing.
	assert(validate_fields(l, &err) == 0 || !strstr(err.text, "missing"));
}
