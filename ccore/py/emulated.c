// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects of types the tables do not know: their type's own tp_traverse says what they refer to.
 * It is emulated for many at once; visiting one then takes its part of the answer, and gives it
 * the names that tables and declared members have: each reference is reported as often as
 * tp_traverse does, and no more.
 */
#include "layout/companions.h"
#include "py/families.h"

#define SLOTS (4 * PY_PREFETCH)

/** Calls made for some objects, and which is whose. */
struct batch {
	struct emu_call calls[PY_PREFETCH];
	addr_t objects[PY_PREFETCH];
	uint32_t n;
	uint16_t slots[SLOTS]; // by address: index in `objects` + 1
};

struct emulated {
	struct emu *emu;
	struct batch visits, sizes;
	VEC(addr_t) visited;	    // by the object at hand; sorted
	VEC(uint32_t) named;	    // of those that are alike, by the first: how many have a name
	VEC(struct edge) described; // what tables and members say of it
};

void emulated_free(struct emulated *em)
{
	if (!em)
		return;
	emu_free(em->emu);
	vec_done(&em->visited);
	vec_done(&em->named);
	vec_done(&em->described);
	free(em);
}

static struct emulated *emulated_get(struct py_reader *r)
{
	if (r->emulated)
		return r->emulated;
	if (!r->py->emu || !emu_is_available(r->py->emu))
		return NULL;
	r->emulated = calloc(1, sizeof(*r->emulated));
	if (r->emulated)
		r->emulated->emu = emu_new(r->py->emu, r->reports, &r->py->emu_left);
	return r->emulated;
}

// -- what has been emulated

static uint16_t *find_slot(struct batch *b, addr_t object)
{
	uint64_t i = hash_u64(object) % SLOTS;

	while (b->slots[i] && b->objects[b->slots[i] - 1] != object)
		i = (i + 1) % SLOTS;
	return &b->slots[i];
}

static void clear(struct batch *b)
{
	memset(b->slots, 0, sizeof(b->slots));
	b->n = 0;
}

// A place for a call for `object`; NULL when it has one already, or there is no room.
static struct emu_call *add_call(struct batch *b, addr_t object)
{
	uint16_t *slot = find_slot(b, object);

	if (*slot || b->n == PY_PREFETCH)
		return NULL;
	b->objects[b->n] = object;
	*slot = (uint16_t)(b->n + 1);
	return &b->calls[b->n++];
}

static void run(struct py_reader *r, struct batch *b)
{
	if (emu_run(r->emulated->emu, b->calls, b->n) < 0) {
		r->py->out_of_memory = true;
		clear(b);
	}
}

bool py_wants_prefetch(const struct py_reader *r, const struct py_type *type, addr_t object)
{
	if (!type->traverse || !r->py->emu || !emu_is_available(r->py->emu))
		return false;
	return !r->emulated || !*find_slot(&r->emulated->visits, object);
}

// Static types are no objects of the collector's, although their type says that its instances are:
// its code ends the process when it is asked about one.
static bool is_traversed(struct py_reader *r, const struct py_type *type, addr_t object)
{
	const uint64_t heaptype = 1u << TPFLAG_HEAPTYPE;
	uint64_t flags;

	if (!type->traverse)
		return false;
	return !(type->flags & TYPE_IS_TYPE) ||
	       (mem_read_u64(r->py->mem, object + layout_off(r->layout, F_TP_FLAGS), &flags) == 0 &&
		flags & heaptype);
}

void py_prefetch(struct py_reader *r, const addr_t *objects, uint64_t n)
{
	struct emulated *em = emulated_get(r);

	if (!em || !em->emu)
		return;
	clear(&em->visits);
	if (!r->edges.left) // none of them is visited any more
		return;
	for (uint64_t i = 0; i < n; i++) {
		const struct py_type *type = py_type_of(r, objects[i]);
		struct emu_call *call = type && is_traversed(r, type, objects[i])
						? add_call(&em->visits, objects[i])
						: NULL;

		if (call)
			emu_traverse(em->emu, call, type->traverse, objects[i]);
	}
	run(r, &em->visits);
}

struct emu *py_emulator(struct py_reader *r)
{
	struct emulated *em = emulated_get(r);

	if (!em)
		return NULL;
	clear(&em->visits); // what they visited will be overwritten
	return em->emu;
}

static const struct emu_call *call_for(struct py_reader *r, addr_t object)
{
	struct emulated *em = emulated_get(r);
	uint16_t slot;

	if (!em || !em->emu)
		return NULL;
	slot = *find_slot(&em->visits, object);
	if (!slot || em->visits.calls[slot - 1].status == EMU_LATER) {
		py_prefetch(r, &object, 1);
		slot = *find_slot(&em->visits, object);
	}
	return slot ? &em->visits.calls[slot - 1] : NULL;
}

// -- one object's part, as a multiset

static int addr_cmp(const void *a, const void *b)
{
	const addr_t x = *(const addr_t *)a, y = *(const addr_t *)b;

	return x < y ? -1 : x > y;
}

