// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/roots.h"

#include <inttypes.h>

static bool frames_are_objects(const struct py_reader *r)
{
	return layout_has(r->layout, F_F_CODE);
}

// The frame below `frame`, and whether `frame` is one of Python's own.
static bool next_frame(struct py_reader *r, addr_t frame, addr_t *ret_next, bool *ret_is_python)
{
	struct py_object o;
	struct iframe f;

	if (frames_are_objects(r)) {
		if (!py_object_open(r, frame, &o) || o.type->family != &family_frame)
			return false;
		*ret_next = object_u64(r, &o, F_F_BACK);
		*ret_is_python = true;
		return true;
	}
	if (!iframe_read(r, frame, &f))
		return false;
	*ret_next = f.previous;
	*ret_is_python = !f.is_shim;
	return true;
}

// `seen`: a frame is on one stack, once.
static int add_frames(struct roots *roots, struct py_reader *r, const struct py_thread *t,
		      uint32_t thread, struct hashmap *seen, struct ccore_error *err)
{
	struct root root = {
		.kind = ROOT_FRAME,
		.thread = thread,
		.interpreter = t->interpreter,
	};
	addr_t next;
	uint32_t before;
	bool is_python;

	for (root.addr = t->frame; root.addr; root.addr = next) {
		if (seen->n >= LIM_FRAMES || hashmap_get(seen, root.addr, &before) ||
		    !next_frame(r, root.addr, &next, &is_python)) {
			damage_note(&r->damage, DAMAGE_BAD_FRAME, root.addr);
			return 0;
		}
		if (!hashmap_put(seen, root.addr, 0))
			return err_nomem(err);
		if (!is_python)
			continue;
		if (!vec_push(&roots->all, root))
			return err_nomem(err);
		root.depth++;
	}
	return 0;
}

static int add_threads(struct roots *ret, const struct runtime *rt, struct py_reader *r,
		       struct hashmap *seen, struct ccore_error *err)
{
	for (uint32_t i = 0; i < rt->threads.n; i++) {
		const struct py_thread *t = &rt->threads.data[i];
		const struct root root = {
			.kind = ROOT_THREAD,
			.addr = t->addr,
			.thread = i,
			.interpreter = t->interpreter,
		};

		TRY(add_frames(ret, r, t, i, seen, err));
		if (!vec_push(&ret->all, root))
			return err_nomem(err);
	}
	return 0;
}

int roots_find(struct roots *ret, const struct runtime *rt, struct py_reader *r,
	       struct ccore_error *err)
{
	struct hashmap seen = {0};
	int status;

	*ret = (struct roots){0};
	status = add_threads(ret, rt, r, &seen, err);
	hashmap_done(&seen);
	TRY(status);
	for (uint32_t i = 0; i < rt->interpreters.n; i++) {
		const struct root root = {
			.kind = ROOT_INTERPRETER,
			.addr = rt->interpreters.data[i].addr,
			.interpreter = i,
		};

		if (!vec_push(&ret->all, root))
			return err_nomem(err);
	}
	return 0;
}

void roots_done(struct roots *roots)
{
	vec_done(&roots->all);
}

static void visit_root_frame(struct py_reader *r, const struct root *root)
{
	struct py_object o;

	if (!frames_are_objects(r)) {
		iframe_visit(r, root->addr);
	} else if (py_object_open(r, root->addr, &o)) {
		edge_emit_text(&r->edges, root->addr, EDGE_OWN, " frame object");
		py_visit(r, &o); // its locals, as if there were no object between
	}
}

