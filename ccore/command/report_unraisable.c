// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exceptions that could not be raised, as in __del__: what CPython hands to sys.unraisablehook is
 * gone when that has returned. So this finds only what is being handed to it, or what it has kept.
 */
#include "command/report.h"
#include "heap/exceptions.h"
#include "py/attribute.h"
#include "py/block.h"
#include "py/frame_locals.h"
#include "py/reach.h"

#include <inttypes.h>

// Frames of one thread whose variables are looked at, and functions of its machine's stack.
#define FRAMES_LOOKED_AT 200u
#define NATIVE_LOOKED_AT 100u

// How far from the hook kept ones are looked for, and bytes of a C stack.
#define HOOK_DEPTH 4u
#define HOOK_OBJECTS 20000u
#define STACK_BYTES 65536u

#define SHOWN_MAX 5u

struct unraisable {
	struct report *p;
	struct py_reader *r;
	struct hashmap seen; // hook's arguments that were shown
	uint64_t shown, left_out;
	addr_t found; // while one is looked for
	struct reach reach;
	int status;
	struct ccore_error *err;
};

static bool is_arguments(struct unraisable *u, addr_t addr)
{
	const struct py_type *type = addr ? py_type_of(u->r, addr) : NULL;

	return type && strcmp(type->name, "UnraisableHookArgs") == 0;
}

// -- what they say

// What sys.unraisablehook is given: exc_type, exc_value, exc_traceback, err_msg, object.
static void add_arguments(struct unraisable *u, addr_t args, const char *mark)
{
	enum { TYPE, VALUE, TRACEBACK, MESSAGE, OBJECT };
	const addr_t none = u->r->py->none;
	addr_t items[OBJECT + 1];
	struct strbuf text = {0};

	for (unsigned i = 0; i <= OBJECT; i++) { // a struct sequence: a tuple with names
		items[i] = py_read_ptr(u->r, args + layout_off(u->r->layout, F_TUPLE_ITEM) + i * 8,
				       args);
		if (items[i] == none)
			items[i] = 0;
	}
	if (items[VALUE]) {
		u->status = report_exception(u->p, "unraisable", mark, items[VALUE],
					     items[TRACEBACK], u->err);
	} else {
		py_repr(u->r, items[TYPE], &text);
		report_add(u->p, "unraisable", args, "%s%s", mark, text.failed ? "?" : text.data);
	}
	for (unsigned i = MESSAGE; i <= OBJECT; i++) {
		if (!items[i])
			continue;
		strbuf_done(&text);
		text = (struct strbuf){0};
		py_repr(u->r, items[i], &text);
		report_add(u->p, i == MESSAGE ? "  message" : "  object", items[i], "%s",
			   text.failed ? "?" : text.data);
	}
	strbuf_done(&text);
}

// False: they were shown before, or are too many.
static bool add_once(struct unraisable *u, addr_t args, const char *mark)
{
	uint32_t before;

	if (hashmap_get(&u->seen, args, &before) || u->status < 0)
		return false;
	if (!hashmap_put(&u->seen, args, 1)) {
		u->status = err_nomem(u->err);
		return false;
	}
	if (u->shown == SHOWN_MAX) {
		u->left_out++;
		return false;
	}
	u->shown++;
	add_arguments(u, args, mark);
	return true;
}

// -- those that the hook is at

static bool take_local(void *ctx, addr_t name, addr_t value)
{
	struct unraisable *u = ctx;

	(void)name; // whatever it is called
	if (is_arguments(u, value))
		u->found = value;
	return !u->found;
}

static int look_at_frames(struct unraisable *u, const struct thread *t)
{
	struct strbuf name = {0};
	struct stack stack;

	TRY(thread_stack(&u->p->s->heap, t, &stack, u->err));
	thread_text(u->p->s, t, &name);
	for (uint64_t i = 0; i < stack.frames.n && i < FRAMES_LOOKED_AT; i++) {
		const struct stack_frame *f = &stack.frames.data[i];
		struct code_position at;

		u->found = 0;
		frame_locals_each(u->r, f, take_local, u);
		if (!u->found || !add_once(u, u->found, ""))
			continue;
		report_add(u->p, "  handled by", u->found, "%s", name.failed ? "?" : name.data);
		stack_frame_position(u->r, f, &at);
		report_add_place(u->p, "  in", f->addr, f->code, &at);
	}
	strbuf_done(&name);
	stack_done(&stack);
	return u->status;
}

