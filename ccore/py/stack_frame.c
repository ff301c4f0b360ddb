// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/stack_frame.h"

#include <stdlib.h>

static addr_t optional(const struct layout *l, enum field_id f, const uint8_t *p)
{
	return layout_has(l, f) ? field_u64(l, f, p) : 0;
}

// -- interpreter frames (3.11+)

// Bytes from the start of the code to the instruction at `instr`, and whether the frame's
// prologue (copying of closures, making of a generator) is not yet done. A generator's frame may
// rest on an instruction that is not traced.
static void place_in_code(struct py_reader *r, const struct iframe *f, addr_t instr,
			  struct stack_frame *ret)
{
	const struct layout *l = r->layout;
	uint32_t first = 0;

	ret->offset = (int64_t)(instr - f->code - layout_off(l, F_CO_CODE_ADAPTIVE));
	if (f->in_generator || !layout_has(l, F_CO_FIRSTTRACEABLE) ||
	    mem_read_u32(r->py->mem, f->code + layout_off(l, F_CO_FIRSTTRACEABLE), &first) < 0)
		return;
	ret->is_partial = ret->offset < (int64_t)first * 2;
}

static int32_t line_of_object(struct py_reader *r, addr_t object)
{
	uint32_t line;

	if (!object || !layout_has(r->layout, F_F_LINENO) ||
	    mem_read_u32(r->py->mem, object + layout_off(r->layout, F_F_LINENO), &line) < 0)
		return 0;
	return (int32_t)line > 0 ? (int32_t)line : 0;
}

// Calls from Python to Python need no loop of their own. What is called from C has a mark, or
// the interpreter's own frame before it.
static bool is_entry(struct py_reader *r, const struct iframe *f, const uint8_t *p)
{
	struct iframe previous;

	if (layout_has(r->layout, F_IF_IS_ENTRY))
		return field_u64(r->layout, F_IF_IS_ENTRY, p) & 1;
	return !f->previous || (iframe_read(r, f->previous, &previous) && previous.is_shim);
}

static bool read_interpreter_frame(struct py_reader *r, addr_t addr, struct stack_frame *ret)
{
	const struct layout *l = r->layout;
	const uint32_t size = l->struct_size[S_InterpreterFrame];
	uint8_t scratch[256];
	const uint8_t *p;
	struct iframe f;

	if (!layout_has(l, F_IF_INSTR) || !layout_has(l, F_CO_CODE_ADAPTIVE) ||
	    !iframe_read(r, addr, &f))
		return false;
	*ret = (struct stack_frame){.addr = addr, .previous = f.previous, .is_shim = f.is_shim};
	if (f.is_shim)
		return true;
	p = py_get(r, addr, size, scratch);
	if (!p)
		return false;
	ret->object = f.frame_obj;
	ret->code = f.code;
	ret->globals = optional(l, F_IF_GLOBALS, p);
	ret->builtins = optional(l, F_IF_BUILTINS, p);
	ret->locals = optional(l, F_IF_LOCALS, p);
	ret->slots = addr + layout_off(l, F_IF_LOCALSPLUS);
	ret->line = line_of_object(r, f.frame_obj);
	ret->is_entry = is_entry(r, &f, p);
	place_in_code(r, &f, field_u64(l, F_IF_INSTR, p), ret);
	return true;
}

// -- frame objects that are the frame (to 3.10)

static bool read_frame_object(struct py_reader *r, const struct py_object *o,
			      struct stack_frame *ret)
{
	const struct layout *l = r->layout;
	const int64_t line = field_i64(l, F_F_LINENO, o->p);
	const bool traced = object_u64(r, o, F_F_TRACE) != 0;

	if (!layout_has(l, F_F_LASTI))
		return false;
	*ret = (struct stack_frame){
		.addr = o->addr,
		.object = o->addr,
		.previous = object_u64(r, o, F_F_BACK),
		.is_entry = true,
		.code = object_u64(r, o, F_F_CODE),
		.globals = optional(l, F_F_GLOBALS, o->p),
		.builtins = optional(l, F_F_BUILTINS, o->p),
		.locals = optional(l, F_F_LOCALS, o->p),
		.slots = o->addr + layout_off(l, F_F_LOCALSPLUS),
		.offset = field_i64(l, F_F_LASTI, o->p) * l->facts[FACT_LASTI_UNIT],
	};
	if (line > 0 && (traced || !l->facts[FACT_LINENO_NEEDS_TRACE]))
		ret->line = (int32_t)line;
	return true;
}

bool stack_frame_read(struct py_reader *r, addr_t addr, struct stack_frame *ret)
{
	struct py_object o;

	if (!layout_has(r->layout, F_F_CODE))
		return read_interpreter_frame(r, addr, ret);
	return py_object_open(r, addr, &o) && o.type->family == &family_frame &&
	       read_frame_object(r, &o, ret);
}

