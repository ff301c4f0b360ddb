// SPDX-License-Identifier: GPL-2.0-or-later
// Instances of Python classes: where __dict__ is, attribute values without a dict, the type.
#include "py/families.h"

// 3.13: PyDictValues right after the instance, in use as long as it is `valid`.
static void inline_values(struct py_reader *r, const struct py_object *o,
			  struct instance_attrs *ret)
{
	const struct layout *l = r->layout;
	const addr_t at = o->addr + o->type->basicsize;
	uint8_t scratch[64];
	const uint32_t size = layout_off(l, F_VALUES_VALUES);
	const uint8_t *p = size <= sizeof(scratch) ? py_get(r, at, size, scratch) : NULL;

	if (!p) {
		damage_note(&r->damage, DAMAGE_UNREADABLE_OBJECT, o->addr);
	} else if (field_u64(l, F_VALUES_VALID, p)) {
		ret->values = at + size;
		ret->values_n = field_u64(l, F_VALUES_CAPACITY, p);
	}
}

// PyDictValues before 3.13 is a bare array; its prefix holds no size worth believing.
static void plain_values(struct py_reader *r, addr_t values, struct instance_attrs *ret)
{
	ret->values = values + (layout_has(r->layout, F_VALUES_VALUES)
					? layout_off(r->layout, F_VALUES_VALUES)
					: 0);
	ret->values_n = UINT64_MAX;
}

static addr_t dict_from_end(struct py_reader *r, const struct py_object *o)
{
	const int64_t n = field_i64(r->layout, F_OB_SIZE, o->p);
	uint64_t end;

	if (!u64_mul(i64_abs(n), o->type->itemsize, &end) ||
	    !u64_add(end, o->type->basicsize, &end) || !u64_align_up(end, 8, &end)) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return 0;
	}
	return py_read_ptr(r, o->addr + end + (uint64_t)o->type->dictoffset, o->addr);
}

// Managed dicts lie before the collector's head, and the values or weak references before them.
static addr_t dict_word(struct py_reader *r, const struct py_object *o)
{
	return py_read_ptr(r, o->addr - layout_gc_head(r->layout) - 8, o->addr);
}

void instance_attrs(struct py_reader *r, const struct py_object *o, struct instance_attrs *ret)
{
	addr_t word;

	*ret = (struct instance_attrs){0};
	switch (o->type->dict_place) {
	case DICT_NOWHERE:
		return;
	case DICT_AT_OFFSET:
		ret->dict = py_read_ptr(r, o->addr + (uint64_t)o->type->dictoffset, o->addr);
		return;
	case DICT_FROM_END:
		ret->dict = dict_from_end(r, o);
		return;
	case DICT_TWO_WORDS:
		word = py_read_ptr(r, o->addr - 32, o->addr);
		if (word)
			plain_values(r, word, ret);
		else
			ret->dict = dict_word(r, o);
		break;
	case DICT_TAGGED:
		word = dict_word(r, o);
		if (word & 1)
			plain_values(r, word + 1, ret);
		else
			ret->dict = word;
		break;
	case DICT_INLINE:
		inline_values(r, o, ret);
		ret->dict = dict_word(r, o);
		break;
	case DICT_BEFORE:
		ret->dict = dict_word(r, o);
		return;
	}
	if (ret->values && !layout_has(r->layout, F_HT_CACHED_KEYS))
		ret->values = ret->values_n = 0; // no one knows how many there are
	else if (ret->values)
		ret->values_n = dict_keys_n(r, o->type->cached_keys, ret->values_n, o->addr);
}

// A static type's tp_traverse visits no types, and some heap types in C have inherited it.
static bool traverse_is_static(const struct py_type *type)
{
	const struct py_type *base = type;

	while (base && base->flags & TYPE_HEAP)
		base = base->base;
	return base && base->tp_traverse == type->tp_traverse;
}

static bool type_is_visited(const struct py_reader *r, const struct py_type *type)
{
	const struct py_type *base = type;

	if (!(type->flags & TYPE_GC))
		return false;
	if (!r->layout->facts[FACT_C_HEAP_TYPE_VISITED])
		return type->flags & TYPE_PYTHON;
	// subtype_traverse() leaves it to the tp_traverse below it, if that is a heap type's
	if (type->flags & TYPE_PYTHON)
		while (base && base->tp_traverse == type->tp_traverse)
			base = base->base;
	if (!base || !(base->flags & TYPE_HEAP) || !base->tp_traverse)
		base = type;
	return !traverse_is_static(base);
}