// Static types keep a dictionary for each interpreter.
static void visit_static_types(struct py_reader *r, const struct interpreter *in)
{
	const struct layout *l = r->layout;
	const uint32_t size = l->struct_size[S_static_type_state];

	for (unsigned a = 0; a < 2; a++) {
		uint64_t n;

		if (!in->static_types[a] || !size)
			continue;
		n = l->fields[a ? F_IS_EXT_TYPES : F_IS_STATIC_TYPES].size / size;
		for (uint64_t i = 0; i < n; i++) {
			const addr_t state = in->static_types[a] + i * size;

			if (!py_read_ptr(r, state + layout_off(l, F_STS_TYPE), state))
				continue;
			edge_emit_text(&r->edges,
				       py_read_ptr(r, state + layout_off(l, F_STS_TYPE), state),
				       EDGE_OWN, " static type");
			edge_emit_text(&r->edges,
				       py_read_ptr(r, state + layout_off(l, F_STS_DICT), state),
				       EDGE_OWN, " static type's dict");
		}
	}
}

// What roots.def says that a thread or interpreter state holds.
static void visit_state(struct py_reader *r, enum struct_id st, addr_t state)
{
	static const struct {
		enum struct_id st;
		const char *label;
	} rows[ROOT_ROW_N] = {
#define ROOT(struct_id, path, text) {S_##struct_id, text},
#include "layout/roots.def"
	};

	for (unsigned i = 0; i < ROOT_ROW_N; i++) {
		const struct field *f = &r->layout->roots[i];

		if (rows[i].st == st && f->found)
			edge_emit_text(&r->edges, py_read_ptr(r, state + f->off, state), EDGE_OWN,
				       rows[i].label);
	}
}

static void visit_root_interpreter(struct py_reader *r, const struct interpreter *in)
{
	struct edge_buffer *b = &r->edges;

	visit_state(r, S_PyInterpreterState, in->addr);
	if (in->gc.garbage)
		edge_emit_text(b, py_read_ptr(r, in->gc.garbage, in->addr), EDGE_OWN,
			       " gc.garbage");
	if (in->gc.callbacks)
		edge_emit_text(b, py_read_ptr(r, in->gc.callbacks, in->addr), EDGE_OWN,
			       " gc.callbacks");
	visit_static_types(r, in);
}

void root_visit(struct py_reader *r, const struct runtime *rt, const struct root *root)
{
	switch (root->kind) {
	case ROOT_FRAME:
		visit_root_frame(r, root);
		break;
	case ROOT_THREAD:
		visit_state(r, S_PyThreadState, root->addr);
		visit_state(r, S_PyThreadStateImpl, root->addr);
		break;
	case ROOT_INTERPRETER:
		visit_root_interpreter(r, &rt->interpreters.data[root->interpreter]);
		break;
	case ROOT_KIND_N:
		break;
	}
	if (!r->edges.sink.hold)
		edge_flush(&r->edges);
}

static addr_t root_frame_code(struct py_reader *r, const struct root *root)
{
	struct py_object o;
	struct iframe f;

	if (frames_are_objects(r))
		return py_object_open(r, root->addr, &o) ? frame_code(r, &o) : 0;
	return iframe_read(r, root->addr, &f) ? f.code : 0;
}

void root_name(struct py_reader *r, const struct runtime *rt, const struct root *root,
	       struct strbuf *out)
{
	const struct py_thread *t =
		root->kind == ROOT_THREAD ? &rt->threads.data[root->thread] : NULL;

	strbuf_puts(out, root_kind_name(root->kind));
	strbuf_putc(out, ' ');
	if (root->kind == ROOT_FRAME)
		code_name(r, root_frame_code(r, root), out);
	else if (t)
		strbuf_printf(out, "%" PRIu64, t->native_id ? t->native_id : t->thread_id);
	else
		strbuf_printf(out, "%" PRId64, rt->interpreters.data[root->interpreter].id);
}

void root_edge_label(struct py_reader *r, const struct root *root, const struct edge *e,
		     struct strbuf *out)
{
	struct py_object o;

	if (e->label == LABEL_TEXT)
		strbuf_puts(out, (const char *)(uintptr_t)e->word);
	else if (!frames_are_objects(r))
		iframe_label(r, root->addr, e->word, out);
	else if (py_object_open(r, root->addr, &o))
		py_edge_label(r, &o, e, out);
}

const char *root_kind_name(enum root_kind kind)
{
	static const char *const names[] = {"frame", "thread", "interpreter"};

	return names[kind];
}
