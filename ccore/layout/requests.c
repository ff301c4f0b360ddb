// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/requests.h"

#include "sym/name_set.h"

static const struct requests all_requests = {
	.structs =
		{
#define STRUCT(id, names, need) [S_##id] = {.structs = names},
#define STRUCT_IN(id, names, unit, need) [S_##id] = {.structs = names, .cu = unit},
#include "layout/cpython.def"
		},
	.members =
		{
#define MEMBERS(id, names, source, unit) [MEMBERS_##id] = {.structs = source, .cu = unit},
#include "layout/members.def"
		},
	.fields =
		{
#define FIELD(id, struct_id, path, need) [F_##id] = {.paths = path},
#include "layout/cpython.def"
		},
	.edges =
		{
#define EDGE(id, path, kind, label) [EDGE_ROW_NAME(__LINE__)] = {.paths = path, .to_struct = true},
#include "layout/members.def"
		},
	.roots =
		{
#define ROOT(struct_id, path, label) [ROOT_ROW_NAME(__LINE__)] = {.paths = path, .to_struct = true},
#define ROOT_WORDS(struct_id, path, words, label) [ROOT_ROW_NAME(__LINE__)] = {.paths = path},
#include "layout/roots.def"
		},
	.symbols =
		{
#define SYMBOL(id, symbols, unit, need) [SYM_##id] = {.names = symbols, .cu = unit},
#include "layout/cpython.def"
		},
};

const enum struct_id struct_of_field[FIELD_N] = {
#define FIELD(id, struct_id, paths, need) [F_##id] = S_##struct_id,
#include "layout/cpython.def"
};

const enum members_id members_of_edge[EDGE_ROW_N] = {
#define EDGE(id, path, kind, label) [EDGE_ROW_NAME(__LINE__)] = MEMBERS_##id,
#include "layout/members.def"
};

static const enum struct_id struct_of_root[ROOT_ROW_N] = {
#define ROOT(struct_id, path, label) [ROOT_ROW_NAME(__LINE__)] = S_##struct_id,
#include "layout/roots.def"
};

// By memcpy(): gcc takes an assignment apart into thousands of words, which takes it a minute.
static void start_from_all(struct requests *q)
{
	memcpy(q, &all_requests, sizeof(*q));
}

// Members are looked for where their struct is.
static void spread_structs(struct requests *q)
{
	for (unsigned i = 0; i < FIELD_N; i++) {
		q->fields[i].structs = q->structs[struct_of_field[i]].structs;
		q->fields[i].cu = q->structs[struct_of_field[i]].cu;
	}
	for (unsigned i = 0; i < ROOT_ROW_N; i++)
		q->roots[i].structs = q->structs[struct_of_root[i]].structs;
	for (unsigned i = 0; i < EDGE_ROW_N; i++) {
		q->edges[i].structs = q->members[members_of_edge[i]].structs;
		q->edges[i].cu = q->members[members_of_edge[i]].cu;
	}
}

void requests_make(struct requests *q)
{
	start_from_all(q);
	spread_structs(q);
}

static bool share_a_name(const char *names, const char *others)
{
	const char *name;
	uint64_t n;

	while ((name = next_alternative(&names, &n)))
		if (is_alternative(others, name, n))
			return true;
	return false;
}

// What has no name is asked for nowhere.
static uint64_t keep_rows_of(struct member_request *rows, uint64_t n, const char *files)
{
	uint64_t kept = 0;

	for (uint64_t i = 0; i < n; i++)
		if (rows[i].cu && share_a_name(rows[i].cu, files))
			kept++;
		else
			rows[i].structs = NULL;
	return kept;
}

bool requests_make_for(struct requests *q, const char *files)
{
	uint64_t kept;

	start_from_all(q);
	kept = keep_rows_of(q->structs, STRUCT_N, files) +
	       keep_rows_of(q->members, MEMBERS_N, files);
	spread_structs(q);
	return kept != 0;
}

static struct field answer(const struct member_request *q)
{
	return (struct field){
		.found = q->found,
		.off = q->off,
		.size = q->size,
		.bit_off = (uint8_t)q->bit_off,
		.bit_size = (uint8_t)q->bit_size,
	};
}

void requests_answer(const struct requests *q, uint64_t bias, struct layout *l)
{
	for (unsigned i = 0; i < STRUCT_N; i++)
		l->struct_size[i] = q->structs[i].found ? q->structs[i].size : 0;
	for (unsigned i = 0; i < MEMBERS_N; i++)
		l->members_size[i] = q->members[i].found ? q->members[i].size : 0;
	for (unsigned i = 0; i < FIELD_N; i++)
		l->fields[i] = answer(&q->fields[i]);
	for (unsigned i = 0; i < EDGE_ROW_N; i++)
		l->edges[i] = answer(&q->edges[i]);
	for (unsigned i = 0; i < ROOT_ROW_N; i++)
		l->roots[i] = answer(&q->roots[i]);
	for (unsigned i = 0; i < SYMBOL_N; i++)
		l->symbols[i] = q->symbols[i].found ? q->symbols[i].value + bias : 0;
}
