// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/facts.h"
#include "py/attribute.h"

#include <inttypes.h>

// Characters of a text shown as its content.
#define CONTENT_CHARACTERS 2000u

struct facts {
	struct session *s;
	struct py_reader *r;
	fact_fn fn;
	void *ctx;
};

static void give(struct facts *f, const char *key, struct strbuf *value)
{
	if (value->n && !value->failed)
		f->fn(f->ctx, key, value->data);
	strbuf_done(value);
}

static void give_number(struct facts *f, const char *key, uint64_t n)
{
	struct strbuf text = {0};

	strbuf_printf(&text, "%" PRIu64, n);
	give(f, key, &text);
}

// "app.py:12"; without a line when it is 0.
static void give_place(struct facts *f, const char *key, addr_t code, int64_t line)
{
	struct strbuf text = {0};

	if (code && code_file(f->r, code, &text) && line > 0)
		strbuf_printf(&text, ":%" PRId64, line);
	give(f, key, &text);
}

static void give_definition(struct facts *f, addr_t code)
{
	give_place(f, "defined at", code, (int64_t)code_first_line(f->r, code));
}

static void give_function_name(struct facts *f, addr_t code)
{
	struct strbuf text = {0};

	code_name(f->r, code, &text);
	give(f, "in function", &text);
}

static void facts_of_function(struct facts *f, const struct py_object *o)
{
	give_definition(f, instance_attribute(f->r, o->addr, "__code__"));
}

static void facts_of_code(struct facts *f, const struct py_object *o)
{
	give_definition(f, o->addr);
}

static void facts_of_method(struct facts *f, const struct py_object *o)
{
	struct py_object function;

	if (py_object_open(f->r, object_u64(f->r, o, F_IM_FUNC), &function) &&
	    function.type->family == &family_function)
		facts_of_function(f, &function);
}

static void facts_of_frame(struct facts *f, const struct py_object *o)
{
	give_function_name(f, frame_code(f->r, o));
	give_definition(f, frame_code(f->r, o));
}

static void facts_of_generator(struct facts *f, const struct py_object *o)
{
	const char *state = generator_state(f->r, o);

	if (state)
		f->fn(f->ctx, "state", state);
	give_definition(f, generator_code(f->r, o));
}

static void facts_of_traceback(struct facts *f, const struct py_object *o)
{
	struct py_object frame;

	if (!py_object_open(f->r, object_u64(f->r, o, F_TB_FRAME), &frame) ||
	    frame.type->family != &family_frame)
		return;
	give_function_name(f, frame_code(f->r, &frame));
	give_place(f, "at", frame_code(f->r, &frame), field_i64(f->r->layout, F_TB_LINENO, o->p));
}

static void facts_of_module(struct facts *f, const struct py_object *o)
{
	const addr_t file = instance_attribute(f->r, o->addr, "__file__");
	struct strbuf text = {0};

	if (file && text_append(f->r, file, LIM_NAME_BYTES, &text, NULL))
		give(f, "file", &text);
	else
		strbuf_done(&text);
}

static void facts_of_type(struct facts *f, const struct py_object *o)
{
	const struct heap *h = &f->s->heap;
	uint64_t n = 0;

	for (uint64_t id = 0; id < h->node_n; id++)
		n += heap_node_type(h, id)->addr == o->addr && !(h->node_flags[id] & NODE_BAD);
	give_number(f, "instances", n);
}

static void facts_of_length(struct facts *f, const struct py_object *o)
{
	give_number(f, "length", py_var_size(f->r, o));
}

static void facts_of_dict(struct facts *f, const struct py_object *o)
{
	give_number(f, "length", object_u64(f->r, o, F_MA_USED));
}

static void facts_of_set(struct facts *f, const struct py_object *o)
{
	give_number(f, "length", object_u64(f->r, o, F_SET_USED));
}

static void facts_of_text(struct facts *f, const struct py_object *o)
{
	struct strbuf text = {0};
	bool cut = false;

	if (f->r->py->redact || !text_append(f->r, o->addr, CONTENT_CHARACTERS, &text, &cut)) {
		strbuf_done(&text);
		return;
	}
	strbuf_puts(&text, cut ? "…" : "");
	give(f, "content", &text);
}

static void facts_of_bytes(struct facts *f, const struct py_object *o)
{
	struct strbuf text = {0};
	bool cut = false;

	facts_of_length(f, o);
	if (f->r->py->redact || !bytes_append(f->r, o, CONTENT_CHARACTERS, &text, &cut)) {
		strbuf_done(&text);
		return;
	}
	strbuf_puts(&text, cut ? "…" : "");
	give(f, "content", &text);
}

void facts_each(struct session *s, uint32_t id, fact_fn fn, void *ctx)
{
	static const struct {
		const struct py_family *family;
		void (*facts)(struct facts *f, const struct py_object *o);
	} by_family[] = {
		{&family_function, facts_of_function},
		{&family_code, facts_of_code},
		{&family_method, facts_of_method},
		{&family_frame, facts_of_frame},
		{&family_generator, facts_of_generator},
		{&family_traceback, facts_of_traceback},
		{&family_module, facts_of_module},
		{&family_type, facts_of_type},
		{&family_list, facts_of_length},
		{&family_tuple, facts_of_length},
		{&family_bytearray, facts_of_length},
		{&family_dict, facts_of_dict},
		{&family_set, facts_of_set},
		{&family_str, facts_of_text},
		{&family_str27, facts_of_text},
		{&family_unicode27, facts_of_text},
		{&family_bytes, facts_of_bytes},
	};
	struct facts f = {.s = s, .r = heap_reader(&s->heap), .fn = fn, .ctx = ctx};
	struct py_object o;

	if (!py_object_open(f.r, s->heap.node_addr[id], &o))
		return;
	for (unsigned i = 0; i < sizeof(by_family) / sizeof(by_family[0]); i++)
		if (o.type->family == by_family[i].family)
			by_family[i].facts(&f, &o);
}
