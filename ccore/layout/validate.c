// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/validate.h"

#include "util/strbuf.h"

enum need { MUST, KNOWN, MAY };

static void complain(struct strbuf *wrong, const char *what, const char *name)
{
	strbuf_printf(wrong, "%s%s %s", wrong->n ? ", " : "", what, name);
}

static bool field_fits(const struct field *f, uint32_t struct_size)
{
	// Flexible array members have size 0 and lie at the end.
	if (f->off > struct_size || f->size > struct_size - f->off)
		return false;
	if (f->bit_size > 63 || f->bit_off > 63)
		return false;
	// A struct may be aligned to less than what is in it: in some builds a PyGC_Head is.
	return f->bit_size || f->size < 8 || f->off % (f->size == 8 ? 8 : 4) == 0;
}

static void check_pointer(const struct field *f, const char *name, uint32_t struct_size,
			  struct strbuf *wrong)
{
	if (f->found && (f->size != 8 || !field_fits(f, struct_size)))
		complain(wrong, "impossible", name);
}

static void check_array(const struct field *f, const char *name, uint32_t struct_size,
			struct strbuf *wrong)
{
	if (f->found && !field_fits(f, struct_size))
		complain(wrong, "impossible", name);
}

// Some structs are read only so far as their last member that is an array.
static bool is_before(const struct field *a, const struct field *b)
{
	return a->off <= b->off && a->size <= b->off - a->off;
}

// -- the rows

static const struct {
	const char *names;
	enum need need;
} structs[STRUCT_N] = {
#define STRUCT(id, names, need) {names, need},
#include "layout/cpython.def"
};

static const struct {
	const char *name;
	enum struct_id in;
	enum need need;
} fields[FIELD_N] = {
#define FIELD(id, struct_id, paths, need) {#struct_id "." paths, S_##struct_id, need},
#include "layout/cpython.def"
};

static const struct {
	const char *names;
	enum need need;
} symbols[SYMBOL_N] = {
#define SYMBOL(id, names, cu, need) {names, need},
#include "layout/cpython.def"
};

// Of two fields at least one.
static const struct {
	enum field_id a, b;
	const char *what;
	enum need need;
} pairs[] = {
#define ONE_OF(a, b, what) {F_##a, F_##b, what, MUST},
#define EITHER(struct_id, a, b) {F_##a, F_##b, #a " or " #b, KNOWN},
#include "layout/cpython.def"
};

// The first wants the second.
static const struct {
	enum field_id a, b;
	const char *name;
} wants[] = {
#define NEEDS(a, b) {F_##a, F_##b, #b},
#include "layout/cpython.def"
};

static const struct {
	enum field_id a, b;
	const char *name;
} orders[] = {
#define BEFORE(a, b) {F_##a, F_##b, #a},
#include "layout/cpython.def"
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

// `most`: rows that are needed less than this one need not be there.
static void check_presence(const struct layout *l, enum need most, struct strbuf *wrong)
{
	for (unsigned i = 0; i < STRUCT_N; i++)
		if (!l->struct_size[i] && structs[i].need <= most)
			complain(wrong, "missing struct", structs[i].names);
	for (unsigned i = 0; i < FIELD_N; i++)
		if (!l->fields[i].found && fields[i].need <= most)
			complain(wrong, "missing", fields[i].name);
	for (unsigned i = 0; i < LENGTH(pairs); i++)
		if (!layout_has(l, pairs[i].a) && !layout_has(l, pairs[i].b) &&
		    pairs[i].need <= most)
			complain(wrong, "missing", pairs[i].what);
	for (unsigned i = 0; i < LENGTH(wants); i++)
		if (layout_has(l, wants[i].a) && !layout_has(l, wants[i].b))
			complain(wrong, "missing", wants[i].name);
}

static void check_places(const struct layout *l, struct strbuf *wrong)
{
	for (unsigned i = 0; i < STRUCT_N; i++)
		if (l->struct_size[i] > (1u << 24))
			complain(wrong, "impossible size of", structs[i].names);
	for (unsigned i = 0; i < FIELD_N; i++)
		if (l->fields[i].found && !field_fits(&l->fields[i], l->struct_size[fields[i].in]))
			complain(wrong, "impossible", fields[i].name);
	for (unsigned i = 0; i < LENGTH(orders); i++)
		if (layout_has(l, orders[i].a) && layout_has(l, orders[i].b) &&
		    !is_before(&l->fields[orders[i].a], &l->fields[orders[i].b]))
			complain(wrong, "impossible", orders[i].name);
}

static void check_references(const struct layout *l, struct strbuf *wrong)
{
#define EDGE(id, path, kind, label)                                                            \
	check_pointer(&l->edges[EDGE_ROW_NAME(__LINE__)], path, l->members_size[MEMBERS_##id], \
		      wrong);
#include "layout/members.def"
#define ROOT(struct_id, path, label)                                                           \
	check_pointer(&l->roots[ROOT_ROW_NAME(__LINE__)], path, l->struct_size[S_##struct_id], \
		      wrong);
#define ROOT_WORDS(struct_id, path, words, label) \
	check_array(&l->roots[ROOT_ROW_NAME(__LINE__)], path, l->struct_size[S_##struct_id], wrong);
#include "layout/roots.def"
}

// It is read whole, and its links as words.
static void check_gc_head(const struct layout *l, struct strbuf *wrong)
{
	static const enum field_id words[] = {F_GC_NEXT, F_GC_PREV, F_GC_REFS};

	if (l->struct_size[S_PyGC_Head] > LIM_GC_HEAD_BYTES)
		complain(wrong, "impossible size of", "PyGC_Head");
	for (unsigned i = 0; i < LENGTH(words); i++)
		if (layout_has(l, words[i]) && l->fields[words[i]].size != 8)
			complain(wrong, "impossible", "link or count of PyGC_Head");
}

static int validate(const struct layout *l, bool whole, struct ccore_error *err)
{
	struct strbuf wrong = {0};
	int r = 0;

	check_presence(l, whole ? KNOWN : MUST, &wrong);
	check_places(l, &wrong);
	check_references(l, &wrong);
	check_gc_head(l, &wrong);
	for (unsigned i = 0; whole && i < SYMBOL_N; i++)
		if (!l->symbols[i] && symbols[i].need == MUST)
			complain(&wrong, "missing symbol", symbols[i].names);
	if (wrong.n || wrong.failed)
		r = err_set(err, CCORE_ELAYOUT, 0, "the layout does not fit: %s",
			    wrong.failed ? "out of memory" : wrong.data);
	strbuf_done(&wrong);
	return r;
}

int validate_layout(const struct layout *l, struct ccore_error *err)
{
	return validate(l, true, err);
}

int validate_fields(const struct layout *l, struct ccore_error *err)
{
	return validate(l, false, err);
}