bool stack_frame_of_object(struct py_reader *r, addr_t addr, struct stack_frame *ret)
{
	struct py_object o;

	if (!py_object_open(r, addr, &o) || o.type->family != &family_frame)
		return false;
	if (layout_has(r->layout, F_F_CODE))
		return read_frame_object(r, &o, ret);
	return read_interpreter_frame(r, object_u64(r, &o, F_F_FRAME), ret);
}

// -- what is a frame

static bool is_of(struct py_reader *r, addr_t addr, unsigned flag)
{
	const struct py_type *type = addr ? py_type_of(r, addr) : NULL;

	return type && type_has_flag(type, flag);
}

// 2.7 has bytes for text.
static bool is_text(struct py_reader *r, addr_t addr)
{
	return is_of(r, addr, TPFLAG_UNICODE) || is_of(r, addr, TPFLAG_BYTES);
}

bool code_is_whole(struct py_reader *r, addr_t code)
{
	struct py_object o;

	return code && py_object_open(r, code, &o) && o.type->family == &family_code &&
	       is_text(r, object_u64(r, &o, F_CO_NAME)) &&
	       is_text(r, object_u64(r, &o, F_CO_FILENAME));
}

// Bytes of its instructions.
static uint64_t code_length(struct py_reader *r, addr_t code)
{
	struct py_object o, bytes;

	if (!py_object_open(r, code, &o) || o.type->family != &family_code)
		return 0;
	if (layout_has(r->layout, F_CO_CODE_ADAPTIVE))
		return py_var_size(r, &o) * 2;
	if (!layout_has(r->layout, F_CO_CODE) ||
	    !py_object_open(r, object_u64(r, &o, F_CO_CODE), &bytes))
		return 0;
	return py_var_size(r, &bytes);
}

bool stack_frame_fits(struct py_reader *r, const struct stack_frame *f)
{
	// one that has not begun is at the instruction before the first
	return !f->is_shim && code_is_whole(r, f->code) && is_of(r, f->globals, TPFLAG_DICT) &&
	       f->offset >= -r->layout->facts[FACT_LASTI_UNIT] - 1 &&
	       f->offset < (int64_t)code_length(r, f->code);
}

bool stack_frame_fits_partly(struct py_reader *r, const struct stack_frame *f)
{
	return f->is_shim || code_is_whole(r, f->code) || is_of(r, f->globals, TPFLAG_DICT);
}

// -- lines

// The bytes of `table` for the caller to free; NULL when they cannot be had.
static uint8_t *copy_table(struct py_reader *r, addr_t table, uint64_t *ret_n)
{
	struct py_object o;
	uint8_t *copy;

	if (!layout_has(r->layout, F_BYTES_SVAL) || !py_object_open(r, table, &o) ||
	    !type_has_flag(o.type, TPFLAG_BYTES))
		return NULL;
	*ret_n = py_var_size(r, &o);
	if (*ret_n > LIM_LINE_TABLE_BYTES || !py_may_look_at(r, *ret_n, table))
		return NULL;
	copy = malloc(*ret_n + 1);
	if (copy &&
	    mem_read(r->py->mem, table + layout_off(r->layout, F_BYTES_SVAL), copy, *ret_n) == 0)
		return copy;
	free(copy);
	return NULL;
}

static bool find_position(struct py_reader *r, addr_t code, int64_t offset,
			  struct code_position *ret)
{
	const struct layout *l = r->layout;
	struct line_table t = {.kind = (enum line_table_kind)l->facts[FACT_LINE_TABLE]};
	struct py_object o;
	uint8_t *data;
	bool found;

	if (!py_object_open(r, code, &o) || o.type->family != &family_code)
		return false;
	data = copy_table(r, object_u64(r, &o, F_CO_LINETABLE), &t.n);
	if (!data)
		return false;
	t.data = data;
	t.first_line = (int32_t)field_i64(l, F_CO_FIRSTLINENO, o.p);
	found = line_table_find(&t, offset, ret);
	free(data);
	return found;
}

bool code_position_at(struct py_reader *r, addr_t code, int64_t offset, struct code_position *ret)
{
	const uint64_t i = hash_u64(code + (uint64_t)offset) % PY_POSITIONS;

	if (r->positions[i].code == code && r->positions[i].offset == offset && code) {
		*ret = r->positions[i].position;
		return true;
	}
	if (!find_position(r, code, offset, ret))
		return false;
	r->positions[i].code = code;
	r->positions[i].offset = offset;
	r->positions[i].position = *ret;
	return true;
}

void stack_frame_position(struct py_reader *r, const struct stack_frame *f,
			  struct code_position *ret)
{
	if (!code_position_at(r, f->code, f->offset, ret)) {
		*ret = (struct code_position){-1, -1, -1, -1};
		damage_note(&r->damage, DAMAGE_BAD_FRAME, f->addr);
	}
	if (f->line > 0 && f->line != ret->line)
		*ret = (struct code_position){f->line, -1, -1, -1};
}
