// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "command/facts.h"

#include <inttypes.h>

struct show {
	struct session *s;
	struct table *t;
	uint32_t id;
	uint64_t key, value, addr;
	uint64_t limit;
};

static void add(struct show *w, const char *key, addr_t addr, const char *value)
{
	const uint64_t row = table_row(w->t);

	table_set_str(w->t, row, w->key, key);
	table_set_str(w->t, row, w->value, value);
	table_set_u64(w->t, row, w->addr, addr ? addr : TABLE_UNKNOWN);
}

static void add_number(struct show *w, const char *key, uint64_t n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, n); // 20 digits at most
	add(w, key, 0, text);
}

static const char *gc_state(unsigned flags)
{
	return flags & NODE_GC		? "tracked"
	       : flags & NODE_PERMANENT ? "in the permanent generation"
	       : flags & NODE_IN_FLIGHT ? "on the lists of a running collection"
					: "not tracked";
}

static void add_refcount(struct show *w, const struct py_object *o, const struct residue *residue)
{
	const int32_t held = residue->of[w->id];
	bool immortal;
	const uint64_t refcount = py_refcount(heap_reader(&w->s->heap), o, &immortal);

	if (immortal)
		add(w, "refcount", 0, "immortal");
	else
		add_number(w, "refcount", refcount);
	if (held == RESIDUE_NONE)
		return;
	add_number(w, "references found", residue->counted.known[w->id]);
	if (held >= 0)
		add_number(w, "held from C", (uint64_t)held);
	else
		add(w, "held from C", 0, "none: more were found than it counts");
}

static void add_header(struct show *w, const struct residue *residue)
{
	struct heap *h = &w->s->heap;
	struct py_reader *r = heap_reader(h);
	struct strbuf text = {0};
	struct py_object o;
	bool estimated;
	uint64_t size;

	if (!py_object_open(r, h->node_addr[w->id], &o))
		return;
	size = py_sizeof(r, &o, &estimated);
	add(w, "type", o.type->addr, heap_node_type(h, w->id)->name);
	node_repr_text(w->s, w->id, &text);
	add(w, "repr", o.addr, text.failed ? "" : text.data);
	add_refcount(w, &o, residue);
	add_number(w, estimated ? "size (estimate)" : "size", size);
	add(w, "gc", 0, gc_state(h->node_flags[w->id]));
	strbuf_done(&text);
}

static void add_fact(void *ctx, const char *key, const char *value)
{
	add(ctx, key, 0, value);
}

static void add_reference(struct show *w, uint32_t from, const struct edge *e)
{
	struct strbuf label = {0}, repr = {0};

	references_label(&w->s->heap, from, e, &label);
	if (e->kind != EDGE_VISIT)
		strbuf_printf(&label, " (%s)", edge_kind_name(e->kind));
	py_repr(heap_reader(&w->s->heap), e->to, &repr);
	if (label.failed || repr.failed)
		w->t->failed = true;
	else
		add(w, label.data + (*label.data == ' '), e->to, repr.data);
	strbuf_done(&label);
	strbuf_done(&repr);
}

static void add_attribute(struct show *w, const struct dict_item *item)
{
	struct strbuf label = {0}, repr = {0};

	strbuf_putc(&label, '.');
	if (text_append(heap_reader(&w->s->heap), item->key, LIM_NAME_BYTES, &label, NULL)) {
		py_repr(heap_reader(&w->s->heap), item->value, &repr);
		if (!label.failed && !repr.failed)
			add(w, label.data, item->value, repr.data);
	}
	strbuf_done(&label);
	strbuf_done(&repr);
}

static void add_attributes(struct show *w, addr_t dict)
{
	struct dict_iter it;
	struct dict_item item;

	if (dict_iter_init_at(&it, heap_reader(&w->s->heap), dict))
		while (w->t->row_n < w->limit && dict_iter_next(&it, &item))
			add_attribute(w, &item);
}

static bool is_dict_edge(const struct edge *e)
{
	return e->label == LABEL_TEXT && strcmp((const char *)(uintptr_t)e->word, ".__dict__") == 0;
}

static bool take_edge(void *ctx, const struct edge *e)
{
	struct show *w = ctx;

	// A dict's keys are seen in the labels of its values.
	if (e->kind == EDGE_GUESS || e->label == LABEL_KEY_ITSELF)
		return true;
	// What is not shown is counted: a container may have millions.
	if (w->t->row_n < w->limit)
		add_reference(w, w->id, e);
	else
		(void)table_row(w->t);
	if (is_dict_edge(e))
		add_attributes(w, e->to);
	return true;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct show w = {.s = s, .t = &r->table, .limit = a->limit};
	const struct residue *residue;

	TRY(session_node(s, a->argument, &w.id, err));
	TRY(session_residue(s, &residue, err));
	w.key = table_column(&r->table, "key", "", CCORE_STR, 0);
	w.addr = table_column(&r->table, "addr", "", CCORE_ADDR, COLUMN_NULLABLE);
	w.value = table_column(&r->table, "value", "", CCORE_STR, 0);
	r->table.noun = "rows";
	add_header(&w, residue);
	facts_each(s, w.id, add_fact, &w);
	references_each(&s->heap, w.id, take_edge, &w);
	return 0;
}

const struct command command_show = {
	.name = "show",
	.summary = "one object: type, refcount, size, attributes, items",
	.argument = "ADDR",
	.details = "Shows what the object holds, each reference under the name a program would use "
		   "for it; and what else there is to say: where a function or frame is defined, "
		   "the state of a generator, the length of a container, the content of a text. Of "
		   "its own references, says how many were found in objects and roots; those left "
		   "over are held from C.",
	.example = "show 0x7f99cc144b50 -n 8\n"
		   "key               addr            value\n"
		   "type              0x3d3bb050      __main__.DB\n"
		   "repr              0x7f99cc144b50  <__main__.DB path='test-20.db'>\n"
		   "refcount          -               2\n"
		   "references found  -               2\n"
		   "held from C       -               0\n"
		   "size              -               56\n"
		   "gc                -               tracked\n"
		   ".path             0x7f99cc144af0  'test-20.db'\n"
		   "… 2 more rows\n",
	.run = run,
};
