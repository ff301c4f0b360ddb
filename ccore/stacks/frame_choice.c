// SPDX-License-Identifier: GPL-2.0-or-later
#include "stacks/frame_choice.h"

#include <inttypes.h>

static int choose_in(struct session *s, const struct threads *all, const char *thread,
		     struct stack *ret, struct ccore_error *err)
{
	uint64_t i = 0;

	if (thread) {
		TRY(threads_choose(s, all, thread, &i, err));
		return thread_stack(&s->heap, &all->all.data[i], ret, err);
	}
	for (; i < all->all.n; i++) {
		TRY(thread_stack(&s->heap, &all->all.data[i], ret, err));
		if (ret->frames.n)
			return 0;
		stack_done(ret);
	}
	return 0;
}

int frame_choose(struct session *s, const char *thread, uint64_t frame, struct stack_frame *ret,
		 struct ccore_error *err)
{
	struct stack stack = {0};
	struct threads all;
	int status;

	TRY(threads_find(&all, &s->heap, err));
	status = choose_in(s, &all, thread, &stack, err);
	threads_done(&all);
	TRY(status);
	if (frame < stack.frames.n)
		*ret = stack.frames.data[frame];
	else if (stack.frames.n)
		status = err_set(err, CCORE_ENOTFOUND, 0,
				 "there is no frame %" PRIu64 ": the outermost is %" PRIu64, frame,
				 stack.frames.n - 1);
	else if (!stack_frames_are_known(&s->heap.layout))
		status = err_set(err, CCORE_ENOTFOUND, 0,
				 "the layout has no table of frames: what runs is not known");
	else
		status = err_set(err, CCORE_ENOTFOUND, 0, "%s runs %sPython code",
				 thread ? thread : "no thread", thread ? "no " : "");
	stack_done(&stack);
	return status;
}