static bool take_visited(struct emulated *em, const struct emu_call *call)
{
	if (!vec_reserve(&em->visited, call->n + 1) || !vec_reserve(&em->named, call->n + 1))
		return false;
	em->visited.n = em->named.n = call->n;
	if (!call->n)
		return true;
	memcpy(em->visited.data, emu_referents(em->emu) + call->first, call->n * sizeof(addr_t));
	memset(em->named.data, 0, call->n * sizeof(*em->named.data));
	if (call->n > 1)
		qsort(em->visited.data, call->n, sizeof(addr_t), addr_cmp);
	return true;
}

// The first of those that are `to`, or em->visited.n.
static uint64_t find_visited(const struct emulated *em, addr_t to)
{
	uint64_t lo = 0, hi = em->visited.n;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;

		if (em->visited.data[mid] < to)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < em->visited.n && em->visited.data[lo] == to ? lo : em->visited.n;
}

// Whether `to` is visited once more than it has been named; it then has been.
static bool name_visited(struct emulated *em, addr_t to)
{
	const uint64_t first = find_visited(em, to);
	uint64_t next;

	if (first == em->visited.n)
		return false;
	next = first + em->named.data[first]; // LIM_EMU_VISITED is far below 2^32
	if (next == em->visited.n || em->visited.data[next] != to)
		return false;
	em->named.data[first]++;
	return true;
}

// -- naming

static void describe(struct edge_buffer *b)
{
	struct py_reader *r = b->sink.ctx;

	for (uint32_t i = 0; i < b->n; i++)
		if (!vec_push(&r->emulated->described, b->items[i]))
			r->py->out_of_memory = true;
}

// Whether the traverser's code, not that of subtype_traverse(), visits the dict, and the type.
static bool traverser_has_dict(const struct py_type *t)
{
	return t->traverser->dict_place != DICT_NOWHERE &&
	       t->dictoffset == t->traverser->dictoffset;
}

static bool traverser_has_type(const struct py_reader *r, const struct py_type *t)
{
	return t == t->traverser ||
	       (t->traverser->flags & TYPE_HEAP && r->layout->facts[FACT_C_HEAP_TYPE_VISITED]);
}

// What tables and members say of the part of `o` that its traverser's code walks.
static void describe_traversed(struct py_reader *r, const struct py_object *o)
{
	const struct py_type *t = o->type;
	struct edge_sink before;

	edge_flush(&r->edges);
	r->emulated->described.n = 0;
	edge_redirect(&r->edges, describe, r, true, &before);
	visit_members(r, o, 0, t->traverser->basicsize);
	if (t->family && t->family->visit && t->family != &family_module)
		t->family->visit(r, o);
	if (traverser_has_dict(t))
		instance_visit_attrs(r, o);
	if (traverser_has_type(r, t))
		instance_visit_type(r, o);
	edge_flush(&r->edges);
	edge_restore(&r->edges, &before);
}

// A declared member that is not visited, and leads to what the collector tracks, may be borrowed.
static bool may_be_borrowed(struct py_reader *r, const struct edge *e)
{
	const struct py_type *type = e->source == SOURCE_MEMBER ? py_type_of(r, e->to) : NULL;

	return type && type->flags & TYPE_GC;
}

static void emit_described(struct py_reader *r, const struct py_type *t)
{
	struct emulated *em = r->emulated;

	for (uint64_t i = 0; i < em->described.n; i++) {
		const struct edge *e = &em->described.data[i];
		uint8_t kind = e->kind;

		if (kind != EDGE_GUESS && name_visited(em, e->to))
			kind = EDGE_VISIT;
		else if (t->flags & TYPE_MISTRUSTED)
			continue;
		else if (kind == EDGE_VISIT)
			kind = EDGE_OWN;
		r->edges.uncounted = kind == EDGE_OWN && may_be_borrowed(r, e);
		edge_emit_from(&r->edges, e->to, kind, e->label, e->word, e->source);
		r->edges.uncounted = false;
	}
}

/** Bytes in which visited references are looked for, to say where they are. */
struct words {
	const uint8_t *p;
	uint64_t from, to;
};

static struct words words_of(struct py_reader *r, const struct py_object *o)
{
	struct words w = {o->p, r->layout->struct_size[S_PyObject], o->n};
	addr_t state;

	if (o->type->family != &family_module)
		return w;
	if (!module_state(r, o, &state, &w.to))
		return (struct words){0};
	w.from = 0;
	w.p = mem_lens_span(&r->lens, state, w.to);
	return w.p ? w : (struct words){0};
}

// A metatype's code visits what the type's dict owns: ctypes keeps its own things in there. And
// where there are no tables, lru_cache's visits the type that its elements hold.
static bool is_held_by_others(struct py_reader *r, const struct py_object *o, addr_t to)
{
	const struct py_type *type;

	if (o->type->flags & TYPE_IS_TYPE)
		return true;
	if (!layout_lacks(r->layout, S_PyDictObject))
		return false;
	type = py_type_of(r, to);
	return type && type->flags & TYPE_IS_TYPE;
}

