// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/gc_phase.h"

#include "sym/native_stack.h"

#define FRAMES_LOOKED_AT 2000u // a finalizer may run much code of its own
#define NAMES_SHOWN 3u

// Functions of the collector that say how far it is: where the compiler kept them apart. Those
// that are called through pointers always are.
static const struct {
	const char *function, *phase;
} phases[] = {
	{"visit_decref", "counting references from outside"},
	{"update_refs", "counting references from outside"},
	{"subtract_refs", "counting references from outside"},
	{"visit_reachable", "finding what is reachable"},
	{"move_unreachable", "finding what is reachable"},
	{"deduce_unreachable", "finding what is reachable"},
	{"visit_move", "setting aside what must not be freed"},
	{"move_finalizers", "setting aside what must not be freed"},
	{"move_finalizer_reachable", "setting aside what must not be freed"},
	{"move_legacy_finalizers", "setting aside what must not be freed"},
	{"move_legacy_finalizer_reachable", "setting aside what must not be freed"},
	{"handle_weakrefs", "calling callbacks of weak references"},
	{"handle_callback", "calling callbacks of weak references"},
	{"finalize_garbage", "calling finalizers"},
	{"PyObject_CallFinalizer", "calling finalizers"},
	{"handle_resurrected_objects", "looking for objects that came back"},
	{"check_garbage", "looking for objects that came back"},
	{"delete_garbage", "freeing garbage"},
	{"handle_finalizers", "filling gc.garbage"},
	{"handle_legacy_finalizers", "filling gc.garbage"},
	{"invoke_gc_callback", "calling gc.callbacks"},
};

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

// The outermost functions of a collection, by the names they have had.
static bool is_collection(const char *function)
{
	return strcmp(function, "collect") == 0 || begins(function, "collect_") ||
	       begins(function, "gc_collect_") || begins(function, "_PyGC_Collect") ||
	       begins(function, "PyGC_Collect") || begins(function, "_PyGC_collect") ||
	       begins(function, "gc_alloc") || begins(function, "_Py_RunGC");
}

static const char *phase_of(const char *function)
{
	for (unsigned i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (strcmp(phases[i].function, function) == 0)
			return phases[i].phase;
	return NULL;
}

static bool ends(const char *s, const char *with)
{
	const uint64_t n = strlen(s), with_n = strlen(with);

	return n >= with_n && strcmp(s + n - with_n, with) == 0;
}

// What the collector called, where the function that did so is not to be seen.
static const char *phase_of_callee(const char *function)
{
	static const struct {
		const char *function;
		bool is_end;
		const char *phase;
	} callees[] = {
		{"_clear", true, "freeing garbage"},
		{"_Clear", true, "freeing garbage"},
		{"_dealloc", true, "freeing garbage"},
		{"_finalize", true, "calling finalizers"},
		{"_traverse", true, "counting references, or finding what is reachable"},
		{"PyObject_CallOneArg", false, "calling callbacks of weak references"},
		{"PyObject_CallFunctionObjArgs", false, "calling callbacks of weak references"},
		{"PyObject_CallFunction", false, "calling gc.callbacks"},
		{"_PyObject_CallFunction_SizeT", false, "calling gc.callbacks"},
		{"PyObject_Vectorcall", false, "calling gc.callbacks"},
	};

	for (unsigned i = 0; i < sizeof(callees) / sizeof(callees[0]); i++)
		if (callees[i].is_end ? ends(function, callees[i].function)
				      : strcmp(function, callees[i].function) == 0)
			return callees[i].phase;
	return NULL;
}

static const char *function_of(const struct native_stack *stack, uint64_t i)
{
	const char *function = stack->frames.data[i].function;

	return function ? function : "?";
}

static bool describe(const struct native_stack *stack, struct strbuf *out)
{
	uint64_t at = 0, first;
	const char *phase = NULL;

	while (at < stack->frames.n && !is_collection(function_of(stack, at)))
		at++;
	if (at == stack->frames.n)
		return false;
	first = at > NAMES_SHOWN ? at - NAMES_SHOWN : 0;
	// Past other code that a finalizer runs only what is next to the collector counts.
	for (uint64_t i = at; i > first && !phase; i--)
		phase = phase_of(function_of(stack, i - 1));
	if (!phase && at)
		phase = phase_of_callee(function_of(stack, at - 1));
	strbuf_printf(out, "%s (", phase ? phase : "which phase is not known");
	for (uint64_t i = at + 1; i > first; i--) {
		strbuf_puts(out, i <= at ? " > " : "");
		strbuf_puts(out, function_of(stack, i - 1));
	}
	strbuf_putc(out, ')');
	return true;
}

bool gc_phase_text(struct session *s, struct strbuf *out)
{
	struct unwinder *unwinder = NULL;
	struct ccore_error err;
	bool found = false;

	if (unwinder_open(&unwinder, &s->target, &err) < 0)
		return false;
	for (uint64_t i = 0; i < s->target.threads.n && !found; i++) {
		struct native_stack stack;

		if (unwinder_stack(unwinder, &s->target.threads.data[i], FRAMES_LOOKED_AT, &stack,
				   &err) < 0)
			continue;
		found = describe(&stack, out);
		native_stack_done(&stack);
	}
	unwinder_close(unwinder);
	return found;
}
