// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/reach.h"

#include "py/families.h"

// References of one object that are followed.
#define REFERENCES_MAX 4096u

static bool is_text(const struct edge *e, const char *text)
{
	return e->label == LABEL_TEXT && strcmp((const char *)(uintptr_t)e->word, text) == 0;
}

static bool is_cell(const struct reach *s, uint32_t step)
{
	const struct py_type *type = py_type_of(s->r, s->steps.data[step].addr);

	return type && strcmp(type->name, "cell") == 0;
}

// References that a reader of the source would not call one. Never two after each other.
static bool is_free(const struct reach *s, uint32_t from, const struct edge *e)
{
	return !s->steps.data[from].was_free &&
	       (is_text(e, ".__dict__") || is_text(e, ".__closure__") || is_cell(s, from));
}

static bool is_followed(const struct reach *s, const struct edge *e)
{
	return edge_is_strong(e) && e->label != LABEL_KEY_ITSELF && !is_text(e, ".__class__") &&
	       (s->enter_globals || !is_text(e, ".__globals__")) && !is_text(e, ".__builtins__") &&
	       !is_text(e, ".__code__") && !is_text(e, ".__module__");
}

// A shorter way to something may lead further.
static void add_step(struct reach *s, addr_t addr, uint32_t from, const struct edge *e)
{
	struct reach_step step = {.addr = addr, .from = from, .edge = *e};
	uint32_t before;

	if (s->steps.n) {
		step.was_free = is_free(s, from, e);
		step.depth = s->steps.data[from].depth + !step.was_free;
	}
	if (hashmap_get(&s->seen, addr, &before) && before <= step.depth + 1)
		return;
	if (s->seen.n >= s->objects_max || s->steps.n >= s->objects_max) {
		s->is_cut = true;
		return;
	}
	s->failed |= !hashmap_put(&s->seen, addr, step.depth + 1) || !vec_push(&s->steps, step);
}

static void take_edges(struct edge_buffer *b)
{
	struct reach *s = b->sink.ctx;
	struct edge items[EDGE_BUFFER_N];
	const uint32_t n = b->n;

	// telling types apart may use the buffer
	memcpy(items, b->items, n * sizeof(*items));
	for (uint32_t i = 0; i < n && !s->failed; i++)
		if (is_followed(s, &items[i]) && items[i].to != s->r->py->none)
			add_step(s, items[i].to, s->at, &items[i]);
}

static bool is_entered(const struct py_type *type)
{
	return !(type->flags & (TYPE_LEAF | TYPE_IS_TYPE)) && !type->traverse &&
	       type->family != &family_module && type->family != &family_code &&
	       type->family != &family_frame && type->family != &family_generator;
}

static void visit(struct reach *s, uint32_t step)
{
	struct edge_sink before;
	struct py_object o;

	if (!py_object_open(s->r, s->steps.data[step].addr, &o) || !is_entered(o.type))
		return;
	s->at = step;
	edge_redirect(&s->r->edges, take_edges, s, false, &before);
	s->r->edges.left = REFERENCES_MAX;
	py_visit(s->r, &o);
	s->is_cut |= !s->r->edges.left;
	s->r->edges.left = UINT64_MAX;
	edge_restore(&s->r->edges, &before);
}

void reach_from(struct reach *s, addr_t start, bool (*take)(void *ctx, uint32_t step), void *ctx)
{
	s->steps.n = 0;
	add_step(s, start, 0, &(struct edge){0});
	for (uint32_t i = 0; i < s->steps.n && !s->failed; i++) {
		if (!take(ctx, i))
			break;
		if (s->steps.data[i].depth < s->depth_max ||
		    (!s->steps.data[i].was_free && is_cell(s, i)))
			visit(s, i);
	}
}

// What a dict of attributes has under a key is an attribute.
static bool add_attribute(struct reach *s, const struct reach_step *step, struct strbuf *out)
{
	if (step->edge.label != LABEL_KEY || !step->from ||
	    !is_text(&s->steps.data[step->from].edge, ".__dict__"))
		return false;
	strbuf_putc(out, '.');
	return text_append(s->r, step->edge.word, LIM_NAME_BYTES, out, NULL);
}

void reach_path(struct reach *s, uint32_t step, struct strbuf *out)
{
	const struct reach_step *at = &s->steps.data[step];
	struct py_object o;

	if (!step)
		return;
	reach_path(s, at->from, out);
	if (is_text(&at->edge, ".__dict__") || add_attribute(s, at, out))
		return;
	if (py_object_open(s->r, s->steps.data[at->from].addr, &o))
		py_edge_label(s->r, &o, &at->edge, out);
}

void reach_done(struct reach *s)
{
	vec_done(&s->steps);
	hashmap_done(&s->seen);
}