void instance_visit_attrs(struct py_reader *r, const struct py_object *o)
{
	const enum edge_kind kind = o->type->flags & TYPE_GC ? EDGE_VISIT : EDGE_OWN;
	struct instance_attrs at;

	if (o->type->dict_place == DICT_NOWHERE)
		return;
	instance_attrs(r, o, &at);
	if (at.dict && r->layout->facts[FACT_VALUES_THROUGH_DICT])
		at.values = 0;
	if (at.values)
		visit_pointers(r, at.values, at.values_n, kind, LABEL_ATTR_SLOT, 0, o->addr);
	// Beside values of its own an instance does not visit the dict that shows them.
	edge_emit_text(&r->edges, at.dict, at.values ? EDGE_OWN : kind, ".__dict__");
}

void instance_visit_type(struct py_reader *r, const struct py_object *o)
{
	const bool visited = type_is_visited(r, o->type) && !object_is_static_type(r, o);

	if (o->type->flags & TYPE_HEAP)
		edge_emit_text(&r->edges, o->type->addr, visited ? EDGE_VISIT : EDGE_OWN,
			       ".__class__");
}

// -- repr: <module.Class attr=value …>, the first attributes that say something

// Text, numbers and None tell one instance from another; containers and objects do not.
static bool says_something(struct py_reader *r, addr_t value)
{
	const struct py_type *type = py_type_of(r, value);

	// Of instances in instances only that; they lead everywhere.
	if (r->repr.attrs_nest && r->repr_depth <= 2)
		return type;
	return type && type->family && type->family->repr && type->flags & TYPE_LEAF;
}

static bool show_attr(struct py_reader *r, addr_t name, addr_t value, uint64_t *shown,
		      struct strbuf *out)
{
	if (!name || !value || !says_something(r, value))
		return false;
	strbuf_putc(out, ' ');
	if (!text_append(r, name, LIM_NAME_BYTES, out, NULL)) {
		strbuf_putc(out, '['); // vars() may have any key
		py_repr(r, name, out);
		strbuf_putc(out, ']');
	}
	strbuf_putc(out, '=');
	py_repr(r, value, out);
	return ++*shown >= r->repr.attrs;
}

static void show_values(struct py_reader *r, const struct py_object *o,
			const struct instance_attrs *at, struct strbuf *out)
{
	uint64_t shown = 0;

	for (uint64_t i = 0; i < at->values_n && i < LIM_REPR_ATTRS; i++) {
		addr_t value;

		if (mem_read_u64(r->py->mem, at->values + i * 8, &value) < 0 ||
		    show_attr(r, dict_keys_name(r, o->type->cached_keys, i), value, &shown, out))
			return;
	}
}

static void show_dict(struct py_reader *r, addr_t dict, struct strbuf *out)
{
	struct dict_iter it;
	struct dict_item item;
	uint64_t shown = 0;

	if (!dict_iter_init_at(&it, r, dict))
		return;
	it.n = u64_min(it.n, LIM_REPR_ATTRS);
	while (dict_iter_next(&it, &item))
		if (show_attr(r, item.key, item.value, &shown, out))
			return;
}

static void show_slots(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	uint64_t shown = 0;

	for (uint32_t i = 0; i < o->type->member_n && i < LIM_REPR_ATTRS && shown < r->repr.attrs;
	     i++) {
		const struct py_member *m = &o->type->members[i];
		addr_t value;

		if (m->off + 8 > o->n || !says_something(r, value = load_u64(o->p + m->off)))
			continue;
		strbuf_printf(out, " %s=", m->label + 1);
		py_repr(r, value, out);
		shown++;
	}
}

void repr_instance(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	struct instance_attrs at;

	instance_attrs(r, o, &at);
	strbuf_printf(out, "<%s", o->type->name);
	if (o->type->flags & TYPE_PYTHON && (r->repr.attrs_nest || !(at.values || at.dict)))
		show_slots(r, o, out);
	if (at.values)
		show_values(r, o, &at, out);
	else if (at.dict)
		show_dict(r, at.dict, out);
	strbuf_putc(out, '>');
}
