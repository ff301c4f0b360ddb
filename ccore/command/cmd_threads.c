// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/stack_table.h"
#include "command/thread_state.h"

#include <signal.h>

struct listing {
	struct session *s;
	struct table *t;
	struct unwinder *unwinder; // NULL: native stacks are not to be had
	uint64_t crashed, tid, name, state, gil, signal, depth, function, line, native, file,
		thread, idle, interpreter, pc, addr;
};

static void add_columns(struct listing *w)
{
	const unsigned maybe = COLUMN_NULLABLE, hidden = COLUMN_NULLABLE | COLUMN_HIDDEN;

	w->tid = table_column(w->t, "tid", "", CCORE_U64, maybe);
	w->name = table_column(w->t, "name", "", CCORE_STR, 0);
	w->signal = table_column(w->t, "signal", "", CCORE_STR, 0);
	w->gil = table_column(w->t, "gil", "", CCORE_STR, 0);
	w->state = table_column(w->t, "state", "", CCORE_STR, 0);
	w->native = table_column(w->t, "native", "", CCORE_STR, 0);
	w->depth = table_column(w->t, "depth", "", CCORE_U64, maybe);
	w->function = table_column(w->t, "function", "", CCORE_STR, 0);
	w->line = table_column(w->t, "line", "", CCORE_U64, maybe);
	w->file = table_column(w->t, "file", "", CCORE_STR, 0);
	w->crashed = table_column(w->t, "crashed", "", CCORE_U64, COLUMN_BOOL | COLUMN_HIDDEN);
	w->idle = table_column(w->t, "idle", "", CCORE_U64, COLUMN_BOOL | hidden);
	w->thread = table_column(w->t, "thread", "", CCORE_U64, hidden);
	w->interpreter = table_column(w->t, "interpreter", "", CCORE_U64, hidden);
	w->pc = table_column(w->t, "pc", "", CCORE_ADDR, hidden);
	w->addr = table_column(w->t, "addr", "", CCORE_ADDR, hidden);
	w->t->noun = "threads";
}

static void set_text(struct listing *w, uint64_t row, uint64_t column, struct strbuf *text)
{
	w->t->failed |= text->failed;
	table_set_str(w->t, row, column, text->n && !text->failed ? text->data : NULL);
	strbuf_done(text);
}

// "SIGSEGV"; of real-time signals the number.
static void signal_name(int signal, struct strbuf *out)
{
	const char *name = sigabbrev_np(signal);

	if (name)
		strbuf_printf(out, "SIG%s", name);
	else
		strbuf_printf(out, "%d", signal);
}

// A core's kernel gives every thread the signal that ended the process; gcore its own to each.
static void set_identity(struct listing *w, uint64_t row, const struct thread *t)
{
	const struct py_thread *state = thread_state(&w->s->heap, t);
	const struct os_thread *os = thread_os(&w->s->heap, t);
	const int64_t tid = thread_tid(&w->s->heap, t);
	struct strbuf name = {0}, signal = {0};

	table_set_u64(w->t, row, w->crashed, t->crashed);
	table_set_u64(w->t, row, w->tid, tid ? (uint64_t)tid : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->thread, state ? state->thread_id : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->addr, state ? state->addr : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->pc, os && os->has_regs ? os->pc : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->interpreter,
		      state ? (uint64_t)w->s->heap.runtime.interpreters.data[state->interpreter].id
			    : TABLE_UNKNOWN);
	if (!thread_name(&w->s->heap, t, &name))
		name.n = 0;
	set_text(w, row, w->name, &name);
	if (t->crashed)
		signal_name(w->s->target.signal, &signal);
	set_text(w, row, w->signal, &signal);
}

static int set_state(struct listing *w, uint64_t row, const struct thread *t,
		     struct ccore_error *err)
{
	struct strbuf text = {0};
	struct thread_state st;

	TRY(thread_state_find(&st, &w->s->heap, t, w->unwinder, err));
	strbuf_puts(&text, st.state ? st.state : "");
	if (st.detail)
		strbuf_printf(&text, " %s", st.detail);
	set_text(w, row, w->state, &text);
	table_set_str(w->t, row, w->gil, st.gil);
	table_set_str(w->t, row, w->native, st.native);
	table_set_u64(w->t, row, w->idle, st.is_idle_known ? st.is_idle : TABLE_UNKNOWN);
	return 0;
}

static void set_frame(struct listing *w, uint64_t row, const struct stack_frame *f)
{
	struct py_reader *r = heap_reader(&w->s->heap);
	struct strbuf function = {0}, file = {0};
	struct code_position at;

	code_name(r, f->code, &function);
	set_text(w, row, w->function, &function);
	if (!code_file(r, f->code, &file))
		file.n = 0;
	set_text(w, row, w->file, &file);
	stack_frame_position(r, f, &at);
	if (at.line >= 0)
		table_set_u64(w->t, row, w->line, (uint64_t)at.line);
}

static int add_thread(struct listing *w, const struct thread *t, struct ccore_error *err)
{
	const uint64_t row = table_row(w->t);
	struct stack stack;

	set_identity(w, row, t);
	TRY(set_state(w, row, t, err));
	TRY(thread_stack(&w->s->heap, t, &stack, err));
	table_set_u64(w->t, row, w->depth, t->state == NO_THREAD ? TABLE_UNKNOWN : stack.frames.n);
	table_set_u64(w->t, row, w->line, TABLE_UNKNOWN);
	if (stack.frames.n)
		set_frame(w, row, &stack.frames.data[0]);
	stack_done(&stack);
	return 0;
}

static int add_threads(struct listing *w, struct ccore_error *err)
{
	struct threads all;
	int status = 0;

	TRY(threads_find(&all, &w->s->heap, err));
	for (uint64_t i = 0; status == 0 && i < all.all.n; i++) {
		status = add_thread(w, &all.all.data[i], err);
		if (status == 0)
			status =
				progress_poll(&w->s->progress, "reading stacks", i, all.all.n, err);
	}
	threads_done(&all);
	return status;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct listing w = {.s = s, .t = &r->table};
	struct ccore_error why;
	int status;

	(void)a; // no options of its own
	if (unwinder_open(&w.unwinder, &s->target, &why) < 0)
		result_note(r, "%s", why.text);
	add_columns(&w);
	status = add_threads(&w, err);
	unwinder_close(w.unwinder);
	if (!s->target.threads.n)
		result_note(r, "what the machine's threads do is not known of this target");
	return status;
}

const struct command command_threads = {
	.name = "threads",
	.summary = "every thread: what it was doing, and who holds the GIL",
	.argument = "",
	.details = "native is the innermost function of the machine's stack that has a name, "
		   "function and line are the innermost of Python's. depth counts Python's frames; "
		   "a thread without it runs no Python. The thread that crashed comes first.",
	.example =
		"threads\n"
		"tid    name        signal   gil    state                native  depth  function\n"
		"22612  MainThread  SIGABRT  holds  runs native code     raise       2  main\n"
		"22615  worker      -        -      in system call futex …           6  work\n",
	.run = run,
};
