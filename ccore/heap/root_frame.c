// SPDX-License-Identifier: GPL-2.0-or-later
// Roots: frames that run, found by their links, and where one is broken by searching.
#include "heap/root_kinds.h"
#include "py/stack_frame.h"
#include "runtime/frame_search.h"

static bool frames_are_objects(const struct py_reader *r)
{
	return layout_has(r->layout, F_F_CODE);
}

struct walk {
	struct roots *roots;
	struct py_reader *r;
	struct hashmap *seen;
	uint64_t *left; // of what searches may look at
	struct root next;
	enum frame_mark usual; // of what is linked as it should be
};

// What of the frame at `addr` can be read; false: it is no frame.
static bool read_frame(struct walk *w, addr_t addr, struct stack_frame *ret)
{
	return stack_frame_read(w->r, addr, ret) && stack_frame_fits_partly(w->r, ret);
}

// Follow the links from `addr` on. 1 when they end as they should, 0 when one is broken.
static int follow(struct walk *w, addr_t addr, struct ccore_error *err)
{
	struct stack_frame f;
	uint32_t before;

	for (; addr; addr = f.previous) {
		if (w->seen->n >= LIM_FRAMES || hashmap_get(w->seen, addr, &before) ||
		    !read_frame(w, addr, &f)) {
			damage_note(&w->r->damage, DAMAGE_BAD_FRAME, addr);
			return 0;
		}
		if (!hashmap_put(w->seen, addr, 0))
			return err_nomem(err);
		if (f.is_shim)
			continue;
		w->next.addr = addr;
		w->next.mark = (uint8_t)w->usual;
		if (!code_is_whole(w->r, f.code)) {
			damage_note(&w->r->damage, DAMAGE_BAD_FRAME, addr);
			w->next.mark = FRAME_DAMAGED;
		}
		if (!vec_push(&w->roots->all, w->next))
			return err_nomem(err);
		w->next.depth++;
	}
	return 1;
}

/*
 * Go on with what a search finds, each time the links break: with what comes after the last frame.
 * On the C stack a register that was saved later may have a caller's frame.
 */
static int recover(struct walk *w, const struct runtime *rt, const struct py_thread *t,
		   struct ccore_error *err)
{
	const addr_t last = w->next.depth ? w->next.addr : 0;
	struct found_frames found;
	uint64_t first = 0, n;
	int r = 0;

	TRY(frames_search(&found, rt, w->r, t, w->seen, w->left, err));
	for (uint64_t i = 0; last && i < found.all.n; i++)
		if (found.all.data[i] == last)
			first = i + 1;
	n = frames_are_objects(w->r) ? found.all.n : found.all.n - first;
	for (uint64_t k = 0; k < n && r == 0; k++) {
		const addr_t frame = found.all.data[(first + k) % found.all.n];
		uint32_t before;

		if (hashmap_get(w->seen, frame, &before))
			continue;
		w->usual = FRAME_RECOVERED;
		r = follow(w, frame, err);
	}
	vec_done(&found.all);
	return r < 0 ? r : 0;
}

int root_frames_add(struct roots *roots, const struct runtime *rt, struct py_reader *r,
		    uint32_t thread, struct hashmap *seen, uint64_t *left, struct ccore_error *err)
{
	const struct py_thread *t = &rt->threads.data[thread];
	struct walk w = {
		.roots = roots,
		.r = r,
		.seen = seen,
		.left = left,
		.next = {.kind = ROOT_FRAME, .thread = thread, .interpreter = t->interpreter},
	};

	// Without tables of frames nothing is known of them; the words of the thread's state and of
	// its stack are looked at all the same.
	if (!stack_frames_are_known(r->layout))
		return 0;
	if (follow(&w, t->frame, err) == 0)
		return recover(&w, rt, t, err);
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
