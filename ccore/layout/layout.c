// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/layout.h"

// -- facts

static const struct fact {
	enum fact_id id;
	uint32_t since;
	int64_t value;
} fact_rows[] = {
#define FACT(id, since, value, why) {FACT_##id, since, value},
#include "layout/cpython.def"
};

static const int64_t fact_initial[FACT_N] = {
#define FACT_NAME(id, initial) [FACT_##id] = initial,
#include "layout/cpython.def"
};

enum support layout_version_support(uint32_t version)
{
	int64_t supported = fact_initial[FACT_SUPPORTED];

	for (unsigned i = 0; i < sizeof(fact_rows) / sizeof(fact_rows[0]); i++)
		if (fact_rows[i].id == FACT_SUPPORTED && version >= fact_rows[i].since)
			supported = fact_rows[i].value;
	return (enum support)supported;
}

bool layout_is_untried(const struct layout *l)
{
	return l->facts[FACT_SUPPORTED] == UNTRIED ||
	       (layout_has(l, F_OB_GC_BITS) && l->facts[FACT_SUPPORTED_FREE_THREADED] == UNTRIED);
}

int layout_set_version(struct layout *l, uint32_t version, struct ccore_error *err)
{
	l->version = version;
	for (unsigned i = 0; i < FACT_N; i++)
		l->facts[i] = fact_initial[i];
	for (unsigned i = 0; i < sizeof(fact_rows) / sizeof(fact_rows[0]); i++)
		if (version >= fact_rows[i].since)
			l->facts[fact_rows[i].id] = fact_rows[i].value;
	if (layout_is_untried(l) && l->origin != ORIGIN_DWARF && l->origin != ORIGIN_FILE)
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "CPython %u.%u.%u is newer than what this version of necropy has "
			       "tables of: its debug information is wanted, or a layout made of "
			       "that elsewhere by `necropy layout`, given with --layout",
			       version >> 24, (version >> 16) & 0xff, (version >> 8) & 0xff);
	if (!l->facts[FACT_SUPPORTED])
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "CPython %u.%u.%u is not supported: 2.7 and 3.6 to 3.15 are",
			       version >> 24, (version >> 16) & 0xff, (version >> 8) & 0xff);
	if (layout_has(l, F_OB_GC_BITS) && !l->facts[FACT_SUPPORTED_FREE_THREADED])
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "free-threaded CPython %u.%u.%u is not supported: 3.13 and 3.14 are",
			       version >> 24, (version >> 16) & 0xff, (version >> 8) & 0xff);
	return 0;
}

// -- the listing

const char *layout_origin_name(enum layout_origin origin)
{
	static const char *const names[] = {
		[ORIGIN_LAYOUT] = "none",
		[ORIGIN_DWARF] = "dwarf",
		[ORIGIN_FILE] = "file",
		[ORIGIN_TABLE] = "table",
		[ORIGIN_NEAREST] = "nearest-table",
		[ORIGIN_OFFSETS] = "debug-offsets",
		[ORIGIN_SYMBOLS] = "symbols",
		[ORIGIN_STRUCTURE] = "structure",
	};
	return names[origin];
}

static const char *const row_names[] = {
#define FIELD(id, struct_id, paths, need) #struct_id "." paths,
#include "layout/cpython.def"
#define EDGE(id, path, kind, label) #id "." path,
#include "layout/members.def"
#define ROOT(struct_id, path, label) #struct_id "." path,
#include "layout/roots.def"
#define SYMBOL(id, names, cu, need) names,
#include "layout/cpython.def"
};

static const struct field *field_at(const struct layout *l, uint64_t i)
{
	if (i < FIELD_N)
		return &l->fields[i];
	i -= FIELD_N;
	return i < EDGE_ROW_N ? &l->edges[i] : &l->roots[i - EDGE_ROW_N];
}

bool layout_row(const struct layout *l, uint64_t i, struct layout_row *ret)
{
	const uint64_t field_n = FIELD_N + EDGE_ROW_N + ROOT_ROW_N;

	if (i >= sizeof(row_names) / sizeof(row_names[0]))
		return false;
	*ret = (struct layout_row){.name = row_names[i], .origin = l->origin};
	if (i < field_n) {
		const struct field *f = field_at(l, i);

		ret->found = f->found;
		ret->value = f->off;
		ret->size = f->size;
		if (i < FIELD_N && l->field_origin[i])
			ret->origin = l->field_origin[i];
	} else {
		ret->value = l->symbols[i - field_n];
		ret->found = ret->value != 0;
		if (l->symbol_origin[i - field_n])
			ret->origin = l->symbol_origin[i - field_n];
	}
	return true;
}
