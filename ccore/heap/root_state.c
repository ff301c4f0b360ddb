// SPDX-License-Identifier: GPL-2.0-or-later
// What the states of threads and interpreters hold: the rows of roots.def, and some lists.
#include "heap/root_kinds.h"

#include <inttypes.h>

// -- the rows

struct state_row {
	enum struct_id st;
	const char *label;
	uint32_t words;		// of an element; 0: the row is one pointer; or STALE
	enum struct_id element; // of an array of structs
	enum field_id member;	// of each that is a pointer; FIELD_N: all that can be one
};

#define STALE UINT32_MAX

static const struct state_row rows[ROOT_ROW_N] = {
#define ROOT(struct_id, path, text) {S_##struct_id, text, 0, STRUCT_N, FIELD_N},
#define ROOT_WORDS(struct_id, path, n, text) {S_##struct_id, text, n, STRUCT_N, FIELD_N},
#define ROOT_STALE(struct_id, path) {S_##struct_id, "", STALE, STRUCT_N, FIELD_N},
#define ROOT_EACH(struct_id, path, struct_of, member_of, text) \
	{S_##struct_id, text, 1, S_##struct_of, F_##member_of},
#include "layout/roots.def"
};

// An element's label: the row, and its index there.
#define ROW_SHIFT 32u

static void emit_words(struct py_reader *r, unsigned row, addr_t at, uint64_t size)
{
	for (uint64_t off = 0; off + 8 <= size; off += 8) {
		const addr_t to = py_read_ptr(r, at + off, at);

		if (py_type_of(r, to))
			edge_emit(&r->edges, to, EDGE_OWN, LABEL_INDEX,
				  (uint64_t)row << ROW_SHIFT | off / 8 / rows[row].words);
	}
}

static void emit_each(struct py_reader *r, unsigned row, addr_t at, uint64_t size)
{
	const uint32_t stride = r->layout->struct_size[rows[row].element];

	if (!stride || !layout_has(r->layout, rows[row].member))
		return;
	at += layout_off(r->layout, rows[row].member);
	// Entries of a cache that are out of date may have given up what they name.
	r->edges.uncounted = true;
	for (uint64_t i = 0; i < size / stride; i++)
		edge_emit(&r->edges, py_read_ptr(r, at + i * stride, at), EDGE_OWN, LABEL_INDEX,
			  (uint64_t)row << ROW_SHIFT | i);
	r->edges.uncounted = false;
}

static void visit_rows(struct py_reader *r, enum struct_id st, addr_t state)
{
	for (unsigned i = 0; i < ROOT_ROW_N; i++) {
		const struct field *f = &r->layout->roots[i];

		if (rows[i].st != st || !f->found || rows[i].words == STALE)
			continue;
		if (!rows[i].words)
			edge_emit_text(&r->edges, py_read_ptr(r, state + f->off, state), EDGE_OWN,
				       rows[i].label);
		else if (rows[i].member == FIELD_N)
			emit_words(r, i, state + f->off, f->size);
		else
			emit_each(r, i, state + f->off, f->size);
	}
}

// Whether the rows for `st` tell of the word at `off`.
static bool is_in_rows(const struct layout *l, enum struct_id st, uint64_t off)
{
	for (unsigned i = 0; i < ROOT_ROW_N; i++) {
		const struct field *f = &l->roots[i];

		if (rows[i].st == st && f->found && off >= f->off && off - f->off < f->size)
			return true;
	}
	return false;
}

void root_state_label(const struct edge *e, struct strbuf *out)
{
	const uint64_t row = e->word >> ROW_SHIFT;

	if (e->label == LABEL_INDEX && row < ROOT_ROW_N)
		strbuf_printf(out, "%s[%" PRIu32 "]", rows[row].label, (uint32_t)e->word);
	else
		strbuf_printf(out, "+0x%" PRIx64, e->word);
}

// -- what no row can say

// What static type `state` is for has in this interpreter.
static void visit_static_type(struct py_reader *r, addr_t state, bool shown)
{
	const struct layout *l = r->layout;
	struct edge_buffer *b = &r->edges;
	const addr_t type = py_read_ptr(r, state + layout_off(l, F_STS_TYPE), state);

	if (!type)
		return;
	edge_emit_text(b, type, EDGE_OWN, " static type");
	b->uncounted = shown;
	edge_emit_text(b, py_read_ptr(r, state + layout_off(l, F_STS_DICT), state), EDGE_OWN,
		       " static type's dict");
	b->uncounted = false;
	if (layout_has(l, F_STS_SUBCLASSES))
		edge_emit_text(b, py_read_ptr(r, state + layout_off(l, F_STS_SUBCLASSES), state),
			       EDGE_OWN, " static type's subclasses");
}

// Static types keep a dictionary for each interpreter.
static void visit_static_types(struct py_reader *r, const struct interpreter *in)
{
	const struct layout *l = r->layout;
	const uint32_t size = l->struct_size[S_static_type_state];

	for (unsigned a = 0; a < 2; a++) {
		// The type itself shows the dictionary of the first interpreter.
		const bool shown = in->static_types[a] == r->py->static_types[a];
		uint64_t n;

		if (!in->static_types[a] || !size)
			continue;
		n = l->fields[a ? F_IS_EXT_TYPES : F_IS_STATIC_TYPES].size / size;
		for (uint64_t i = 0; i < n; i++)
			visit_static_type(r, in->static_types[a] + i * size, shown);
	}
}

// A count in an int; 0 when it is more than the target's memory could hold.
static uint64_t read_count(struct py_reader *r, addr_t state, enum field_id f)
{
	const struct field *fd = &r->layout->fields[f];
	uint64_t n = 0;

	if (!fd->found || fd->size > 8 || mem_read(r->py->mem, state + fd->off, &n, fd->size) < 0)
		return 0;
	if (n <= r->py->mem->bytes / 8)
		return n;
	damage_note(&r->damage, DAMAGE_BAD_THREAD, state);
	return 0;
}

// Each callback: a function, its arguments and keyword arguments.
static void visit_atexit(struct py_reader *r, addr_t state)
{
	static const char *const labels[] = {" atexit function", " atexit function's arguments",
					     " atexit function's keyword arguments"};
	const uint64_t n = read_count(r, state, F_IS_ATEXIT_N);
	addr_t at;

	if (!n || !layout_has(r->layout, F_IS_ATEXIT))
		return;
	at = py_read_ptr(r, state + layout_off(r->layout, F_IS_ATEXIT), state);
	for (uint64_t i = 0; at && i < n && r->edges.left; i++) {
		const addr_t callback = py_read_ptr(r, at + i * 8, state);

		for (unsigned k = 0; callback && k < 3; k++)
			edge_emit_text(&r->edges, py_read_ptr(r, callback + k * 8, state), EDGE_OWN,
				       labels[k]);
	}
}

// Names that C code asks for, made once.
static void visit_identifiers(struct py_reader *r, addr_t state)
{
	const uint64_t n = read_count(r, state, F_IS_UNICODE_IDS_N);
	addr_t at;

	if (!n || !layout_has(r->layout, F_IS_UNICODE_IDS))
		return;
	at = py_read_ptr(r, state + layout_off(r->layout, F_IS_UNICODE_IDS), state);
	for (uint64_t i = 0; at && i < n && r->edges.left; i++)
		edge_emit_text(&r->edges, py_read_ptr(r, at + i * 8, state), EDGE_OWN,
			       " identifier");
}

static void visit_gc(struct py_reader *r, const struct interpreter *in)
{
	struct edge_buffer *b = &r->edges;

	b->uncounted = !in->owns_gc; // another interpreter's, which shows the same
	if (in->gc.garbage)
		edge_emit_text(b, py_read_ptr(r, in->gc.garbage, in->addr), EDGE_OWN,
			       " gc.garbage");
	if (in->gc.callbacks)
		edge_emit_text(b, py_read_ptr(r, in->gc.callbacks, in->addr), EDGE_OWN,
			       " gc.callbacks");
	b->uncounted = false;
}

// -- the roots

void root_thread_visit(struct py_reader *r, const struct root *root)
{
	visit_rows(r, S_PyThreadState, root->addr);
	visit_rows(r, S_PyThreadStateImpl, root->addr);
}

void root_interpreter_visit(struct py_reader *r, const struct runtime *rt, const struct root *root)
{
	const struct interpreter *in = &rt->interpreters.data[root->interpreter];

	visit_rows(r, S_PyInterpreterState, in->addr);
	if (root->interpreter == 0 && r->layout->symbols[SYM_PyRuntime])
		visit_rows(r, S_runtime, r->layout->symbols[SYM_PyRuntime]);
	if (root->interpreter < r->py->interned.n)
		edge_emit_text(&r->edges, r->py->interned.data[root->interpreter], EDGE_OWN,
			       " interned strings");
	visit_gc(r, in);
	visit_static_types(r, in);
	visit_atexit(r, in->addr);
	visit_identifiers(r, in->addr);
}

void root_state_words_visit(struct py_reader *r, const struct runtime *rt, const struct root *root)
{
	const struct layout *l = r->layout;
	const bool thread = root->kind == ROOT_THREAD;
	const enum struct_id st = thread ? S_PyThreadState : S_PyInterpreterState;
	const struct interpreter *in = &rt->interpreters.data[root->interpreter];
	const uint32_t types = l->fields[F_IS_STATIC_TYPES].size;

	for (uint64_t off = 0; off + 8 <= l->struct_size[st]; off += 8) {
		uint8_t scratch[8];
		const uint8_t *p = py_get(r, root->addr + off, 8, scratch);
		const addr_t to = p ? load_u64(p) : 0;

		if (!p)
			return; // a guess that is missing is no damage
		if (to < 4096 || to % 8 || is_in_rows(l, st, off))
			continue;
		if (!thread && in->static_types[0] &&
		    root->addr + off - in->static_types[0] < types)
			continue;
		edge_emit(&r->edges, to, EDGE_GUESS, LABEL_OFFSET, off);
	}
}
