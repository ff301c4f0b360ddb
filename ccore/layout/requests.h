// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the tables as questions to debug information.
#ifndef NECROPY_LAYOUT_REQUESTS_H
#define NECROPY_LAYOUT_REQUESTS_H

#include "layout/layout.h"

// Requests of all rows, in one array each, so that DWARF is read once.
struct requests {
	struct member_request structs[STRUCT_N], fields[FIELD_N], members[MEMBERS_N],
		edges[EDGE_ROW_N], roots[ROOT_ROW_N];
	struct sym_request symbols[SYMBOL_N];
};

// The member requests are one array: contiguous members of one type.
#define REQUESTS_MEMBER_N ((uint64_t)STRUCT_N + FIELD_N + MEMBERS_N + EDGE_ROW_N + ROOT_ROW_N)

extern const enum struct_id struct_of_field[FIELD_N];
extern const enum members_id members_of_edge[EDGE_ROW_N];

/** All rows. */
void requests_make(struct requests *q);

/** Only rows of structs that are defined in one of `files`, '|'-separated; none: false. */
bool requests_make_for(struct requests *q, const char *files);

/** Set the rows of `l` to what was found; symbols of a file that lies at `bias`. */
void requests_answer(const struct requests *q, uint64_t bias, struct layout *l);

#endif
