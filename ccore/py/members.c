// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of layout/members.def: which types, which members of their struct, which labels.
#include "py/families.h"

static const char *const members_names[MEMBERS_N] = {
#define MEMBERS(id, names, structs, cu) [MEMBERS_##id] = names,
#include "layout/members.def"
};

static const struct edge_row {
	enum members_id id;
	enum edge_kind kind;
	uint32_t since; // PY_VERSION_HEX from which on it is of kind_since; 0: never
	enum edge_kind kind_since;
	const char *label;
} edge_rows[EDGE_ROW_N] = {
#define EDGE(id, path, kind, label) {MEMBERS_##id, EDGE_##kind, 0, EDGE_##kind, label},
#define EDGE_SINCE(id, path, kind, since, kind_since, label) \
	{MEMBERS_##id, EDGE_##kind, since, EDGE_##kind_since, label},
#include "layout/members.def"
};

static const char *const leaf_names[] = {
#define LEAF(names) names,
#include "layout/members.def"
};

bool name_in_list(const char *name, const char *names)
{
	const uint64_t n = strlen(name);

	for (const char *s = n ? names : NULL; s; s = strchr(s, '|')) {
		s += *s == '|';
		if (strncmp(s, name, n) == 0 && (s[n] == '|' || s[n] == '\0'))
			return true;
	}
	return false;
}

bool members_is_leaf(const char *tp_name)
{
	for (unsigned i = 0; i < sizeof(leaf_names) / sizeof(leaf_names[0]); i++)
		if (name_in_list(tp_name, leaf_names[i]))
			return true;
	return false;
}

// A member is known by its offset: a type with two sets of rows has each once.
static bool already_there(const struct py_member *members, uint32_t n, uint32_t off)
{
	for (uint32_t i = 0; i < n; i++)
		if (members[i].off == off)
			return true;
	return false;
}

static enum edge_kind kind_of_row(const struct layout *l, const struct edge_row *row)
{
	return row->since && l->version >= row->since ? row->kind_since : row->kind;
}

static uint32_t add_rows(const struct layout *l, enum members_id id, uint32_t basicsize,
			 struct py_member *ret, uint32_t n)
{
	for (unsigned row = 0; row < EDGE_ROW_N && n < MEMBERS_ROWS_MAX; row++) {
		const struct field *f = &l->edges[row];

		if (edge_rows[row].id != id || !f->found || basicsize < 8 ||
		    f->off > basicsize - 8 || already_there(ret, n, f->off))
			continue;
		ret[n++] = (struct py_member){
			.off = f->off,
			.kind = (uint8_t)kind_of_row(l, &edge_rows[row]),
			.label = edge_rows[row].label,
			.source = SOURCE_TABLE,
		};
	}
	return n;
}

bool members_are_missing(const struct layout *l, const char *tp_name)
{
	bool missing = false;

	for (unsigned id = 0; id < MEMBERS_N; id++) {
		if (!name_in_list(tp_name, members_names[id]))
			continue;
		if (l->members_size[id])
			return false;
		missing = true;
	}
	return missing;
}

bool members_find(const struct layout *l, const char *tp_name, uint32_t basicsize,
		  struct py_member *ret, uint32_t *ret_n)
{
	bool known = false;
	uint32_t n = 0;

	for (unsigned id = 0; id < MEMBERS_N; id++) {
		if (!l->members_size[id] || !name_in_list(tp_name, members_names[id]))
			continue;
		known = true;
		n = add_rows(l, id, basicsize, ret, n);
	}
	*ret_n = n;
	return known;
}
