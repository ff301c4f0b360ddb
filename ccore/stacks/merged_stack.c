// SPDX-License-Identifier: GPL-2.0-or-later
#include "stacks/merged_stack.h"

#include <string.h>

bool is_eval_loop(const char *function)
{
	return function && (strcmp(function, "_PyEval_EvalFrameDefault") == 0 ||
			    strcmp(function, "PyEval_EvalFrameEx") == 0);
}

static bool add_python(struct merged_stack *ret, const struct stack_frame *f)
{
	const struct merged_frame frame = {.python = f};

	return vec_push(&ret->frames, frame);
}

static bool add_native(struct merged_stack *ret, const struct native_frame *f)
{
	const struct merged_frame frame = {.native = f};

	return vec_push(&ret->frames, frame);
}

int merged_stack_make(struct merged_stack *ret, const struct native_stack *native,
		      const struct stack *python, struct ccore_error *err)
{
	uint64_t next = 0;
	bool ok = true;

	*ret = (struct merged_stack){0};
	for (uint64_t i = 0; ok && i < native->frames.n; i++) {
		const struct native_frame *f = &native->frames.data[i];
		bool is_last = false;

		if (is_eval_loop(f->function) && next == python->frames.n)
			ret->idle_loops++;
		if (!is_eval_loop(f->function) || next == python->frames.n)
			ok = add_native(ret, f);
		else
			for (; ok && next < python->frames.n && !is_last; next++) {
				is_last = python->frames.data[next].is_entry;
				ok = add_python(ret, &python->frames.data[next]);
			}
	}
	ret->unplaced = python->frames.n - next;
	for (; ok && next < python->frames.n; next++)
		ok = add_python(ret, &python->frames.data[next]);
	if (ok)
		return 0;
	merged_stack_done(ret);
	return err_nomem(err);
}

void merged_stack_done(struct merged_stack *s)
{
	vec_done(&s->frames);
}
