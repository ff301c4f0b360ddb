// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/root_kinds.h"

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
int root_frames_add(struct roots *roots, struct py_reader *r, const struct py_thread *t,
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

void root_frame_visit(struct py_reader *r, const struct root *root)
{
	struct edge_buffer *b = &r->edges;
	struct py_object o;
	struct iframe f;

	if (!frames_are_objects(r)) {
		b->uncounted = iframe_read(r, root->addr, &f) && f.in_generator;
		iframe_visit(r, root->addr);
	} else if (py_object_open(r, root->addr, &o)) {
		// Who runs a frame owns it, but for a generator's, which the generator owns.
		b->uncounted = code_is_generator(r, frame_code(r, &o));
		edge_emit_text(b, root->addr, EDGE_OWN, " frame object");
		b->uncounted = true;
		py_visit(r, &o); // its locals, as if there were no object between
	}
	b->uncounted = false;
}

void root_frame_name(struct py_reader *r, const struct root *root, struct strbuf *out)
{
	struct py_object o;
	struct iframe f;
	addr_t code = 0;

	if (!frames_are_objects(r))
		code = iframe_read(r, root->addr, &f) ? f.code : 0;
	else if (py_object_open(r, root->addr, &o))
		code = frame_code(r, &o);
	code_name(r, code, out);
}

void root_frame_label(struct py_reader *r, const struct root *root, const struct edge *e,
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
