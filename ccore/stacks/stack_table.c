// SPDX-License-Identifier: GPL-2.0-or-later
#include "stacks/stack_table.h"
#include "util/parse.h"

#include <inttypes.h>

// Variables of one frame in a list of frames. `locals` shows all.
#define LOCALS_SHOWN 40u

// -- threads by name

static bool is_called(struct session *s, const struct thread *t, const char *text)
{
	const struct py_thread *state = thread_state(&s->heap, t);
	struct strbuf name = {0};
	addr_t number;
	bool same;

	if (parse_addr(text, &number))
		return (int64_t)number == thread_tid(&s->heap, t) ||
		       (state && (number == state->thread_id || number == state->addr));
	same = thread_name(&s->heap, t, &name) && !name.failed && strcmp(name.data, text) == 0;
	strbuf_done(&name);
	return same;
}

int threads_choose(struct session *s, const struct threads *all, const char *text, uint64_t *ret,
		   struct ccore_error *err)
{
	struct strbuf known = {0};

	for (uint64_t i = 0; i < all->all.n; i++) {
		if (is_called(s, &all->all.data[i], text)) {
			*ret = i;
			return 0;
		}
	}
	for (uint64_t i = 0; i < all->all.n && i < 5; i++) {
		strbuf_puts(&known, i ? "; " : "");
		thread_text(s, &all->all.data[i], &known);
	}
	(void)err_set(err, CCORE_ENOTFOUND, 0, "no thread %.60s; there are %s%s", text,
		      known.failed || !known.n ? "none" : known.data,
		      all->all.n > 5 ? " and more (see threads)" : "");
	strbuf_done(&known);
	return CCORE_ENOTFOUND;
}

void thread_text(struct session *s, const struct thread *t, struct strbuf *out)
{
	const struct py_thread *state = thread_state(&s->heap, t);
	const struct os_thread *os = thread_os(&s->heap, t);
	struct strbuf name = {0};

	if (thread_tid(&s->heap, t))
		strbuf_printf(out, "Thread %" PRId64, thread_tid(&s->heap, t));
	else
		strbuf_printf(out, "Thread 0x%" PRIx64, state ? state->thread_id : 0);
	if (thread_name(&s->heap, t, &name) && !name.failed)
		strbuf_printf(out, " \"%s\"", name.data);
	strbuf_done(&name);
	if (t->crashed && os)
		strbuf_printf(out, ", crashed: %s", strsignal(s->target.signal));
	if (!os && s->target.threads.n && !s->target.notes_lost)
		strbuf_puts(out, ", has ended");
	if (state && s->heap.runtime.interpreters.data[state->interpreter].id)
		strbuf_printf(out, ", interpreter %" PRId64,
			      s->heap.runtime.interpreters.data[state->interpreter].id);
}

// -- frames

void stack_table_init(struct stack_table *w, struct session *s, struct table *t, bool with_locals)
{
	const unsigned maybe = COLUMN_NULLABLE;

	*w = (struct stack_table){.s = s, .t = t, .with_locals = with_locals};
	w->with_source = !s->heap.py.redact;
	source_text_init(&w->source, &s->target);
	t->style = TABLE_STACK;
	t->noun = "frames";
	w->thread = table_column(t, "thread", "", CCORE_U64, maybe);
	w->tid = table_column(t, "tid", "", CCORE_U64, maybe);
	w->depth = table_column(t, "depth", "", CCORE_U64, maybe);
	w->function = table_column(t, "function", "", CCORE_STR, 0);
	w->file = table_column(t, "file", "", CCORE_STR, 0);
	w->line = table_column(t, "line", "", CCORE_U64, maybe);
	w->end_line = table_column(t, "end_line", "", CCORE_U64, maybe);
	w->column = table_column(t, "column", "", CCORE_U64, maybe);
	w->end_column = table_column(t, "end_column", "", CCORE_U64, maybe);
	w->native = table_column(t, "native", "", CCORE_U64, COLUMN_BOOL);
	w->source_line = table_column(t, "source", "", CCORE_STR, 0);
	w->source_changed = table_column(t, "source_changed", "", CCORE_U64, COLUMN_BOOL);
	w->locals = table_column(t, "locals", "", CCORE_STR, COLUMN_PAIRS);
	w->addr = table_column(t, "addr", "", CCORE_ADDR, maybe);
	w->heading = table_column(t, "heading", "", CCORE_STR, 0);
	w->more = table_column(t, "more", "", CCORE_U64, 0);
	w->mark = table_column(t, "mark", "", CCORE_STR, 0);
	w->entry = table_column(t, "entry", "", CCORE_U64, COLUMN_BOOL | maybe);
}

struct lines {
	struct py_reader *r;
	struct strbuf *out;
	uint64_t n, max;
};

static bool add_line(void *ctx, addr_t name, addr_t value)
{
	struct lines *l = ctx;

	if (l->n++ == l->max) {
		strbuf_puts(l->out, "… = more\n");
		return false;
	}
	if (!text_append(l->r, name, LIM_NAME_BYTES, l->out, NULL))
		strbuf_putc(l->out, '?');
	strbuf_puts(l->out, " = ");
	py_repr(l->r, value, l->out);
	strbuf_putc(l->out, '\n');
	return true;
}

