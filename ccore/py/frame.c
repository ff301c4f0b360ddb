// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames: the frame objects of all versions, and the interpreter frames of 3.11+, which are
 * no objects but hold the locals and the value stack.
 */
#include "py/families.h"

// FRAME_OWNED_BY_GENERATOR, FRAME_OWNED_BY_FRAME_OBJECT: who owns the interpreter frame.
#define OWNED_BY_GENERATOR 1u
#define OWNED_BY_FRAME_OBJECT 2u

// -- interpreter frames (3.11+)

/*
 * _PyStackRef, Include/internal/pycore_stackref.h: in the lowest bits of a reference stands how
 * it is counted. It is visited either way; none is a lone tag, and an int is no reference.
 */
#define STACKREF_TAGS 3u
#define STACKREF_INT 3u
#define STACKREF_BORROWED 1u // someone else's reference, or one that is not counted

addr_t frame_reference(const struct layout *l, uint64_t word)
{
	if (!layout_has(l, F_IF_STACKREF))
		return word;
	return (word & STACKREF_TAGS) == STACKREF_INT ? 0 : word & ~(uint64_t)STACKREF_TAGS;
}

bool iframe_read(struct py_reader *r, addr_t frame, struct iframe *ret)
{
	const struct layout *l = r->layout;
	const uint32_t size = l->struct_size[S_InterpreterFrame];
	uint8_t scratch[256];
	const uint8_t *p =
		frame % 8 || size > sizeof(scratch) ? NULL : py_get(r, frame, size, scratch);

	if (!p || !layout_has(l, F_F_FRAME))
		return false;
	*ret = (struct iframe){
		.addr = frame,
		.code = frame_reference(l, field_u64(l, F_IF_EXECUTABLE, p)),
		.previous = field_u64(l, F_IF_PREVIOUS, p),
		.frame_obj = field_u64(l, F_IF_FRAME_OBJ, p),
		.owner = (uint8_t)field_u64(l, F_IF_OWNER, p),
	};
	ret->in_generator = ret->owner == OWNED_BY_GENERATOR;
	ret->is_shim = ret->owner >= l->facts[FACT_FRAME_OWNER_SHIM];
	return true;
}

// How many slots have a value, by an index (3.11 to 3.13); -1 while the frame is executing.
static bool slots_below_stacktop(struct py_reader *r, addr_t frame, uint64_t *ret)
{
	uint32_t word = 0;

	if (mem_read_u32(r->py->mem, frame + layout_off(r->layout, F_IF_STACKTOP), &word) < 0)
		damage_note(&r->damage, DAMAGE_BAD_FRAME, frame);
	*ret = word;
	return word != UINT32_MAX;
}

// The same by an address (3.14+); NULL while the frame is executing.
static bool slots_below_stackpointer(struct py_reader *r, addr_t frame, uint64_t *ret)
{
	const addr_t top = py_read_ptr(r, frame + layout_off(r->layout, F_IF_STACKPOINTER), frame);

	// one that is too low makes it too many
	*ret = (top - (frame + layout_off(r->layout, F_IF_LOCALSPLUS))) / 8;
	return top;
}

// A _PyStackRef where they are; elsewhere `word` is an address.
static void visit_stackref(struct py_reader *r, uint64_t word, enum edge_kind kind,
			   enum label_kind label, uint64_t label_word)
{
	const bool uncounted = r->edges.uncounted;

	if (layout_has(r->layout, F_IF_STACKREF))
		r->edges.uncounted = uncounted || word & STACKREF_BORROWED;
	edge_emit(&r->edges, frame_reference(r->layout, word), kind, label, label_word);
	r->edges.uncounted = uncounted;
}

static void visit_slots(struct py_reader *r, addr_t frame, uint64_t first, uint64_t n,
			enum edge_kind kind)
{
	const addr_t slots = frame + layout_off(r->layout, F_IF_LOCALSPLUS) + first * 8;

	if (!layout_has(r->layout, F_IF_STACKREF)) {
		visit_pointers(r, slots, n, kind, LABEL_LOCAL, first, frame);
		return;
	}
	for (uint64_t i = 0; i < n && r->edges.left; i++) {
		uint64_t word;

		if (mem_read_u64(r->py->mem, slots + i * 8, &word) < 0) {
			damage_note(&r->damage, DAMAGE_BAD_FRAME, frame);
			break;
		}
		visit_stackref(r, word, kind, LABEL_LOCAL, first + i);
	}
}

// While a frame is executing its locals are certain and its stack is not: what lies there may be
// left over.
static void iframe_visit_slots(struct py_reader *r, addr_t frame, addr_t code)
{
	uint64_t locals_n, stack_n, n;
	bool known;

	if (!code_slots(r, code, &locals_n, &stack_n)) {
		damage_note(&r->damage, DAMAGE_BAD_FRAME, frame);
		return;
	}
	known = layout_has(r->layout, F_IF_STACKPOINTER) ? slots_below_stackpointer(r, frame, &n)
							 : slots_below_stacktop(r, frame, &n);
	if (known && n <= locals_n + stack_n) {
		visit_slots(r, frame, 0, n, EDGE_VISIT);
		return;
	}
	if (known)
		damage_note(&r->damage, DAMAGE_BAD_FRAME, frame);
	visit_slots(r, frame, 0, locals_n, EDGE_VISIT);
	visit_slots(r, frame, locals_n, stack_n, EDGE_GUESS);
}

