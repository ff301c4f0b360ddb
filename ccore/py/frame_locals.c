// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/frame_locals.h"

#include "py/exception.h"

// What a cell holds; an object that is no cell itself: it has not been put into one yet.
static addr_t cell_contents(struct py_reader *r, addr_t cell)
{
	const struct py_type *type = py_type_of(r, cell);

	if (!type || strcmp(type->name, "cell") != 0 || !layout_has(r->layout, F_CELL_REF))
		return cell;
	return py_read_ptr(r, cell + layout_off(r->layout, F_CELL_REF), cell);
}

/*
 * To 3.10 an argument that closures use has two slots: what was passed, and a cell, which counts.
 * The names of all cells, for that; false when memory is out.
 */
static bool cell_names(struct py_reader *r, const struct stack_frame *f, uint64_t n,
		       struct hashmap *ret)
{
	struct code_slot slot;

	for (uint64_t i = 0; i < n && !layout_has(r->layout, F_CO_LOCALSPLUSNAMES); i++)
		if (code_slot(r, f->code, i, &slot) && slot.is_cell &&
		    !hashmap_put(ret, slot.name, 1))
			return false;
	return true;
}

// False when the slot has nothing to show. Hidden ones are those of comprehensions in a class or
// module, which have a value while these run: PEP 709.
static bool read_slot(struct py_reader *r, const struct stack_frame *f, uint64_t i, bool hidden,
		      const struct hashmap *cells, addr_t *ret_name, addr_t *ret_value)
{
	const addr_t value = frame_reference(r->layout, py_read_ptr(r, f->slots + i * 8, f->addr));
	struct code_slot slot;
	uint32_t in_cell;

	if (!value || !code_slot(r, f->code, i, &slot) || slot.is_hidden != hidden)
		return false;
	if (!slot.is_cell && hashmap_get(cells, slot.name, &in_cell))
		return false;
	*ret_name = slot.name;
	*ret_value = slot.is_cell ? cell_contents(r, value) : value;
	return *ret_value;
}

// How many of the `n` slots are there, and may be looked at.
static uint64_t slots_there(struct py_reader *r, const struct stack_frame *f, uint64_t n)
{
	const uint64_t there = mem_readable(r->py->mem, f->slots, n * 8) / 8;

	if (there < n)
		damage_note(&r->damage, DAMAGE_BAD_FRAME, f->addr);
	return py_may_look_at(r, there * SLOT_BYTES, f->addr) ? there : 0;
}

static void slots_each(struct py_reader *r, const struct stack_frame *f, bool hidden,
		       bool (*take)(void *ctx, addr_t name, addr_t value), void *ctx)
{
	struct hashmap cells = {0};
	uint64_t n, stack_n;
	addr_t name, value;

	if (!code_slots(r, f->code, &n, &stack_n)) {
		damage_note(&r->damage, DAMAGE_BAD_FRAME, f->addr);
		n = 0;
	}
	n = slots_there(r, f, n);
	if (!cell_names(r, f, n, &cells)) {
		damage_note(&r->damage, DAMAGE_BAD_FRAME, f->addr);
		n = 0;
	}
	for (uint64_t i = 0; i < n; i++)
		if (read_slot(r, f, i, hidden, &cells, &name, &value) && !take(ctx, name, value))
			break;
	hashmap_done(&cells);
}

struct over_namespace {
	bool (*take)(void *ctx, addr_t name, addr_t value);
	void *ctx;
	struct hashmap names; // which hide what the namespace has under them
	bool go_on;
};

static bool take_hidden(void *ctx, addr_t name, addr_t value)
{
	struct over_namespace *o = ctx;

	o->go_on = hashmap_put(&o->names, name, 1) && o->take(o->ctx, name, value);
	return o->go_on;
}

// What a class or a module has: its namespace, and what a comprehension that runs there hides it
// behind.
static void namespace_each(struct py_reader *r, const struct stack_frame *f,
			   bool (*take)(void *ctx, addr_t name, addr_t value), void *ctx)
{
	struct over_namespace o = {.take = take, .ctx = ctx, .go_on = true};
	const struct py_type *type = py_type_of(r, f->locals);
	struct dict_iter it;
	struct dict_item item;
	uint32_t one;

	slots_each(r, f, true, take_hidden, &o);
	// A metaclass may have made the namespace, and of any type.
	if (type && type_has_flag(type, TPFLAG_DICT) && dict_iter_init_at(&it, r, f->locals))
		while (o.go_on && dict_iter_next(&it, &item))
			if (!hashmap_get(&o.names, item.key, &one))
				o.go_on = take(ctx, item.key, item.value);
	hashmap_done(&o.names);
}

void frame_locals_each(struct py_reader *r, const struct stack_frame *f,
		       bool (*take)(void *ctx, addr_t name, addr_t value), void *ctx)
{
	if (code_flags(r, f->code) & CODE_OPTIMIZED || !f->locals)
		slots_each(r, f, false, take, ctx);
	else
		namespace_each(r, f, take, ctx);
}

struct search {
	struct py_reader *r;
	const char *name;
	addr_t found;
};

static bool take_if_named(void *ctx, addr_t name, addr_t value)
{
	struct search *s = ctx;

	if (text_equals(s->r, name, s->name))
		s->found = value;
	return !s->found;
}

addr_t frame_local(struct py_reader *r, const struct stack_frame *f, const char *name)
{
	struct search s = {.r = r, .name = name};

	frame_locals_each(r, f, take_if_named, &s);
	return s.found;
}

// -- what its code names

// Names that one code object uses: of attributes and globals.
#define NAMES_MAX 4096u

addr_t code_names(struct py_reader *r, addr_t code, uint64_t *ret_n)
{
	struct py_object o;
	addr_t names;

	*ret_n = 0;
	if (!layout_has(r->layout, F_CO_NAMES) || !py_object_open(r, code, &o) ||
	    o.type->family != &family_code)
		return 0;
	names = object_u64(r, &o, F_CO_NAMES);
	(void)sequence_item(r, names, 0, ret_n); // its length is wanted
	*ret_n = u64_min(*ret_n, NAMES_MAX);
	return names;
}

void frame_globals_each(struct py_reader *r, const struct stack_frame *f,
			bool (*take)(void *ctx, addr_t name, addr_t value), void *ctx)
{
	bool go_on = true;
	uint64_t n;
	const addr_t names = code_names(r, f->code, &n);

	for (uint64_t i = 0; i < n && go_on && f->globals; i++) {
		const addr_t name = sequence_item(r, names, i, NULL);
		struct strbuf text = {0};
		addr_t value = 0;

		if (text_append(r, name, LIM_NAME_BYTES, &text, NULL) && !text.failed && text.n)
			value = dict_lookup(r, f->globals, text.data);
		strbuf_done(&text);
		if (value)
			go_on = take(ctx, name, value);
	}
}
