// SPDX-License-Identifier: GPL-2.0-or-later
// Generators, coroutines, asynchronous generators: from 3.11 on their frame is inside them.
#include "py/families.h"

static bool has_iframe(struct py_reader *r, const struct py_object *o)
{
	return layout_has(r->layout, F_GI_IFRAME) &&
	       field_i64(r->layout, F_GI_FRAME_STATE, o->p) < r->layout->facts[FACT_FRAME_CLEARED];
}

static addr_t iframe_addr(struct py_reader *r, const struct py_object *o)
{
	return o->addr + layout_off(r->layout, F_GI_IFRAME);
}

addr_t generator_code(struct py_reader *r, const struct py_object *o)
{
	struct iframe f;

	if (layout_has(r->layout, F_GI_CODE))
		return object_u64(r, o, F_GI_CODE);
	// A cleared frame keeps its code.
	return iframe_read(r, iframe_addr(r, o), &f) ? f.code : 0;
}

static void visit_generator(struct py_reader *r, const struct py_object *o)
{
	if (has_iframe(r, o))
		iframe_visit(r, iframe_addr(r, o));
	else if (layout_has(r->layout, F_IF_STACKREF))
		edge_emit_text(&r->edges, generator_code(r, o), EDGE_VISIT, ".gi_code");
}

static uint64_t size_generator(struct py_reader *r, const struct py_object *o)
{
	uint64_t locals_n = 0, stack_n = 0;

	if (!layout_has(r->layout, F_GI_IFRAME))
		return o->type->basicsize;
	(void)code_slots(r, generator_code(r, o), &locals_n,
			 &stack_n); // unreadable: counted as empty
	return o->type->basicsize + (locals_n + stack_n) * 8;
}

static void repr_generator(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	strbuf_printf(out, "<%s ", o->type->name);
	code_name(r, generator_code(r, o), out);
	strbuf_putc(out, '>');
}

// Of a frame's state: f_state, gi_frame_state.
static const char *state_name(const struct py_reader *r, int64_t state)
{
	const int64_t executing = r->layout->facts[FACT_FRAME_EXECUTING];

	if (state == r->layout->facts[FACT_FRAME_CREATED])
		return "not started";
	return state < executing ? "suspended" : state == executing ? "running" : "finished";
}

const char *generator_state(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	struct py_object frame;

	if (layout_has(l, F_GI_FRAME_STATE))
		return state_name(r, field_i64(l, F_GI_FRAME_STATE, o->p));
	if (!object_u64(r, o, F_GI_FRAME))
		return "finished";
	if (!py_object_open(r, object_u64(r, o, F_GI_FRAME), &frame) ||
	    frame.type->family != &family_frame)
		return NULL;
	if (layout_has(l, F_F_STATE))
		return state_name(r, field_i64(l, F_F_STATE, frame.p));
	if (layout_has(l, F_GI_RUNNING) && object_u64(r, o, F_GI_RUNNING))
		return "running";
	if (!layout_has(l, F_F_LASTI))
		return NULL;
	return field_i64(l, F_F_LASTI, frame.p) < 0 ? "not started" : "suspended";
}

addr_t generator_running_frame(struct py_reader *r, addr_t addr)
{
	struct py_object o;

	if (!layout_has(r->layout, F_GI_IFRAME) || !layout_has(r->layout, F_GI_FRAME_STATE) ||
	    !py_object_open(r, addr, &o) || o.type->family != &family_generator ||
	    field_i64(r->layout, F_GI_FRAME_STATE, o.p) != r->layout->facts[FACT_FRAME_EXECUTING])
		return 0;
	return iframe_addr(r, &o);
}

static void label_generator(struct py_reader *r, const struct py_object *o, const struct edge *e,
			    struct strbuf *out)
{
	iframe_label(r, iframe_addr(r, o), e->word, out);
}

const struct py_family family_generator = {
	.types = "generator|coroutine|async_generator",
	.reads = S_PyGenObject,
	.visit = visit_generator,
	.size = size_generator,
	.repr = repr_generator,
	.label = label_generator,
};