void locals_text(struct session *s, const struct stack_frame *f, uint64_t max, struct strbuf *out)
{
	struct lines l = {.r = heap_reader(&s->heap), .out = out, .max = max};

	l.r->repr = REPR_DEEP;
	frame_locals_each(l.r, f, add_line, &l);
	l.r->repr = REPR_SHORT;
}

static uint64_t known(int32_t x)
{
	return x < 0 ? TABLE_UNKNOWN : (uint64_t)x;
}

static void set_position(struct stack_table *w, uint64_t row, const struct stack_frame *f,
			 struct code_position *ret)
{
	stack_frame_position(heap_reader(&w->s->heap), f, ret);
	table_set_u64(w->t, row, w->line, known(ret->line));
	table_set_u64(w->t, row, w->end_line, known(ret->end_line));
	table_set_u64(w->t, row, w->column, known(ret->column));
	table_set_u64(w->t, row, w->end_column, known(ret->end_column));
}

static void set_source(struct stack_table *w, uint64_t row, const char *file, int32_t line)
{
	struct strbuf text = {0};
	const char *p;
	uint64_t n;

	p = w->with_source ? source_text_line(&w->source, file, line, &n) : NULL;
	if (!p)
		return;
	strbuf_add(&text, p, u64_min(n, LIM_NAME_BYTES));
	strbuf_putc(&text, '\0'); // a line of no characters is text, too
	if (text.failed)
		w->t->failed = true;
	else
		table_set_str(w->t, row, w->source_line, text.data);
	strbuf_done(&text);
	table_set_u64(w->t, row, w->source_changed, w->source.changed);
	if (w->source.changed && !w->changed)
		w->changed = arena_strdup(&w->t->arena, file);
}

static void set_locals(struct stack_table *w, uint64_t row, const struct stack_frame *f)
{
	struct strbuf text = {0};

	locals_text(w->s, f, LOCALS_SHOWN, &text);
	w->t->failed |= text.failed;
	table_set_str(w->t, row, w->locals, text.n && !text.failed ? text.data : "");
	strbuf_done(&text);
}

static const char *mark_text(enum frame_mark mark)
{
	return mark == FRAME_DAMAGED ? "damaged" : mark == FRAME_RECOVERED ? "recovered" : NULL;
}

void stack_table_add(struct stack_table *w, const struct thread *t, const struct stack_frame *f,
		     uint64_t depth, const char *heading)
{
	const struct py_thread *state = t ? thread_state(&w->s->heap, t) : NULL;
	const int64_t tid = t ? thread_tid(&w->s->heap, t) : 0;
	struct py_reader *r = heap_reader(&w->s->heap);
	struct strbuf function = {0}, file = {0};
	const uint64_t row = table_row(w->t);
	struct code_position at;

	table_set_u64(w->t, row, w->thread, state ? state->thread_id : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->tid, tid ? (uint64_t)tid : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->depth, depth);
	table_set_u64(w->t, row, w->addr, f->addr);
	table_set_str(w->t, row, w->heading, heading);
	table_set_str(w->t, row, w->mark, mark_text(f->mark));
	table_set_u64(w->t, row, w->entry, f->is_entry);
	set_position(w, row, f, &at);
	code_name(r, f->code, &function);
	w->t->failed |= function.failed;
	table_set_str(w->t, row, w->function, function.failed ? NULL : function.data);
	if (code_file(r, f->code, &file) && !file.failed && file.n) {
		table_set_str(w->t, row, w->file, file.data);
		set_source(w, row, file.data, at.line);
	}
	if (w->with_locals)
		set_locals(w, row, f);
	strbuf_done(&function);
	strbuf_done(&file);
}

void stack_table_add_native(struct stack_table *w, const struct thread *t,
			    const struct native_frame *f, uint64_t depth, const char *heading)
{
	const uint64_t unknown[] = {w->line, w->end_line, w->column, w->end_column, w->entry};
	const struct py_thread *state = thread_state(&w->s->heap, t);
	const int64_t tid = thread_tid(&w->s->heap, t);
	const uint64_t row = table_row(w->t);
	char pc[32];

	(void)snprintf(pc, sizeof(pc), "0x%" PRIx64, f->pc); // fits any address
	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		table_set_u64(w->t, row, unknown[i], TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->thread, state ? state->thread_id : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->tid, tid ? (uint64_t)tid : TABLE_UNKNOWN);
	table_set_u64(w->t, row, w->depth, depth);
	table_set_u64(w->t, row, w->native, 1);
	table_set_u64(w->t, row, w->addr, f->pc);
	table_set_str(w->t, row, w->function, f->function ? f->function : pc);
	table_set_str(w->t, row, w->file, f->module);
	table_set_str(w->t, row, w->heading, heading);
}

void stack_table_add_heading(struct stack_table *w, const char *heading)
{
	const uint64_t unknown[] = {w->thread, w->tid,	      w->depth, w->line, w->end_line,
				    w->column, w->end_column, w->addr,	w->entry};
	const uint64_t row = table_row(w->t);

	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		table_set_u64(w->t, row, unknown[i], TABLE_UNKNOWN);
	table_set_str(w->t, row, w->heading, heading);
}

void stack_table_done(struct stack_table *w, struct ccore_result *r)
{
	source_text_done(&w->source);
	if (w->changed)
		result_note(r, "%s has changed since: lines marked ~ may not be those that ran",
			    w->changed);
}