// -- those that CPython itself is at

static const char *reporting_function(const struct native_stack *stack)
{
	static const char names[] = "PyErr_WriteUnraisable|_PyErr_WriteUnraisableMsg|"
				    "_PyErr_WriteUnraisableDefaultHook|PyErr_FormatUnraisable|"
				    "format_unraisable_v|write_unraisable_exc";

	for (uint64_t i = 0; i < stack->frames.n; i++)
		if (stack->frames.data[i].function &&
		    name_in_list(stack->frames.data[i].function, names))
			return stack->frames.data[i].function;
	return NULL;
}

// The variables of that function are on the stack; so may be what others have left there.
static void look_at_stack(struct unraisable *u, const struct os_thread *os)
{
	for (uint64_t off = 0; off < STACK_BYTES && u->status == 0; off += 8) {
		struct py_object o;
		uint64_t word;
		bool immortal;

		if (mem_read_u64(u->r->py->mem, (os->sp & ~7ull) + off, &word) < 0)
			return;
		if (word && word % 8 == 0 && is_arguments(u, word) &&
		    py_object_open(u->r, word, &o) &&
		    refcount_is_plausible(u->r, py_refcount(u->r, &o, &immortal)))
			(void)add_once(u, word, "~ "); // shown before: then it is certain
	}
}

static int look_at_native(struct unraisable *u, const struct thread *t)
{
	const struct os_thread *os = thread_os(&u->p->s->heap, t);
	struct native_stack stack;
	const char *function;

	if (!u->p->unwinder || !os || !thread_state(&u->p->s->heap, t) ||
	    unwinder_stack(u->p->unwinder, os, NATIVE_LOOKED_AT, &stack, u->err) < 0)
		return 0;
	function = reporting_function(&stack);
	if (function) {
		report_add(u->p, "reporting", 0, "an exception that it cannot raise, in %s()",
			   function);
		look_at_stack(u, os);
	}
	native_stack_done(&stack);
	return u->status;
}

// -- those that the hook has kept

static bool take_kept(void *ctx, uint32_t step)
{
	struct unraisable *u = ctx;
	const addr_t addr = u->reach.steps.data[step].addr;

	if (is_arguments(u, addr) && add_once(u, addr, "")) {
		struct strbuf path = {0};

		reach_path(&u->reach, step, &path);
		report_add(u->p, "  kept in", addr, "sys.unraisablehook%s",
			   path.failed || !path.data ? "" : path.data);
		strbuf_done(&path);
	}
	return u->status == 0;
}

static int look_at_hook(struct unraisable *u, addr_t sysdict)
{
	const addr_t hook = dict_lookup(u->r, sysdict, "unraisablehook");
	struct strbuf text = {0};

	if (!hook || hook == dict_lookup(u->r, sysdict, "__unraisablehook__"))
		return 0;
	py_repr(u->r, hook, &text);
	report_add(u->p, "unraisable hook", hook, "%s", text.failed ? "?" : text.data);
	strbuf_done(&text);
	u->reach = (struct reach){.r = u->r,
				  .depth_max = HOOK_DEPTH,
				  .objects_max = HOOK_OBJECTS,
				  .enter_globals = true};
	reach_from(&u->reach, hook, take_kept, u);
	if (u->reach.failed)
		u->status = err_nomem(u->err);
	reach_done(&u->reach);
	return u->status;
}

int report_unraisable(struct report *p, struct ccore_error *err)
{
	struct unraisable u = {.p = p, .r = heap_reader(&p->s->heap), .err = err};
	const struct runtime *rt = &p->s->heap.runtime;
	int status = 0;

	for (uint64_t i = 0; i < p->threads.all.n && status == 0; i++)
		status = look_at_frames(&u, &p->threads.all.data[i]);
	if (p->threads.all.n && status == 0)
		status = look_at_native(&u, &p->threads.all.data[0]);
	for (uint64_t i = 0; i < rt->interpreters.n && status == 0; i++)
		status = look_at_hook(&u, rt->interpreters.data[i].sysdict);
	if (u.left_out)
		report_add(p, "unraisable", 0, "… %" PRIu64 " more", u.left_out);
	hashmap_done(&u.seen);
	return status;
}
