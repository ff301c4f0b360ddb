// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/layout_notes.h"

#include "layout/debug_offsets.h"
#include "py/stack_frame.h"
#include "py/without_tables.h"

#include <inttypes.h>

static void put_version(uint32_t version, struct strbuf *out)
{
	strbuf_printf(out, "%u.%u.%u", version >> 24, version >> 16 & 0xff, version >> 8 & 0xff);
}

// -- of another build than the target

static bool is_of_other_version(const struct layout *l)
{
	return l->origin == ORIGIN_NEAREST || (l->origin == ORIGIN_FILE && l->table_version &&
					       l->table_version >> 8 != l->version >> 8);
}

static void note_other_version(const struct layout *l, struct ccore_result *r)
{
	struct strbuf text = {0};

	strbuf_puts(&text, "no layout of this build is known: that of CPython ");
	put_version(l->table_version, &text);
	strbuf_puts(&text, l->origin == ORIGIN_FILE
				   ? " was given with --layout"
				   : " is used, the nearest one that fits; what it says of some "
				     "objects may be wrong (`necropy verify` looks for that)");
	if (!text.failed)
		result_note(r, "%s", text.data);
	strbuf_done(&text);
	r->incomplete = true;
}

// -- _Py_DebugOffsets

struct disagreement {
	const struct layout *l;
	struct strbuf *out;
	uint32_t n;
};

static void list_disagreement(void *ctx, enum field_id field, uint64_t offset)
{
	struct disagreement *d = ctx;
	struct layout_row row;

	if (layout_row(d->l, field, &row))
		strbuf_printf(d->out, "%s%s is at %" PRIu64 ", not %" PRIu64, d->n ? ", " : "",
			      row.name, row.value, offset);
	d->n++;
}

static void note_disagreements(const struct session *s, struct ccore_result *r)
{
	struct strbuf text = {0};
	struct disagreement d = {.l = &s->heap.layout, .out = &text};

	(void)debug_offsets_compare(d.l, &s->target.mem, list_disagreement, &d); // d.n says it
	if (d.n && !text.failed)
		result_note(r, "the layout and the target's own _Py_DebugOffsets disagree: %s",
			    text.data);
	r->incomplete |= d.n != 0;
	strbuf_done(&text);
}

// -- of a CPython that no one has tabled

static void note_untried(const struct layout *l, struct ccore_result *r)
{
	struct strbuf version = {0};

	if (!layout_is_untried(l))
		return;
	put_version(l->version, &version);
	if (!version.failed)
		result_note(r,
			    "CPython %s is newer than what this version of necropy was tried on: "
			    "what no struct shows is taken to be as in the newest that was, and "
			    "may be wrong (`necropy verify` looks for that)",
			    version.data);
	strbuf_done(&version);
	r->incomplete = true;
}

static void note_missing_tables(const struct session *s, struct ccore_result *r)
{
	const struct heap *h = &s->heap;
	struct strbuf types = {0};

	if (without_tables(&h->layout, &types) && !types.failed) {
		result_note(r, "the layout has no table of %s: what such objects refer to %s%s",
			    types.data,
			    h->py.emu ? "is known by their types' own code only"
				      : "cannot be told, for there is no emulator to run their "
					"types' own code",
			    stack_frames_are_known(&h->layout)
				    ? ""
				    : "; what runs, and its locals, is not known");
		if (without_class_names(&h->layout))
			result_note(r, "classes are called by their bare names: where they come "
				       "from cannot be read");
		r->incomplete = true;
	}
	strbuf_done(&types);
}

void layout_notes(const struct session *s, struct ccore_result *r)
{
	const struct layout *l = &s->heap.layout;

	if (is_of_other_version(l))
		note_other_version(l, r);
	note_disagreements(s, r);
	note_untried(l, r);
	note_missing_tables(s, r);
	if (s->heap.other_interpreter) {
		result_note(r, "another interpreter runs in %s: only the one in %s was looked at",
			    s->heap.other_interpreter->name, l->module->name);
		r->incomplete = true;
	}
	if (l->module->file || s->target.kind == TARGET_MEMORY)
		return;
	result_note(r, "the interpreter's own file is not here: names of static types are taken "
		       "from their attributes, and code cannot be emulated");
	r->incomplete = true;
}

// -- for info

void layout_describe(const struct session *s, struct strbuf *out)
{
	const struct layout *l = &s->heap.layout;

	strbuf_puts(out, layout_source(l));
	if (l->from_cache)
		strbuf_puts(out, " (cached)");
	if (l->table_version) {
		strbuf_puts(out, " of CPython ");
		put_version(l->table_version, out);
	}
}

void layout_describe_symbols(const struct session *s, struct strbuf *out)
{
	const struct layout *l = &s->heap.layout;
	uint32_t known = 0, structure = 0;

	for (unsigned i = 0; i < SYMBOL_N; i++) {
		structure += l->symbols[i] && l->symbol_origin[i] == ORIGIN_STRUCTURE;
		known += l->symbols[i] && l->symbol_origin[i] != ORIGIN_STRUCTURE;
	}
	strbuf_printf(out, "%" PRIu32 " from symbol tables, %" PRIu32 " found by structure", known,
		      structure);
}

void layout_describe_tables(const struct session *s, struct strbuf *out)
{
	struct strbuf types = {0};

	if (without_tables(&s->heap.layout, &types) && !types.failed)
		strbuf_printf(out, "none of %s", types.data);
	strbuf_done(&types);
}

void layout_describe_offsets(const struct session *s, struct strbuf *out)
{
	struct strbuf list = {0};
	struct disagreement d = {.l = &s->heap.layout, .out = &list};
	const uint32_t n = debug_offsets_compare(d.l, &s->target.mem, list_disagreement, &d);

	if (n)
		strbuf_printf(out, "%" PRIu32 " of %" PRIu32 " fields agree%s%s", n - d.n, n,
			      d.n ? ": " : "", list.n && !list.failed ? list.data : "");
	strbuf_done(&list);
}
