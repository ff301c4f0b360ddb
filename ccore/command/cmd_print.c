// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "command/expression.h"
#include "py/attribute.h"
#include "stacks/frame_choice.h"
#include "util/near.h"

#include <inttypes.h>

struct evaluation {
	struct session *s;
	const char *text;
	const struct stack_frame *frame; // NULL: the expression begins with an address
	addr_t value;			 // so far
	bool of_class;			 // the last attribute is its class's
	struct ccore_error *err;
};

// -- names

// Names to choose near ones from, which live as long as `arena`.
struct offered {
	struct py_reader *r;
	struct near_names near;
	struct arena arena;
};

static bool offer(void *ctx, const char *name)
{
	struct offered *o = ctx;
	const char *copy = arena_strdup(&o->arena, name);

	if (copy)
		near_offer(&o->near, copy);
	return copy;
}

static bool offer_local(void *ctx, addr_t name, addr_t value)
{
	struct offered *o = ctx;
	struct strbuf text = {0};

	(void)value; // its name is what counts
	if (text_append(o->r, name, LIM_NAME_BYTES, &text, NULL) && !text.failed && text.data)
		(void)offer(o, text.data); // without memory there is no hint
	strbuf_done(&text);
	return true;
}

static int no_name(struct evaluation *e, const char *name)
{
	struct offered o = {.r = heap_reader(&e->s->heap), .near = {.wanted = name}};
	struct strbuf hint = {0}, function = {0};

	frame_locals_each(o.r, e->frame, offer_local, &o);
	near_describe(&o.near, &hint);
	code_name(o.r, e->frame->code, &function);
	(void)err_set(e->err, CCORE_ENOTFOUND, 0, "%s has no variable %.60s, nor has its module%s",
		      function.failed ? "?" : function.data, name, hint.n ? hint.data : "");
	strbuf_done(&hint);
	strbuf_done(&function);
	arena_done(&o.arena);
	return CCORE_ENOTFOUND;
}

// As Python looks names up: locals and cells, globals, builtins.
static int look_up(struct evaluation *e, const char *name)
{
	struct py_reader *r = heap_reader(&e->s->heap);

	e->value = frame_local(r, e->frame, name);
	if (!e->value)
		e->value = dict_lookup(r, e->frame->globals, name);
	if (!e->value)
		e->value = dict_lookup(r, e->frame->builtins, name);
	return e->value ? 0 : no_name(e, name);
}

// -- steps

static const char *type_name(struct evaluation *e)
{
	const struct py_type *type = py_type_of(heap_reader(&e->s->heap), e->value);

	return type ? type->name : "object";
}

static int no_attribute(struct evaluation *e, const struct step *step, uint64_t before)
{
	struct offered o = {.near = {.wanted = step->text}};
	struct strbuf hint = {0};

	attributes_each(heap_reader(&e->s->heap), e->value, offer, &o);
	near_describe(&o.near, &hint);
	(void)err_set(e->err, CCORE_ENOTFOUND, e->value, "%.*s, a %s, has no attribute %.60s%s",
		      (int)u64_min(before, 60), e->text, type_name(e), step->text,
		      hint.n ? hint.data : "");
	strbuf_done(&hint);
	arena_done(&o.arena);
	return CCORE_ENOTFOUND;
}

static int take_step(struct evaluation *e, const struct step *step, uint64_t before)
{
	struct py_reader *r = heap_reader(&e->s->heap);
	addr_t next = 0;

	e->of_class = false;
	switch (step->kind) {
	case STEP_NAME:
		return look_up(e, step->text);
	case STEP_ADDRESS:
		next = py_type_of(r, step->addr) ? step->addr : 0;
		break;
	case STEP_ATTRIBUTE:
		next = object_attribute(r, e->value, step->text, &e->of_class);
		if (!next)
			return no_attribute(e, step, before);
		break;
	case STEP_INDEX:
		next = object_item(r, e->value, step->index);
		break;
	case STEP_KEY:
		next = object_value(r, e->value, step->text);
		break;
	}
	if (!next && step->kind == STEP_ADDRESS)
		return err_set(e->err, CCORE_ENOTFOUND, step->addr, "no object at 0x%" PRIx64,
			       step->addr);
	if (!next)
		return err_set(e->err, CCORE_ENOTFOUND, e->value, "%.*s, a %s, has no %.*s",
			       (int)u64_min(before, 60), e->text, type_name(e),
			       (int)u64_min(step->end - before, 60), e->text + before);
	e->value = next;
	return 0;
}

static int evaluate(struct evaluation *e, const struct expression *x)
{
	uint64_t before = 0;

	for (uint64_t i = 0; i < x->steps.n; i++) {
		TRY(take_step(e, &x->steps.data[i], before));
		before = x->steps.data[i].end;
	}
	return 0;
}

static int find(struct session *s, const struct args *a, struct evaluation *e)
{
	struct stack_frame frame = {0};
	struct expression x;
	uint64_t number;
	int status;

	e->s = s;
	e->text = a->argument;
	TRY(args_u64(a, "--frame", &number, e->err));
	TRY(expression_parse(a->argument, &x, e->err));
	status = x.steps.data[0].kind == STEP_NAME
			 ? frame_choose(s, args_str(a, "--thread"), number, &frame, e->err)
			 : 0;
	e->frame = &frame;
	if (status == 0)
		status = evaluate(e, &x);
	expression_done(&x);
	e->frame = NULL;
	return status;
}

static bool is_descriptor(const char *type)
{
	return name_in_list(type, "property|member_descriptor|getset_descriptor|"
				  "functools.cached_property|classmethod|staticmethod");
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct py_reader *reader = heap_reader(&s->heap);
	struct evaluation e = {.err = err};
	struct table *t = &r->table;
	struct strbuf text = {0};
	uint64_t row, type, addr, repr;

	TRY(find(s, a, &e));
	t->style = TABLE_VALUE;
	type = table_column(t, "type", "", CCORE_STR, 0);
	addr = table_column(t, "addr", "", CCORE_ADDR, 0);
	repr = table_column(t, "repr", "", CCORE_STR, 0);
	row = table_row(t);
	table_set_u64(t, row, addr, e.value);
	if (py_type_of(reader, e.value))
		table_set_str(t, row, type,
			      py_counted_type(reader, py_type_of(reader, e.value), e.value)->name);
	reader->repr = REPR_DEEP;
	py_repr(reader, e.value, &text);
	reader->repr = REPR_SHORT;
	t->failed |= text.failed;
	table_set_str(t, row, repr, text.failed ? NULL : text.data);
	strbuf_done(&text);
	if (e.of_class && is_descriptor(type_name(&e)))
		result_note(r,
			    "a %s of the class: what it would return is not known, no code is run",
			    type_name(&e));
	return 0;
}

const struct command command_print = {
	.name = "print",
	.summary = "the value of a name, its attributes, indices and keys",
	.argument = "EXPR",
	.details =
		"EXPR is a name or an address, then attributes, indices and keys. Names are looked "
		"up as Python does it: the frame's variables, its module's, builtins. Nothing is "
		"run: a property is shown as one. Without --thread the one that crashed.",
	.example = "print db.tables['customers'].rows[0] --frame 1\n"
		   "<__main__.Row id=0 name='row 0'>\n",
	.params =
		{
			{"--thread", "THREAD", NULL, NULL, "whose variables"},
			{"--frame", "N", NULL, "0", "of which of its frames"},
		},
	.run = run,
};
