// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/companions.h"

static const struct rule {
	enum field_id field, either, other;
} rules[] = {
#define WITH(a, b) {F_##a, F_##b, F_##b},
#define WITH_ONE(a, b, c) {F_##a, F_##b, F_##c},
#include "layout/cpython.def"
};
#define RULE_N (sizeof(rules) / sizeof(rules[0]))

// What a rule drops may be what another one wants: each pass but the last drops a field.
void companions_drop(struct layout *l)
{
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = 0; i < RULE_N; i++) {
			struct field *f = &l->fields[rules[i].field];

			if (!f->found || layout_has(l, rules[i].either) ||
			    layout_has(l, rules[i].other))
				continue;
			*f = (struct field){0};
			again = true;
		}
	}
}
