// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/waiting.h"

#include "py/attribute.h"
#include "py/frame_locals.h"

// Calls within the library: result(), wait(), wait() again, acquire() …
#define LIBRARY_FRAMES 16u

#define THREADING "threading"
#define QUEUES "queue|Queue"
#define FUTURES "concurrent.futures._base"
#define IMPORTLIB "_frozen_importlib|importlib._bootstrap"
#define LIBRARY THREADING "|" QUEUES "|" FUTURES "|concurrent.futures.thread|" IMPORTLIB

static bool text_in_list(struct py_reader *r, addr_t text, const char *list)
{
	struct strbuf s = {0};
	const bool found = text && text_append(r, text, LIM_NAME_BYTES, &s, NULL) && !s.failed &&
			   s.n && name_in_list(s.data, list);

	strbuf_done(&s);
	return found;
}

static bool is_function(struct py_reader *r, const struct stack_frame *f, const char *functions)
{
	struct py_object code;

	return py_object_open(r, f->code, &code) && code.type->family == &family_code &&
	       text_in_list(r, object_u64(r, &code, F_CO_NAME), functions);
}

bool frame_is_in(struct py_reader *r, const struct stack_frame *f, const char *modules,
		 const char *functions)
{
	return is_function(r, f, functions) && f->globals &&
	       text_in_list(r, dict_lookup(r, f->globals, "__name__"), modules);
}

// Functions that do nothing but wait, as the innermost of Python's; others may be at work.
static bool waits_in(struct py_reader *r, const struct stack_frame *f)
{
	return frame_is_in(r, f, THREADING, "wait|join|_wait_for_tstate_lock") ||
	       frame_is_in(r, f, IMPORTLIB, "acquire") ||
	       (frame_is_in(r, f, THREADING, "acquire") &&
		instance_attribute(r, frame_local(r, f, "self"), "_RLock__block"));
}

static void take_owner(struct py_reader *r, const char *attribute, struct waiting *ret)
{
	int64_t owner;

	ret->kind = WAITING_OWNED;
	if (int_value(r, instance_attribute(r, ret->object, attribute), &owner) && owner > 0)
		ret->owner = (uint64_t)owner;
}

// 2.7 has RLock in Python; the lock of a module that is being imported is so in all versions.
static void settle(struct py_reader *r, const struct stack_frame *f, struct waiting *ret)
{
	ret->kind = WAITING_OTHER;
	ret->object = frame_local(r, f, "self");
	if (frame_is_in(r, f, THREADING, "join|_wait_for_tstate_lock"))
		ret->kind = WAITING_THREAD;
	else if (frame_is_in(r, f, FUTURES, "result|exception"))
		ret->kind = WAITING_FUTURE;
	else if (frame_is_in(r, f, IMPORTLIB, "acquire"))
		take_owner(r, "owner", ret);
	else if (frame_is_in(r, f, THREADING, "acquire|__enter__") &&
		 instance_attribute(r, ret->object, "_RLock__block"))
		take_owner(r, "_RLock__owner", ret);
	else if (frame_is_in(r, f, THREADING, "acquire|__enter__"))
		ret->kind = WAITING_SEMAPHORE;
}

void waiting_find(struct py_reader *r, const struct stack_frame *frames, uint64_t n,
		  struct waiting *ret)
{
	static const char any[] = "wait|wait_for|_wait|join|_wait_for_tstate_lock|acquire|"
				  "__enter__|get|put|result|exception|as_completed|"
				  "result_iterator|_acquire_restore|_result_or_cancel|"
				  "_lock_unlock_module|_shutdown|shutdown|_exitfunc|__exitfunc|"
				  "_enter|_python_exit|__exit__";

	*ret = (struct waiting){0};
	while (ret->own < n && ret->own < LIBRARY_FRAMES &&
	       frame_is_in(r, &frames[ret->own], LIBRARY, any))
		ret->own++;
	if (!ret->own || !waits_in(r, &frames[0]))
		return;
	// the outermost that has an object is what was asked for; at its end the main thread joins
	// the others, on nobody's behalf
	for (uint64_t i = ret->own; i-- > 0 && !ret->object;)
		if (!frame_is_in(r, &frames[i], THREADING, "_exitfunc|__exitfunc"))
			settle(r, &frames[i], ret);
}
