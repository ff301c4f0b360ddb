// SPDX-License-Identifier: GPL-2.0-or-later
// report: on one page, what to know of a process that has died, or that does not go on.
#include "command/command.h"
#include "command/report.h"

#include <inttypes.h>

#define FRAMES_SHOWN_FIRST 12u
#define FRAMES_SHOWN_LAST 4u
#define NATIVE_SHOWN 6u
#define EXCEPTIONS_SHOWN 200u

void report_add(struct report *p, const char *key, addr_t addr, const char *fmt, ...)
{
	const uint64_t row = table_row(&p->r->table);
	struct strbuf text = {0};
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	table_set_str(&p->r->table, row, p->key, key);
	table_set_str(&p->r->table, row, p->value, text.failed ? NULL : text.data);
	table_set_u64(&p->r->table, row, p->addr, addr ? addr : TABLE_UNKNOWN);
	strbuf_done(&text);
}

// The line without the spaces around it, after some of ours.
static void add_source(struct report *p, const char *file, int32_t line, struct strbuf *out)
{
	const char *text = NULL;
	uint64_t n = 0;

	if (!p->s->heap.py.redact)
		text = source_text_line(&p->source, file, line, &n);
	while (text && n && (*text == ' ' || *text == '\t')) {
		text++;
		n--;
	}
	if (!text || !n)
		return;
	strbuf_puts(out, p->source.changed ? "  ~ " : "  ");
	strbuf_add_printable(out, text, u64_min(n, LIM_NAME_BYTES));
}

void report_add_place(struct report *p, const char *key, addr_t addr, addr_t code,
		      const struct code_position *at)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	struct strbuf text = {0}, file = {0};

	code_name(r, code, &text);
	strbuf_puts(&text, "  ");
	if (!code_file(r, code, &file) || file.failed || !file.n)
		strbuf_putc(&text, '?');
	else
		strbuf_puts(&text, file.data);
	if (at->line >= 0)
		strbuf_printf(&text, ":%d", at->line);
	if (file.n && !file.failed)
		add_source(p, file.data, at->line, &text);
	report_add(p, key, addr, "%s", text.failed ? "?" : text.data);
	strbuf_done(&text);
	strbuf_done(&file);
}

// -- the thread that crashed

static void add_native(struct report *p, const struct os_thread *os, struct ccore_error *err)
{
	struct native_stack stack;
	struct strbuf text = {0};

	if (!p->unwinder || unwinder_stack(p->unwinder, os, NATIVE_SHOWN, &stack, err) < 0)
		return;
	for (uint64_t i = 0; i < stack.frames.n; i++) {
		const struct native_frame *f = &stack.frames.data[i];

		strbuf_puts(&text, i ? " < " : "");
		if (f->function)
			strbuf_puts(&text, f->function);
		else
			strbuf_printf(&text, "0x%" PRIx64, f->pc);
	}
	if (stack.frames.n)
		report_add(p, "native", stack.frames.data[0].pc, "%s",
			   text.failed ? "?" : text.data);
	strbuf_done(&text);
	native_stack_done(&stack);
}

void report_add_frames(struct report *p, const struct stack *stack)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	const uint64_t n = stack->frames.n;

	for (uint64_t i = 0; i < n; i++) {
		const struct stack_frame *f = &stack->frames.data[i];
		struct code_position at;
		char key[32];

		if (i >= FRAMES_SHOWN_FIRST && n - i > FRAMES_SHOWN_LAST) {
			if (i == FRAMES_SHOWN_FIRST)
				report_add(p, "…", 0, "%" PRIu64 " more frames",
					   n - FRAMES_SHOWN_FIRST - FRAMES_SHOWN_LAST);
			continue;
		}
		(void)snprintf(key, sizeof(key), "#%" PRIu64, i); // fits any number
		stack_frame_position(r, f, &at);
		report_add_place(p, key, f->addr, f->code, &at);
	}
}

static uint32_t small_number(struct report *p, addr_t base, enum field_id f, bool *ret_known)
{
	const struct layout *l = &p->s->heap.layout;
	uint32_t x = 0;

	*ret_known = base && layout_has(l, f) &&
		     mem_read_u32(&p->s->target.mem, base + layout_off(l, f), &x) == 0;
	return x;
}

static void add_recursion(struct report *p, const struct py_thread *state)
{
	const struct heap *h = &p->s->heap;
	bool has_left, has_limit;
	uint32_t left = small_number(p, state->addr, F_TS_RECURSION_LEFT, &has_left), limit, depth;

	limit = small_number(p, state->addr, F_TS_RECURSION_LIMIT, &has_limit);
	if (has_left && has_limit) {
		report_add(p, "recursion", 0, "%d of %d (sys.getrecursionlimit())",
			   (int32_t)(limit - left), (int32_t)limit);
		return;
	}
	depth = small_number(p, state->addr, F_TS_RECURSION_DEPTH, &has_left);
	limit = small_number(p, h->runtime.interpreters.data[state->interpreter].addr,
			     F_IS_RECURSION_LIMIT, &has_limit);
	if (!has_limit)
		limit = small_number(p, h->layout.symbols[SYM_PyRuntime], F_RT_RECURSION_LIMIT,
				     &has_limit);
	if (!has_limit && h->layout.symbols[SYM_RECURSION_LIMIT])
		has_limit = mem_read_u32(&p->s->target.mem, h->layout.symbols[SYM_RECURSION_LIMIT],
					 &limit) == 0;
	if (has_left && has_limit)
		report_add(p, "recursion", 0, "%d of %d (sys.getrecursionlimit())", (int32_t)depth,
			   (int32_t)limit);
}

