// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "stacks/stack_table.h"
#include "stacks/waits.h"

#include <inttypes.h>
#include <signal.h>

struct listing {
	struct session *s;
	struct table *t;
	struct unwinder *unwinder; // NULL: native stacks are not to be had
	struct threads threads;
	struct waits waits;
	uint64_t crashed, tid, name, state, gil, signal, depth, function, line, native, file,
		thread, idle, interpreter, pc, addr, waits_text, waits_for, owner, owner_guess,
		stuck, deadlock;
};

static void add_columns(struct listing *w)
{
	const unsigned maybe = COLUMN_NULLABLE, hidden = COLUMN_NULLABLE | COLUMN_HIDDEN;

	w->tid = table_column(w->t, "tid", "", CCORE_U64, maybe);
	w->name = table_column(w->t, "name", "", CCORE_STR, 0);
	w->signal = table_column(w->t, "signal", "", CCORE_STR, 0);
	w->gil = table_column(w->t, "gil", "", CCORE_STR, 0);
	w->state = table_column(w->t, "state", "", CCORE_STR, 0);
	w->waits_text = table_column(w->t, "waits", "", CCORE_STR, 0);
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
	w->waits_for = table_column(w->t, "waits_for", "", CCORE_ADDR, hidden);
	w->owner = table_column(w->t, "owner", "", CCORE_U64, hidden);
	w->owner_guess = table_column(w->t, "owner_guess", "", CCORE_U64, COLUMN_BOOL | hidden);
	w->stuck = table_column(w->t, "stuck", "", CCORE_U64, COLUMN_BOOL | COLUMN_HIDDEN);
	w->deadlock = table_column(w->t, "deadlock", "", CCORE_U64, hidden);
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

static void set_state(struct listing *w, uint64_t row, const struct thread_state *st)
{
	struct strbuf text = {0};

	strbuf_puts(&text, st->state ? st->state : "");
	if (st->detail)
		strbuf_printf(&text, " %s", st->detail);
	set_text(w, row, w->state, &text);
	table_set_str(w->t, row, w->gil, st->gil);
	table_set_str(w->t, row, w->native, st->native);
	table_set_u64(w->t, row, w->idle, st->is_idle_known ? st->is_idle : TABLE_UNKNOWN);
}

// "_thread.RLock 0x7f… of 4711": ~ where that is likely, not known.
static void set_wait(struct listing *w, uint64_t row, const struct wait *wait)
{
	const struct wait_owner *o = wait->owner_n ? &w->waits.owners.data[wait->owner] : NULL;
	const bool is_there = o && o->thread != UINT64_MAX;
	const int64_t tid = is_there ? thread_tid(&w->s->heap, &w->threads.all.data[o->thread]) : 0;
	struct strbuf text = {0};

	wait_text(w->s, &w->threads, &w->waits, wait, &text);
	if (o && wait->kind != WAIT_THREAD && wait->kind != WAIT_GIL) {
		strbuf_puts(&text, o->is_guess ? " of ~" : " of ");
		if (tid)
			strbuf_printf(&text, "%" PRId64, tid);
		else
			strbuf_puts(&text, is_there ? "another thread" : "a thread that is gone");
		if (wait->owner_n > 1)
			strbuf_printf(&text, " and %" PRIu64 " more", wait->owner_n - 1);
	}
	set_text(w, row, w->waits_text, &text);
	table_set_u64(w->t, row, w->waits_for,
		      wait->object ? wait->object
		      : wait->word ? wait->word
				   : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->owner, tid ? (uint64_t)tid : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->owner_guess, o ? o->is_guess : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->stuck, wait->is_stuck);
	table_set_u64(w->t, row, w->deadlock, wait->deadlock ? wait->deadlock : TABLE_UNKNOWN);
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

static int add_thread(struct listing *w, uint64_t i, struct ccore_error *err)
{
	const struct thread *t = &w->threads.all.data[i];
	const uint64_t row = table_row(w->t);
	struct stack stack;

	set_identity(w, row, t);
	set_state(w, row, &w->waits.all.data[i].state);
	set_wait(w, row, &w->waits.all.data[i]);
	TRY(thread_stack(&w->s->heap, t, &stack, err));
	table_set_u64(w->t, row, w->depth,
		      t->state == NO_THREAD || !stack_frames_are_known(&w->s->heap.layout)
			      ? TABLE_UNKNOWN
			      : stack.frames.n);
	table_set_u64(w->t, row, w->line, TABLE_UNKNOWN);
	if (stack.frames.n)
		set_frame(w, row, &stack.frames.data[0]);
	stack_done(&stack);
	return 0;
}

static int add_threads(struct listing *w, struct ccore_error *err)
{
	TRY(threads_find(&w->threads, &w->s->heap, err));
	TRY(waits_find(&w->waits, w->s, &w->threads, w->unwinder, err));
	for (uint64_t i = 0; i < w->threads.all.n; i++)
		TRY(add_thread(w, i, err));
	return 0;
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
	waits_done(&w.waits);
	threads_done(&w.threads);
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
