// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/stack_table.h"

struct bt {
	struct session *s;
	struct ccore_result *r;
	struct stack_table table;
	uint64_t limit; // frames of one thread
	uint64_t idle;	// threads without a frame
};

static void add_frames(struct bt *b, const struct thread *t, const struct stack *stack)
{
	const uint64_t shown = u64_min(stack->frames.n, b->limit);
	struct strbuf heading = {0};

	thread_text(b->s, t, &heading);
	b->r->table.failed |= heading.failed;
	for (uint64_t i = 0; i < shown && !heading.failed; i++)
		stack_table_add(&b->table, t, &stack->frames.data[i], i, i ? NULL : heading.data);
	strbuf_done(&heading);
	b->r->table.left_out += stack->frames.n - shown;
	if (shown && b->r->table.row_n)
		table_set_u64(&b->r->table, b->r->table.row_n - 1, b->table.more,
			      stack->frames.n - shown);
}

static int add_thread(struct bt *b, const struct thread *t, struct ccore_error *err)
{
	struct stack stack;

	TRY(thread_stack(&b->s->heap, t, &stack, err));
	if (stack.frames.n)
		add_frames(b, t, &stack);
	else if (t->crashed)
		result_note(b->r, "the thread that crashed runs no Python code");
	else
		b->idle++;
	stack_done(&stack);
	return 0;
}

static int add_threads(struct bt *b, const struct threads *all, const char *only,
		       struct ccore_error *err)
{
	uint64_t i = 0;

	if (only) {
		TRY(threads_choose(b->s, all, only, &i, err));
		return add_thread(b, &all->all.data[i], err);
	}
	for (; i < all->all.n; i++) {
		TRY(add_thread(b, &all->all.data[i], err));
		TRY(progress_poll(&b->s->progress, "reading stacks", i, all->all.n, err));
	}
	return 0;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct bt b = {.s = s, .r = r, .limit = a->limit};
	struct threads all;
	int status;

	TRY(threads_find(&all, &s->heap, err));
	stack_table_init(&b.table, s, &r->table, args_flag(a, "--locals"));
	status = add_threads(&b, &all, a->argument, err);
	stack_table_done(&b.table, r);
	threads_done(&all);
	if (b.idle)
		result_note(r, "%llu thread%s run no Python code: `threads` lists them",
			    (unsigned long long)b.idle, b.idle == 1 ? "" : "s");
	return status;
}

const struct command command_bt = {
	.name = "bt",
	.summary = "Python stacks of all threads, or of one, with lines and variables",
	.argument = "[THREAD]",
	.details =
		"THREAD is the kernel's number of a thread, threading.get_ident(), the address of "
		"a thread state, or a thread's name. The thread that crashed comes first, and of "
		"each stack the innermost frame. -n is the number of frames of each thread. Source "
		"lines are shown where the file is found here; ~ marks those of files that have "
		"changed since.",
	.example = "bt -n 2\n"
		   "Thread 22612 \"MainThread\", crashed: Aborted\n"
		   "  #0  main  /work/leaky_app.py:131\n"
		   "        os.abort()\n"
		   "  #1  <module>  /work/leaky_app.py:145\n"
		   "        main()\n",
	.params =
		{
			{"--locals", NULL, NULL, NULL, "variables of each frame, nested ones too"},
		},
	.run = run,
};
