// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "stacks/merged_stack.h"
#include "stacks/stack_table.h"

struct bt {
	struct session *s;
	struct ccore_result *r;
	struct stack_table table;
	uint64_t limit;		   // frames of one thread
	uint64_t idle;		   // threads without a frame
	uint64_t broken;	   // threads whose frames cannot be followed
	bool is_broken;		   // this one is such a thread
	uint64_t crashed_n;	   // states of the thread that crashed, so far
	struct unwinder *unwinder; // with --native
	uint64_t cut, unplaced;	   // native stacks that end early; Python frames left over
};

static void add_frames(struct bt *b, const struct thread *t, const struct merged_stack *stack)
{
	const uint64_t shown = u64_min(stack->frames.n, b->limit);
	struct strbuf heading = {0};

	thread_text(b->s, t, &heading);
	b->r->table.failed |= heading.failed;
	for (uint64_t i = 0; i < shown && !heading.failed; i++) {
		const struct merged_frame *f = &stack->frames.data[i];
		const char *above = i ? NULL : heading.data;

		if (f->native)
			stack_table_add_native(&b->table, t, f->native, i, above);
		else
			stack_table_add(&b->table, t, f->python, i, above);
	}
	strbuf_done(&heading);
	b->r->table.left_out += stack->frames.n - shown;
	if (shown && b->r->table.row_n)
		table_set_u64(&b->r->table, b->r->table.row_n - 1, b->table.more,
			      stack->frames.n - shown);
}

// Without --native the native stack is empty.
static int add_stack(struct bt *b, const struct thread *t, const struct stack *python,
		     struct ccore_error *err)
{
	const struct os_thread *os = thread_os(&b->s->heap, t);
	struct native_stack native = {0};
	struct merged_stack merged;
	int status = 0;

	if (b->unwinder && os)
		TRY(unwinder_stack(b->unwinder, os, UINT64_MAX, &native, err));
	status = merged_stack_make(&merged, &native, python, err);
	if (status == 0) {
		b->cut += native.is_cut;
		b->unplaced += b->unwinder ? merged.unplaced : 0;
		if (merged.frames.n)
			add_frames(b, t, &merged);
		else if (b->is_broken)
			b->broken++;
		else if (!stack_frames_are_known(&b->s->heap.layout))
			; // it may run some: layout_notes() says so
		else if (!t->crashed)
			b->idle++;
		else if (!b->crashed_n)
			result_note(b->r, "the thread that crashed runs no Python code");
		b->crashed_n += t->crashed;
		merged_stack_done(&merged);
	}
	native_stack_done(&native);
	return status;
}

static int add_thread(struct bt *b, const struct thread *t, struct ccore_error *err)
{
	const struct damage *damage = &heap_reader(&b->s->heap)->damage;
	const uint64_t before = damage->count[DAMAGE_BAD_FRAME];
	struct stack stack;
	int status;

	TRY(thread_stack(&b->s->heap, t, &stack, err));
	b->is_broken = damage->count[DAMAGE_BAD_FRAME] != before;
	status = add_stack(b, t, &stack, err);
	stack_done(&stack);
	return status;
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

static void add_notes(const struct bt *b)
{
	if (b->idle)
		result_note(b->r, "%llu thread%s run no Python code: `threads` lists them",
			    (unsigned long long)b->idle, b->idle == 1 ? "" : "s");
	if (b->broken)
		result_note(b->r, "of %llu thread%s no frame of Python's is in the target",
			    (unsigned long long)b->broken, b->broken == 1 ? "" : "s");
	if (b->unwinder && !b->s->target.threads.n)
		result_note(b->r, "what the machine's threads do is not known of this target");
	if (b->cut)
		result_note(b->r,
			    "%llu native stack%s end early: an unwind table, or memory of the "
			    "stack, is missing",
			    (unsigned long long)b->cut, b->cut == 1 ? "" : "s");
	if (b->unplaced)
		result_note(b->r,
			    "%llu Python frames stand at the end of their stack: the native frame "
			    "that runs them was not found",
			    (unsigned long long)b->unplaced);
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct bt b = {.s = s, .r = r, .limit = a->limit};
	struct threads all;
	int status;

	if (args_flag(a, "--native"))
		TRY(unwinder_open(&b.unwinder, &s->target, err));
	status = threads_find(&all, &s->heap, err);
	if (status < 0) {
		unwinder_close(b.unwinder);
		return status;
	}
	stack_table_init(&b.table, s, &r->table, args_flag(a, "--locals"));
	status = add_threads(&b, &all, a->argument, err);
	stack_table_done(&b.table, r);
	threads_done(&all);
	add_notes(&b);
	unwinder_close(b.unwinder);
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
		   "  #0  main  /srv/leaky_app.py:131\n"
		   "        os.abort()\n"
		   "  #1  <module>  /srv/leaky_app.py:145\n"
		   "        main()\n",
	.params =
		{
			{"--native", NULL, NULL, NULL, "the machine's frames among Python's"},
			{"--locals", NULL, NULL, NULL, "variables of each frame, nested ones too"},
		},
	.run = run,
};