void iframe_visit(struct py_reader *r, addr_t frame)
{
	const struct layout *l = r->layout;
	struct edge_buffer *b = &r->edges;
	struct iframe f;

	if (!iframe_read(r, frame, &f)) {
		damage_note(&r->damage, DAMAGE_BAD_FRAME, frame);
		return;
	}
	if (f.is_shim) // its other fields are not set
		return;
	edge_emit_text(b, f.frame_obj, EDGE_VISIT, " frame object");
	edge_emit_text(b, py_read_ptr(r, frame + layout_off(l, F_IF_LOCALS), frame), EDGE_VISIT,
		       ".f_locals");
	visit_stackref(r, py_read_ptr(r, frame + layout_off(l, F_IF_FUNC), frame), EDGE_VISIT,
		       LABEL_TEXT, (uintptr_t) " function");
	visit_stackref(r, py_read_ptr(r, frame + layout_off(l, F_IF_EXECUTABLE), frame), EDGE_VISIT,
		       LABEL_TEXT, (uintptr_t) ".f_code");
	iframe_visit_slots(r, frame, f.code);
}

static void slot_label(struct py_reader *r, addr_t code, uint64_t slot, struct strbuf *out)
{
	uint64_t locals_n, stack_n;

	if (code_slots(r, code, &locals_n, &stack_n) && slot >= locals_n) {
		strbuf_printf(out, " stack[%llu]", (unsigned long long)(slot - locals_n));
		return;
	}
	strbuf_puts(out, " local ");
	if (!code_local_name(r, code, slot, out))
		strbuf_printf(out, "%llu", (unsigned long long)slot);
}

void iframe_label(struct py_reader *r, addr_t frame, uint64_t slot, struct strbuf *out)
{
	struct iframe f;

	slot_label(r, iframe_read(r, frame, &f) ? f.code : 0, slot, out);
}

// -- frame objects

addr_t frame_code(struct py_reader *r, const struct py_object *o)
{
	struct iframe f;

	if (layout_has(r->layout, F_F_CODE))
		return object_u64(r, o, F_F_CODE);
	return iframe_read(r, object_u64(r, o, F_F_FRAME), &f) ? f.code : 0;
}

// Entries of the value stack; false while the frame executes, when no one knows.
static bool stack_depth(struct py_reader *r, const struct py_object *o, addr_t stack, uint64_t *ret)
{
	const struct layout *l = r->layout;
	addr_t top;

	if (layout_has(l, F_F_STACKDEPTH)) {
		const int64_t depth = field_i64(l, F_F_STACKDEPTH, o->p);

		*ret = (uint64_t)depth;
		return depth >= 0;
	}
	top = object_u64(r, o, F_F_STACKTOP);
	*ret = (top - stack) / 8;
	return top && top >= stack;
}

static void visit_own_slots(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	const addr_t slots = o->addr + layout_off(l, F_F_LOCALSPLUS);
	const addr_t stack = object_u64(r, o, F_F_VALUESTACK);
	uint64_t locals_n, stack_n, depth;

	if (!code_slots(r, object_u64(r, o, F_F_CODE), &locals_n, &stack_n)) {
		damage_note(&r->damage, DAMAGE_BAD_FRAME, o->addr);
		return;
	}
	visit_pointers(r, slots, locals_n, EDGE_VISIT, LABEL_LOCAL, 0, o->addr);
	if (stack != slots + locals_n * 8)
		return; // never executed, or a finished generator's
	if (stack_depth(r, o, stack, &depth))
		visit_pointers(r, stack, u64_min(depth, stack_n), EDGE_VISIT, LABEL_LOCAL, locals_n,
			       o->addr);
	else
		visit_pointers(r, stack, stack_n, EDGE_GUESS, LABEL_LOCAL, locals_n, o->addr);
}

static void visit_frame(struct py_reader *r, const struct py_object *o)
{
	struct iframe f;

	if (layout_has(r->layout, F_F_CODE)) {
		visit_own_slots(r, o);
		return;
	}
	if (iframe_read(r, object_u64(r, o, F_F_FRAME), &f) && f.owner == OWNED_BY_FRAME_OBJECT)
		iframe_visit(r, f.addr);
}

static uint64_t size_frame(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t locals_n = 0, stack_n = 0;

	(void)code_slots(r, frame_code(r, o), &locals_n, &stack_n); // unreadable: counted as empty
	if (layout_has(l, F_F_FRAME_DATA))
		return layout_off(l, F_F_FRAME_DATA) + layout_off(l, F_IF_LOCALSPLUS) +
		       (locals_n + stack_n) * 8;
	// One slot is part of the struct.
	return l->struct_size[S_PyFrameObject] + (locals_n + stack_n) * 8 - 8;
}

static void repr_frame(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const addr_t code = frame_code(r, o);

	strbuf_puts(out, "<frame of ");
	code_name(r, code, out);
	strbuf_puts(out, " in ");
	if (!code_file(r, code, out))
		strbuf_puts(out, "?");
	strbuf_putc(out, '>');
}

static void label_frame(struct py_reader *r, const struct py_object *o, const struct edge *e,
			struct strbuf *out)
{
	slot_label(r, frame_code(r, o), e->word, out);
}

const struct py_family family_frame = {
	.types = "frame",
	.reads = S_PyFrameObject,
	.visit = visit_frame,
	.size = size_frame,
	.repr = repr_frame,
	.label = label_frame,
};