static void emit_unnamed(struct py_reader *r, const struct py_object *o, const struct words *w)
{
	// As visit_dict() has it.
	const enum edge_kind kind = dict_is_interned(r->py, o->addr) ? EDGE_WEAK : EDGE_VISIT;
	struct emulated *em = r->emulated;

	for (uint64_t off = w->from; off + 8 <= w->to; off += 8) {
		const addr_t to = load_u64(w->p + off);

		if (to && name_visited(em, to))
			edge_emit_from(&r->edges, to, kind, LABEL_OFFSET, off, SOURCE_EMULATED);
	}
	for (uint64_t i = 0, first = 0; i < em->visited.n; i++) {
		const addr_t to = em->visited.data[i];

		if (to != em->visited.data[first])
			first = i;
		if (i - first < em->named.data[first])
			continue;
		r->edges.uncounted = is_held_by_others(r, o, to);
		edge_emit_from(&r->edges, to, kind, LABEL_TEXT,
			       (uint64_t)(uintptr_t) " in C memory", SOURCE_EMULATED);
	}
	r->edges.uncounted = false;
}

// References to what the collector does not track need not be visited. One to a tracked object
// that is not visited is borrowed.
static void guess_unvisited(struct py_reader *r, const struct py_object *o, const struct words *w)
{
	const bool is_module = o->type->family == &family_module;
	uint64_t off = is_module ? w->from : (o->type->opaque_from + 7u) & ~7u;
	const uint64_t end = is_module ? w->to : u64_min(o->type->opaque_to, w->to);

	for (; off + 8 <= end; off += 8) {
		const addr_t to = load_u64(w->p + off);
		const struct py_type *type;

		if (to % 8 || to < PAGE_BYTES ||
		    find_visited(r->emulated, to) < r->emulated->visited.n)
			continue;
		type = py_type_of(r, to);
		if (type && !(type->flags & TYPE_GC))
			visit_guess(r, to, off);
	}
}

bool emulated_visit(struct py_reader *r, const struct py_object *o)
{
	const struct py_type *t = o->type;
	const struct emu_call *call = call_for(r, o->addr);
	struct words w;

	if (!call)
		return false;
	if (call->status != EMU_DONE) {
		if (call->status != EMU_CANCELED)
			damage_note(&r->damage,
				    call->status == EMU_SPENT ? DAMAGE_LIMIT : DAMAGE_EMULATION,
				    o->addr);
		return false;
	}
	if (!take_visited(r->emulated, call)) {
		r->py->out_of_memory = true;
		return false;
	}
	describe_traversed(r, o);
	emit_described(r, t);
	w = words_of(r, o);
	emit_unnamed(r, o, &w);
	visit_members(r, o, t->traverser->basicsize, UINT64_MAX);
	if (!traverser_has_dict(t))
		instance_visit_attrs(r, o);
	if (!traverser_has_type(r, t))
		instance_visit_type(r, o);
	guess_unvisited(r, o, &w);
	return true;
}

// -- sizes

bool py_wants_size_prefetch(const struct py_reader *r, const struct py_type *type, addr_t object)
{
	if (!type->size_method || !r->py->emu)
		return false;
	return !r->emulated || !*find_slot(&r->emulated->sizes, object);
}

void py_prefetch_sizes(struct py_reader *r, const addr_t *objects, uint64_t n)
{
	struct emulated *em = emulated_get(r);

	if (!em || !em->emu)
		return;
	clear(&em->sizes);
	clear(&em->visits); // what they visited will be overwritten
	for (uint64_t i = 0; i < n; i++) {
		const struct py_type *type = py_type_of(r, objects[i]);
		struct emu_call *call =
			type && type->size_method ? add_call(&em->sizes, objects[i]) : NULL;

		if (call)
			*call = (struct emu_call){.function = type->size_method,
						  .args = {objects[i], type->size_class},
						  .wants_bytes = true};
	}
	run(r, &em->sizes);
}

bool emulated_size(struct py_reader *r, const struct py_object *o, uint64_t *ret)
{
	struct emulated *em = emulated_get(r);
	const struct emu_call *call;
	int64_t size;
	uint16_t slot;

	if (!em || !em->emu)
		return false;
	if (!*find_slot(&em->sizes, o->addr))
		py_prefetch_sizes(r, &o->addr, 1);
	slot = *find_slot(&em->sizes, o->addr);
	if (!slot)
		return false;
	call = &em->sizes.calls[slot - 1];
	if (call->status == EMU_SPENT)
		damage_note(&r->damage, DAMAGE_LIMIT, o->addr);
	if (call->status != EMU_DONE ||
	    !int_from_bytes(r, call->bytes, sizeof(call->bytes), &size) || size < 0)
		return false;
	*ret = (uint64_t)size;
	return true;
}
