// SPDX-License-Identifier: GPL-2.0-or-later
// What all families share: opening an object, its type, its refcount; visiting pointers.
#include "py/families.h"

#include <stdlib.h>

int py_open(struct py *py, const struct layout *layout, const struct mem *mem,
	    struct ccore_error *err)
{
	*py = (struct py){.layout = layout, .mem = mem};
	if (pthread_mutex_init(&py->lock, NULL) != 0)
		return err_nomem(err);
	py_settle(py);
	return 0;
}

void py_settle(struct py *py)
{
	const struct layout *layout = py->layout;
	const struct mem *mem = py->mem;

	py->none = layout->symbols[SYM_NONE];
	// Pointers to the dummies; a dummy that is not found is no reference to skip.
	if (layout->symbols[SYM_SET_DUMMY_PTR])
		(void)mem_read_u64(mem, layout->symbols[SYM_SET_DUMMY_PTR], &py->set_dummy);
	else if (layout->symbols[SYM_SET_DUMMY_PTR27])
		(void)mem_read_u64(mem, layout->symbols[SYM_SET_DUMMY_PTR27], &py->set_dummy);
	if (layout->symbols[SYM_DICT_DUMMY_PTR27])
		(void)mem_read_u64(mem, layout->symbols[SYM_DICT_DUMMY_PTR27], &py->dict_dummy);
}

void py_close(struct py *py)
{
	vec_done(&py->aliases);
	vec_done(&py->interned);
	vec_done(&py->types);
	vec_done(&py->mistrusted);
	hashmap_done(&py->type_by_addr);
	hashmap_done(&py->namespaces);
	arena_done(&py->arena);
	pthread_mutex_destroy(&py->lock);
}

static void drop_edges(struct edge_buffer *b)
{
	b->n = 0;
}

void py_reader_init(struct py_reader *r, struct py *py)
{
	memset(r, 0, sizeof(*r));
	r->py = py;
	r->layout = py->layout;
	mem_lens_init(&r->lens, py->mem);
	r->edges.sink.flush = drop_edges;
	r->edges.left = UINT64_MAX;
	r->repr = REPR_SHORT;
	py_reader_begin(r);
}

void py_reader_begin(struct py_reader *r)
{
	if (!u64_mul(r->py->mem->bytes, LIM_FRAME_BYTES_PER_BYTE, &r->frame_bytes_left) ||
	    !u64_add(r->frame_bytes_left, LIM_FRAME_BYTES, &r->frame_bytes_left))
		r->frame_bytes_left = UINT64_MAX;
	if (!u64_add(r->py->mem->bytes, LIM_NAMES, &r->names_left))
		r->names_left = UINT64_MAX;
	memset(r->positions, 0, sizeof(r->positions));
}

bool py_may_look_at(struct py_reader *r, uint64_t n, addr_t addr)
{
	if (n > r->frame_bytes_left) {
		damage_note(&r->damage, DAMAGE_LIMIT, addr);
		return false;
	}
	r->frame_bytes_left -= n;
	return true;
}

void py_reader_done(struct py_reader *r)
{
	emulated_free(r->emulated);
	r->emulated = NULL;
}

addr_t py_read_ptr(struct py_reader *r, addr_t addr, addr_t owner)
{
	uint8_t scratch[8];
	const uint8_t *p = py_get(r, addr, 8, scratch);

	if (p)
		return load_u64(p);
	damage_note(&r->damage, DAMAGE_UNREADABLE_OBJECT, owner);
	return 0;
}

const struct py_type *py_type_of(struct py_reader *r, addr_t addr)
{
	uint8_t scratch[8];
	const uint8_t *p;

	if (addr % 8)
		return NULL;
	p = py_get(r, addr + layout_off(r->layout, F_OB_TYPE), 8, scratch);
	return p ? py_type_get(r, load_u64(p)) : NULL;
}

bool py_object_open_typed(struct py_reader *r, addr_t addr, const struct py_type *type,
			  struct py_object *ret)
{
	ret->addr = addr;
	ret->type = type;
	ret->n = type->read_n;
	ret->p = py_get(r, addr, ret->n, ret->scratch);
	if (ret->p || type->read_n == type->least_n)
		return ret->p != NULL;
	// Some objects are shorter than their type says, and may lie at the end of a mapping:
	// static types, which are no PyHeapTypeObject; datetime without a tzinfo.
	ret->n = type->least_n;
	ret->p = py_get(r, addr, ret->n, ret->scratch);
	return ret->p != NULL;
}

bool py_object_open(struct py_reader *r, addr_t addr, struct py_object *ret)
{
	const struct py_type *type = py_type_of(r, addr);

	return type && py_object_open_typed(r, addr, type, ret);
}

uint64_t py_refcount(const struct py_reader *r, const struct py_object *o, bool *ret_immortal)
{
	const struct layout *l = r->layout;
	const uint64_t n = header_refcount(l, o->p);

	*ret_immortal = layout_has(l, F_OB_REF_LOCAL)
				? object_u64(r, o, F_OB_REF_LOCAL) == UINT32_MAX
				: l->facts[FACT_IMMORTAL] && (int32_t)(uint32_t)n < 0;
	return n;
}

bool py_refcount_is_static(const struct py_reader *r, const struct py_object *o)
{
	return refcount_is_static(r->layout, header_refcount(r->layout, o->p));
}

uint64_t py_var_size(const struct py_reader *r, const struct py_object *o)
{
	const int64_t n = field_i64(r->layout, F_OB_SIZE, o->p);

	return n > 0 ? (uint64_t)n : 0;
}

