// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/root_kinds.h"

#include <inttypes.h>

// -- what is certain, before any object is looked for

static int add_threads(struct roots *ret, const struct runtime *rt, struct py_reader *r,
		       struct hashmap *seen, struct ccore_error *err)
{
	uint64_t left = LIM_FRAME_SEARCH_BYTES;

	for (uint32_t i = 0; i < rt->threads.n; i++) {
		const struct py_thread *t = &rt->threads.data[i];
		const struct root root = {
			.kind = ROOT_THREAD,
			.addr = t->addr,
			.thread = i,
			.interpreter = t->interpreter,
		};

		TRY(root_frames_add(ret, rt, r, i, seen, &left, err));
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

// -- what looks like a reference, among the objects that were found

static int add_state_words(struct heap *h, struct ccore_error *err)
{
	const uint64_t n = h->roots.all.n;

	for (uint64_t i = 0; i < n; i++) {
		struct root root = h->roots.all.data[i];

		if (root.kind != ROOT_THREAD && root.kind != ROOT_INTERPRETER)
			continue;
		root.is_words = true;
		if (!vec_push(&h->roots.all, root))
			return err_nomem(err);
	}
	return 0;
}

int heap_need_roots(struct heap *h, struct ccore_error *err)
{
	const struct root held = {.kind = ROOT_HELD};
	const uint64_t before = h->roots.all.n;
	int r;

	if (h->has_roots)
		return 0;
	TRY(heap_need_nodes(h, err));
	r = root_statics_add(h, err);
	if (r == 0)
		r = add_state_words(h, err);
	if (r == 0)
		r = root_stacks_add(h, err);
	if (r == 0 && !vec_push(&h->roots.all, held))
		r = err_nomem(err);
	if (r < 0)
		h->roots.all.n = before;
	else
		h->has_roots = true;
	return r;
}

void roots_done(struct roots *roots)
{
	vec_done(&roots->all);
}

// -- each of them

void root_visit(struct py_reader *r, const struct runtime *rt, const struct root *root)
{
	switch (root->kind) {
	case ROOT_FRAME:
		root_frame_visit(r, root);
		break;
	case ROOT_THREAD:
	case ROOT_INTERPRETER:
		if (root->is_words)
			root_state_words_visit(r, rt, root);
		else if (root->kind == ROOT_THREAD)
			root_thread_visit(r, root);
		else
			root_interpreter_visit(r, rt, root);
		break;
	case ROOT_STATIC:
		root_static_visit(r, root);
		break;
	case ROOT_STACK:
		root_stack_visit(r, rt, root);
		break;
	case ROOT_HELD:
	case ROOT_KIND_N:
		break;
	}
	if (!r->edges.sink.hold)
		edge_flush(&r->edges);
}

static const char *root_kind_name(enum root_kind kind)
{
	static const char *const names[] = {
		[ROOT_FRAME] = "frame",
		[ROOT_THREAD] = "thread",
		[ROOT_INTERPRETER] = "interpreter",
		[ROOT_STATIC] = "static",
		[ROOT_STACK] = "stack",
		[ROOT_HELD] = "held",
	};

	return names[kind];
}

void root_name(struct py_reader *r, const struct runtime *rt, const struct root *root,
	       struct strbuf *out)
{
	const struct py_thread *t;

	strbuf_puts(out, root_kind_name(root->kind));
	strbuf_putc(out, ' ');
	switch (root->kind) {
	case ROOT_FRAME:
		root_frame_name(r, root, out);
		break;
	case ROOT_THREAD:
		t = &rt->threads.data[root->thread];
		strbuf_printf(out, "%" PRIu64, t->native_id ? t->native_id : t->thread_id);
		break;
	case ROOT_INTERPRETER:
		strbuf_printf(out, "%" PRId64, rt->interpreters.data[root->interpreter].id);
		break;
	case ROOT_STATIC:
		root_static_name(rt, root, out);
		break;
	case ROOT_STACK:
		root_stack_name(rt, root, out);
		break;
	case ROOT_HELD:
		strbuf_puts(out, "from C");
		break;
	case ROOT_KIND_N:
		break;
	}
}

void root_edge_label(struct py_reader *r, const struct root *root, const struct edge *e,
		     struct strbuf *out)
{
	if (root->kind == ROOT_FRAME)
		root_frame_label(r, root, e, out);
	else if (e->label == LABEL_TEXT)
		strbuf_puts(out, (const char *)(uintptr_t)e->word);
	else
		root_state_label(e, out);
}
