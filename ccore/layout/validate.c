// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/validate.h"

#include "util/strbuf.h"

enum need { MUST, MAY };

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

static void check_field(const struct layout *l, enum field_id id, const char *name,
			enum struct_id st, enum need need, struct strbuf *wrong)
{
	const struct field *f = &l->fields[id];

	if (!f->found && need == MUST)
		complain(wrong, "missing", name);
	if (f->found && !field_fits(f, l->struct_size[st]))
		complain(wrong, "impossible", name);
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

static void check_symbols(const struct layout *l, struct strbuf *wrong)
{
#define SYMBOL(id, names, cu, need)                \
	if (!l->symbols[SYM_##id] && need == MUST) \
		complain(wrong, "missing symbol", names);
#include "layout/cpython.def"
}

// It is read whole, and its links as words.
static void check_gc_head(const struct layout *l, struct strbuf *wrong)
{
	static const enum field_id words[] = {F_GC_NEXT, F_GC_PREV, F_GC_REFS};

	if (l->struct_size[S_PyGC_Head] > LIM_GC_HEAD_BYTES)
		complain(wrong, "impossible size of", "PyGC_Head");
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (layout_has(l, words[i]) && l->fields[words[i]].size != 8)
			complain(wrong, "impossible", "link or count of PyGC_Head");
}

static int validate(const struct layout *l, bool with_symbols, struct ccore_error *err)
{
	struct strbuf wrong = {0};
	int r = 0;

#define STRUCT(id, names, need)                            \
	if (!l->struct_size[S_##id] && need == MUST)       \
		complain(&wrong, "missing struct", names); \
	if (l->struct_size[S_##id] > (1u << 24))           \
		complain(&wrong, "impossible size of", names);
#define FIELD(id, struct_id, paths, need) \
	check_field(l, F_##id, #struct_id "." paths, S_##struct_id, need, &wrong);
#define ONE_OF(a, b, what)                                  \
	if (!layout_has(l, F_##a) && !layout_has(l, F_##b)) \
		complain(&wrong, "missing", what);
#define NEEDS(a, b)                                        \
	if (layout_has(l, F_##a) && !layout_has(l, F_##b)) \
		complain(&wrong, "missing", #b);
#define BEFORE(a, b)                                          \
	if (layout_has(l, F_##a) && layout_has(l, F_##b) &&   \
	    !is_before(&l->fields[F_##a], &l->fields[F_##b])) \
		complain(&wrong, "impossible", #a);
#include "layout/cpython.def"
#define EDGE(id, path, kind, label)                                                            \
	check_pointer(&l->edges[EDGE_ROW_NAME(__LINE__)], path, l->members_size[MEMBERS_##id], \
		      &wrong);
#include "layout/members.def"
#define ROOT(struct_id, path, label)                                                           \
	check_pointer(&l->roots[ROOT_ROW_NAME(__LINE__)], path, l->struct_size[S_##struct_id], \
		      &wrong);
#define ROOT_WORDS(struct_id, path, words, label)                                            \
	check_array(&l->roots[ROOT_ROW_NAME(__LINE__)], path, l->struct_size[S_##struct_id], \
		    &wrong);
#include "layout/roots.def"
	check_gc_head(l, &wrong);
	if (with_symbols)
		check_symbols(l, &wrong);
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
