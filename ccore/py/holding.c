// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which frames may have a lock.
 *
 * What lies on the value stack of a frame that runs cannot be told from what is left over there,
 * but for the part below the innermost try statement: how high that is stands in the frame (to
 * 3.10) or in a table of the code. What a `with` statement keeps until its end lies there.
 */
#include "py/attribute.h"
#include "py/exception.h"
#include "py/frame_locals.h"
#include "py/lock.h"

// Blocks of one frame: CO_MAXBLOCKS.
#define BLOCKS_MAX 20u

// Entries of the stack that are certain, to 3.10.
static uint64_t depth_of_blocks(struct py_reader *r, const struct stack_frame *f)
{
	const struct layout *l = r->layout;
	const uint32_t size = l->struct_size[S_PyTryBlock];
	uint32_t n = 0, depth = 0;

	if (!layout_has(l, F_F_IBLOCK) || !layout_has(l, F_F_BLOCKSTACK) ||
	    !layout_has(l, F_BLOCK_LEVEL) ||
	    mem_read_u32(r->py->mem, f->addr + layout_off(l, F_F_IBLOCK), &n) < 0 || !n ||
	    n > BLOCKS_MAX ||
	    mem_read_u32(r->py->mem,
			 f->addr + layout_off(l, F_F_BLOCKSTACK) + (n - 1) * (uint64_t)size +
				 layout_off(l, F_BLOCK_LEVEL),
			 &depth) < 0)
		return 0;
	return depth;
}

// A number of the exception table, Objects/exception_handling_notes.txt; false at its end.
static bool next_number(const uint8_t *p, uint64_t n, uint64_t *i, uint64_t *ret)
{
	enum { MORE = 0x40, BITS = 0x3f };
	uint64_t value = 0;

	while (*i < n) {
		const uint8_t byte = p[(*i)++];

		value = value << 6 | (byte & BITS);
		if (!(byte & MORE)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

// The same from 3.11 on. The table's rows do not overlap: each is of the innermost handler.
static uint64_t depth_in_table(const uint8_t *p, uint64_t n, uint64_t unit)
{
	uint64_t i = 0, start, length, target, depth;

	while (next_number(p, n, &i, &start) && next_number(p, n, &i, &length) &&
	       next_number(p, n, &i, &target) && next_number(p, n, &i, &depth))
		if (unit >= start && unit - start < length)
			return depth >> 1; // the lowest bit says what else is put there
	return 0;
}

static uint64_t depth_of_table(struct py_reader *r, const struct stack_frame *f)
{
	const struct layout *l = r->layout;
	struct py_object code, table;
	uint64_t n, depth;
	uint8_t *copy;

	if (f->offset < 0 || !layout_has(l, F_CO_EXCEPTIONTABLE) ||
	    !py_object_open(r, f->code, &code) || code.type->family != &family_code ||
	    !py_object_open(r, object_u64(r, &code, F_CO_EXCEPTIONTABLE), &table) ||
	    table.type->family != &family_bytes)
		return 0;
	n = py_var_size(r, &table);
	copy = n <= LIM_LINE_TABLE_BYTES && py_may_look_at(r, n, table.addr) ? malloc(n + 1) : NULL;
	if (!copy)
		return 0;
	depth = mem_read(r->py->mem, table.addr + layout_off(l, F_BYTES_SVAL), copy, n) < 0
			? 0
			: depth_in_table(copy, n, (uint64_t)f->offset / 2);
	free(copy);
	return depth;
}

// A `with` keeps its __exit__, bound to the object; from 3.14 on the object itself.
static addr_t manager_of(struct py_reader *r, addr_t value)
{
	const struct py_type *type = value ? py_type_of(r, value) : NULL;

	if (!type)
		return 0;
	if (type->family == &family_method || type->family == &family_cfunction)
		return instance_attribute(r, value, "__self__");
	return value;
}

void with_blocks_each(struct py_reader *r, const struct stack_frame *f,
		      void (*take)(void *ctx, addr_t manager), void *ctx)
{
	const uint64_t depth =
		layout_has(r->layout, F_F_CODE) ? depth_of_blocks(r, f) : depth_of_table(r, f);
	uint64_t locals_n, stack_n;

	if (!depth || !code_slots(r, f->code, &locals_n, &stack_n) || depth > stack_n ||
	    !py_may_look_at(r, depth * SLOT_BYTES, f->addr))
		return;
	for (uint64_t i = 0; i < depth; i++) {
		const addr_t slot = f->slots + (locals_n + i) * 8;
		const addr_t manager =
			manager_of(r, frame_reference(r->layout, py_read_ptr(r, slot, f->addr)));

		if (manager)
			take(ctx, manager);
	}
}

// -- acquire() without `with`

struct search {
	struct py_reader *r;
	addr_t lock;
	bool found;
};

static bool compare_local(void *ctx, addr_t name, addr_t value)
{
	struct search *s = ctx;

	s->found = value == s->lock ||
		   (text_equals(s->r, name, "self") && attributes_have(s->r, value, s->lock));
	return !s->found;
}

static bool compare_global(void *ctx, addr_t name, addr_t value)
{
	struct search *s = ctx;

	(void)name; // whatever it is called
	s->found = value == s->lock;
	return !s->found;
}

bool code_acquires(struct py_reader *r, addr_t code)
{
	bool acquires = false;
	uint64_t n;
	const addr_t names = code_names(r, code, &n);

	for (uint64_t i = 0; i < n && !acquires; i++)
		acquires = text_equals(r, sequence_item(r, names, i, NULL), "acquire");
	return acquires;
}

bool frame_has_lock(struct py_reader *r, const struct stack_frame *f, addr_t lock)
{
	struct search s = {.r = r, .lock = lock};

	if (code_flags(r, f->code) & CODE_OPTIMIZED)
		frame_locals_each(r, f, compare_local, &s);
	if (!s.found)
		frame_globals_each(r, f, compare_global, &s);
	return s.found;
}
