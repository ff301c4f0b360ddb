// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/companions.h"

enum need { MUST, KNOWN, MAY };

static const struct rule {
	enum field_id field, either, other;
} rules[] = {
#define WITH(a, b) {F_##a, F_##b, F_##b},
#define WITH_ONE(a, b, c) {F_##a, F_##b, F_##c},
#include "layout/cpython.def"
};
#define RULE_N (sizeof(rules) / sizeof(rules[0]))

static const enum need struct_needs[STRUCT_N] = {
#define STRUCT(id, names, need) need,
#include "layout/cpython.def"
};

static const struct {
	enum struct_id in;
	enum need need;
} fields[FIELD_N] = {
#define FIELD(id, struct_id, paths, need) {S_##struct_id, need},
#include "layout/cpython.def"
};

static const struct {
	enum struct_id in;
	enum field_id either, other;
} halves[] = {
#define EITHER(struct_id, a, b) {S_##struct_id, F_##a, F_##b},
#include "layout/cpython.def"
};

static bool drop_by_rules(struct layout *l)
{
	bool any = false;

	for (unsigned i = 0; i < RULE_N; i++) {
		struct field *f = &l->fields[rules[i].field];

		if (!f->found || layout_has(l, rules[i].either) || layout_has(l, rules[i].other))
			continue;
		*f = (struct field){0};
		any = true;
	}
	return any;
}

static void find_broken(const struct layout *l, bool broken[STRUCT_N])
{
	for (unsigned i = 0; i < STRUCT_N; i++)
		broken[i] = struct_needs[i] == KNOWN && !l->struct_size[i];
	for (unsigned i = 0; i < FIELD_N; i++)
		if (fields[i].need == KNOWN && !l->fields[i].found)
			broken[fields[i].in] = true;
	for (unsigned i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		if (!layout_has(l, halves[i].either) && !layout_has(l, halves[i].other))
			broken[halves[i].in] = true;
}

// What is known of a struct by halves is not known.
static bool drop_broken(struct layout *l)
{
	bool broken[STRUCT_N], any = false;

	find_broken(l, broken);
	for (unsigned i = 0; i < STRUCT_N; i++)
		if (broken[i])
			l->struct_size[i] = 0;
	for (unsigned i = 0; i < FIELD_N; i++) {
		if (!broken[fields[i].in] || !l->fields[i].found)
			continue;
		l->fields[i] = (struct field){0};
		any = true;
	}
	return any;
}

// What one of them drops may be what another one wants.
void companions_drop(struct layout *l)
{
	while (drop_by_rules(l) || drop_broken(l))
		continue;
}

bool layout_lacks(const struct layout *l, enum struct_id id)
{
	return struct_needs[id] == KNOWN && !l->struct_size[id];
}

bool layout_lacks_version(const struct layout *l)
{
	return layout_lacks(l, S_PyDictObject) || layout_lacks(l, S_PyUnicodeObject) ||
	       layout_lacks(l, S_PyLongObject);
}