static int add_thread(struct report *p, const struct thread *t, struct ccore_error *err)
{
	const struct py_thread *state = thread_state(&p->s->heap, t);
	const struct os_thread *os = thread_os(&p->s->heap, t);
	struct strbuf name = {0};
	struct thread_state st;
	struct stack stack;

	TRY(thread_state_find(&st, &p->s->heap, t, p->unwinder, err));
	thread_text(p->s, t, &name);
	report_add(p, "thread", state ? state->addr : 0, "%s", name.failed ? "?" : name.data);
	strbuf_done(&name);
	if (st.state)
		report_add(p, "state", 0, "%s%s%s%s", st.state, st.detail ? " " : "",
			   st.detail ? st.detail : "",
			   st.gil && strcmp(st.gil, "holds") == 0 ? ", holds the GIL" : "");
	if (os) {
		add_native(p, os, err);
		report_fatal(p, os, err);
	}
	TRY(thread_stack(&p->s->heap, t, &stack, err));
	report_add_frames(p, &stack);
	if (!stack.frames.n)
		report_add(p, "python", 0,
			   stack_frames_are_known(&p->s->heap.layout)
				   ? "the thread runs no Python code"
				   : "not known: the layout has no table of frames");
	stack_done(&stack);
	if (state)
		add_recursion(p, state);
	return 0;
}

// -- what to ask next

void report_add_next(struct report *p, const char *command, const char *what)
{
	const struct target *t = &p->s->target;
	struct strbuf where = {0};
	const char *space = strchr(command, ' ');
	const uint64_t n = space ? (uint64_t)(space - command) : strlen(command);

	if (t->path)
		strbuf_puts(&where, t->path);
	else if (t->pid)
		strbuf_printf(&where, "%" PRId64, t->pid);
	else
		strbuf_puts(&where, "TARGET");
	report_add(p, "next", 0, "necropy %.*s %s%s  (gdb: pm %s)  # %s", (int)n, command,
		   where.failed ? "" : where.data, command + n, command, what);
	strbuf_done(&where);
}

static void add_next_commands(struct report *p)
{
	const struct thread *t = p->threads.all.n ? &p->threads.all.data[0] : NULL;
	char command[96];

	if (t && thread_tid(&p->s->heap, t))
		(void)snprintf(command, sizeof(command), "bt %" PRId64 " --locals",
			       thread_tid(&p->s->heap, t)); // fits any number
	else
		(void)snprintf(command, sizeof(command), "bt --locals"); // fits
	report_add_next(p, command, "with the variables of each frame");
	report_add_next(p, "threads", "what the others were doing");
	report_add_next(p, "types", "what the memory was full of");
}

static int add_all(struct report *p, struct ccore_error *err)
{
	TRY(report_signal(p, err));
	if (p->threads.all.n)
		TRY(add_thread(p, &p->threads.all.data[0], err));
	TRY(report_exceptions(p, err));
	add_next_commands(p);
	return 0;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct report p = {.s = s, .r = r, .exceptions_left = EXCEPTIONS_SHOWN};
	const bool is_hang = strcmp(a->argument, "hang") == 0;
	int status;

	if (!is_hang && strcmp(a->argument, "crash") != 0)
		return err_set(err, CCORE_EUSAGE, 0, "no report '%.60s': there are crash and hang",
			       a->argument);
	TRY(threads_find(&p.threads, &s->heap, err));
	if (unwinder_open(&p.unwinder, &s->target, NULL) < 0)
		p.unwinder = NULL; // then native functions are missing
	source_text_init(&p.source, &s->target);
	r->table.style = TABLE_PAIRS;
	r->table.noun = "rows";
	p.key = table_column(&r->table, "key", "", CCORE_STR, 0);
	p.value = table_column(&r->table, "value", "", CCORE_STR, 0);
	p.addr = table_column(&r->table, "addr", "", CCORE_ADDR, COLUMN_NULLABLE | COLUMN_HIDDEN);
	status = is_hang ? report_hang(&p, err) : add_all(&p, err);
	source_text_done(&p.source);
	unwinder_close(p.unwinder);
	threads_done(&p.threads);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "crash: why it died; hang: which threads wait for whom",
	.argument = "crash|hang",
	.is_whole = true,
	.details =
		"crash: the signal, who sent it, what lies at the address it is about, registers "
		"that hold objects or freed blocks, the thread that got it with its Python stack, "
		"the exceptions that threads were raising or handling "
		"with their causes and tracebacks, those that could not be raised, the depth of "
		"recursion. hang: what each thread waits for, and who has it, or else whose "
		"variables refer to it; threads that wait for each other, with their stacks; those "
		"that can not go on for another reason; who holds the GIL. ~ marks who seems to "
		"have a lock that does not note it: it is in a with statement or a function that "
		"has acquired it. Both end with commands to go on with, and show all rows unless "
		"-n is given.",
	.example = "report crash\n"
		   "signal         SIGABRT (Aborted)\n"
		   "thread         Thread 22612, crashed: Aborted\n"
		   "state          runs native code, holds the GIL\n"
		   "native         pthread_kill < raise < abort < os_abort < cfunction_vectorcall\n"
		   "#0             main  /srv/leaky_app.py:131  os.abort()\n"
		   "#1             <module>  /srv/leaky_app.py:145  main()\n"
		   "recursion      2 of 1000 (sys.getrecursionlimit())\n"
		   "next           necropy bt core.22612 22612 --locals  (gdb: pm bt 22612 …)\n",
	.run = run,
};
