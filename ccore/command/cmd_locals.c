// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "stacks/frame_choice.h"

struct listing {
	struct session *s;
	struct table *t;
	uint64_t limit, name, type, addr, value;
};

static void set_text(struct listing *w, uint64_t row, uint64_t column, struct strbuf *text)
{
	w->t->failed |= text->failed;
	table_set_str(w->t, row, column, text->failed || !text->n ? "?" : text->data);
	strbuf_done(text);
}

static bool add_local(void *ctx, addr_t name, addr_t value)
{
	struct listing *w = ctx;
	struct py_reader *r = heap_reader(&w->s->heap);
	const struct py_type *type = py_type_of(r, value);
	struct strbuf text = {0}, repr = {0};
	uint64_t row;

	if (w->t->row_n >= w->limit) {
		w->t->left_out++;
		return true;
	}
	row = table_row(w->t);
	if (!text_append(r, name, LIM_NAME_BYTES, &text, NULL))
		text.n = 0;
	set_text(w, row, w->name, &text);
	table_set_str(w->t, row, w->type, type ? py_counted_type(r, type, value)->name : NULL);
	table_set_u64(w->t, row, w->addr, value);
	py_repr(r, value, &repr);
	set_text(w, row, w->value, &repr);
	return true;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct listing w = {.s = s, .t = &r->table, .limit = a->limit};
	struct py_reader *reader = heap_reader(&s->heap);
	struct strbuf function = {0};
	struct stack_frame f;
	uint64_t frame;

	TRY(args_u64(a, "--frame", &frame, err));
	TRY(frame_choose(s, a->argument, frame, &f, err));
	w.name = table_column(w.t, "name", "", CCORE_STR, 0);
	w.type = table_column(w.t, "type", "", CCORE_STR, 0);
	w.addr = table_column(w.t, "addr", "", CCORE_ADDR, 0);
	w.value = table_column(w.t, "repr", "", CCORE_STR, 0);
	w.t->noun = "variables";
	reader->repr = REPR_DEEP;
	frame_locals_each(reader, &f, add_local, &w);
	reader->repr = REPR_SHORT;
	code_name(reader, f.code, &function);
	result_note(r, "variables of %s", function.failed ? "?" : function.data);
	strbuf_done(&function);
	return 0;
}

const struct command command_locals = {
	.name = "locals",
	.summary = "variables of one frame, with what they hold some levels deep",
	.argument = "[THREAD]",
	.details = "Without THREAD the one that crashed. Frames are numbered as bt does it: 0 is "
		   "the innermost.",
	.example =
		"locals --frame 1\n"
		"name  type          addr            repr\n"
		"db    __main__.DB   0x7f99cc144b50  <__main__.DB path='test-20.db' tables={…}>\n"
		"n     int           0x955a48        20\n"
		"note: variables of one_test\n",
	.params =
		{
			{"--frame", "N", NULL, "0", "which frame of the thread"},
		},
	.run = run,
};