// Items between one look at what may still be read and the next.
#define VISIT_PIECE 16384u

void visit_pointers(struct py_reader *r, addr_t addr, uint64_t n, enum edge_kind kind,
		    enum label_kind label, uint64_t first, addr_t owner)
{
	uint8_t scratch[4096];

	if (n > r->py->mem->bytes / 8) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, owner);
		return;
	}
	for (uint64_t i = 0; i < n;) {
		uint64_t want = u64_min(n - i, VISIT_PIECE);

		if (!r->edges.left) {
			damage_note(&r->damage, DAMAGE_LIMIT, owner);
			return;
		}
		const uint8_t *p;

		p = mem_lens_span(&r->lens, addr + i * 8, want * 8);
		if (!p) {
			want = u64_min(want, sizeof(scratch) / 8);
			p = py_get(r, addr + i * 8, want * 8, scratch);
		}
		if (!p) {
			damage_note(&r->damage, DAMAGE_BAD_CONTAINER, owner);
			return;
		}
		for (uint64_t k = 0; k < want; k++)
			edge_emit(&r->edges, load_u64(p + k * 8), kind, label, first + i + k);
		i += want;
	}
}

void visit_members(struct py_reader *r, const struct py_object *o, uint64_t from, uint64_t to)
{
	const bool gc = o->type->flags & TYPE_GC;

	for (uint32_t i = 0; i < o->type->member_n; i++) {
		const struct py_member *m = &o->type->members[i];

		// A base that is not tracked may have a tp_traverse for those derived from it.
		const enum edge_kind kind = m->kind == EDGE_VISIT && !gc ? EDGE_OWN : m->kind;

		if (m->off < from || m->off >= to)
			continue;
		edge_emit_from(&r->edges,
			       m->off + 8 <= o->n ? load_u64(o->p + m->off)
						  : py_read_ptr(r, o->addr + m->off, o->addr),
			       kind, LABEL_TEXT, (uint64_t)(uintptr_t)m->label, m->source);
	}
}

void visit_guess(struct py_reader *r, addr_t to, uint64_t off)
{
	// Below the lowest address that Linux maps lie small numbers.
	if (to % 8 == 0 && to >= PAGE_BYTES)
		edge_emit_from(&r->edges, to, EDGE_GUESS, LABEL_OFFSET, off, SOURCE_GUESS);
}

void visit_guesses(struct py_reader *r, addr_t addr, uint64_t size)
{
	for (uint64_t off = 0; off + 8 <= size; off += 8) {
		uint8_t scratch[8];
		const uint8_t *p = py_get(r, addr + off, 8, scratch);

		if (!p)
			return; // a guess that is missing is no damage
		visit_guess(r, load_u64(p), off);
	}
}

// Words of a type's struct that nothing is known of.
static void visit_opaque(struct py_reader *r, const struct py_object *o)
{
	uint32_t off = (o->type->opaque_from + 7) & ~7u;

	for (; off + 8 <= o->type->opaque_to && off + 8 <= o->n; off += 8)
		visit_guess(r, load_u64(o->p + off), off);
}

void py_visit(struct py_reader *r, const struct py_object *o)
{
	const struct py_type *t = o->type;

	if (!r->edges.left) {
		damage_note(&r->damage, DAMAGE_LIMIT, o->addr);
	} else if (!(t->flags & TYPE_LEAF) && !(t->traverse && emulated_visit(r, o))) {
		if (t->member_n)
			visit_members(r, o, 0, UINT64_MAX);
		if (t->family && t->family->visit)
			t->family->visit(r, o);
		instance_visit_attrs(r, o);
		instance_visit_type(r, o);
		if (t->opaque_to)
			visit_opaque(r, o);
	}
	if (!r->edges.sink.hold)
		edge_flush(&r->edges);
}

static bool counts_gc_head(struct py_reader *r, const struct py_object *o)
{
	const int64_t counted = r->layout->facts[FACT_STATIC_HEAD];

	if (!(o->type->flags & TYPE_GC) || !object_is_static_type(r, o))
		return o->type->flags & TYPE_GC;
	return counted == STATIC_HEAD_ALWAYS ||
	       (counted == STATIC_HEAD_METACLASS &&
		o->type->addr != r->layout->symbols[SYM_TYPE_TYPE]);
}

// Where nothing but its type is known, ob_size may be another thing: that of generators is.
static bool has_so_many_items(struct py_reader *r, const struct py_object *o, uint64_t size)
{
	return !(o->type->flags & TYPE_SIZE_GUESSED) || o->type->family ||
	       mem_readable(r->py->mem, o->addr, size) == size;
}

uint64_t py_sizeof(struct py_reader *r, const struct py_object *o, bool *ret_guess)
{
	const struct py_type *t = o->type;
	uint64_t size;

	*ret_guess = t->flags & TYPE_SIZE_GUESSED;
	if (t->size_method && emulated_size(r, o, &size))
		*ret_guess = false;
	else if (t->family && t->family->size)
		size = t->family->size(r, o);
	else
		size = t->basicsize + (t->itemsize ? t->itemsize * py_var_size(r, o) : 0);
	if (t->itemsize && !has_so_many_items(r, o, size))
		size = t->basicsize;
	if (size > LIM_OBJECT_BYTES) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		*ret_guess = true;
		size = t->basicsize;
	}
	if (counts_gc_head(r, o))
		size += t->prefix;
	return size;
}
