// SPDX-License-Identifier: GPL-2.0-or-later
// refs and backrefs: one step along the references, either way.
#include "command/session.h"

struct listing {
	struct session *s;
	struct table *t;
	uint64_t limit;
	addr_t wanted; // of backrefs: the object referred to
	uint32_t from; // the node whose references are listed
	uint64_t addr, type, kind, label, repr;
};

static void add_columns(struct listing *w)
{
	w->label = table_column(w->t, "label", "", CCORE_STR, 0);
	w->addr = table_column(w->t, "addr", "", CCORE_ADDR, 0);
	w->type = table_column(w->t, "type", "", CCORE_STR, 0);
	w->kind = table_column(w->t, "kind", "", CCORE_STR, 0);
	w->repr = table_column(w->t, "repr", "", CCORE_STR, 0);
	w->t->noun = "references";
}

// A reference by `e` from w->from; what is shown is the object at the other end of it.
static void add_reference(struct listing *w, const struct edge *e, addr_t other)
{
	const uint64_t row = table_row(w->t);
	struct strbuf text = {0};
	uint32_t id;

	table_set_u64(w->t, row, w->addr, other);
	table_set_str(w->t, row, w->kind, edge_kind_name(e->kind));
	if (row >= w->limit)
		return;
	if (e->kind == EDGE_GUESS)
		strbuf_putc(&text, '~');
	references_label(&w->s->heap, w->from, e, &text);
	w->t->failed |= text.failed;
	if (text.n)
		table_set_str(w->t, row, w->label, text.data + (text.data[0] == ' '));
	strbuf_done(&text);
	id = w->from;
	if (other != node_address(w->s, w->from) && !heap_node(&w->s->heap, other, &id))
		return;
	table_set_text(w->t, row, w->type, w->s, id, node_type_text);
	table_set_text(w->t, row, w->repr, w->s, id, node_repr_text);
}

static bool add_forward(void *ctx, const struct edge *e)
{
	struct listing *w = ctx;
	uint32_t id;

	// A guess is worth showing when it leads to an object.
	if (e->kind != EDGE_GUESS || heap_node(&w->s->heap, e->to, &id))
		add_reference(w, e, e->to);
	return true;
}

static int run_refs(struct session *s, const struct args *a, struct ccore_result *r,
		    struct ccore_error *err)
{
	struct listing w = {.s = s, .t = &r->table, .limit = a->limit};

	TRY(session_node(s, a->argument, &w.from, err));
	add_columns(&w);
	references_each(&s->heap, w.from, add_forward, &w);
	return 0;
}

static bool add_backward(void *ctx, const struct edge *e)
{
	struct listing *w = ctx;

	if (e->to == w->wanted && e->kind != EDGE_WEAK && e->kind != EDGE_BORROWED)
		add_reference(w, e, node_address(w->s, w->from));
	return true;
}

static int run_backrefs(struct session *s, const struct args *a, struct ccore_result *r,
			struct ccore_error *err)
{
	struct listing w = {.s = s, .t = &r->table, .limit = a->limit};
	const struct residue *residue;
	struct graph *g;
	uint32_t id, before = UINT32_MAX;

	TRY(session_node(s, a->argument, &id, err));
	TRY(session_graph(s, &g, err));
	TRY(session_residue(s, &residue, err));
	add_columns(&w);
	w.wanted = node_address(s, id);
	for (uint64_t e = g->in_first[id]; e < g->in_first[id + 1]; e++) {
		w.from = g->in[e] & ~GRAPH_GUESS;
		// All references of one object stand together, and are listed by one visit.
		if (w.from != before && !session_is_leftover(s, w.from, id))
			references_each(&s->heap, w.from, add_backward, &w);
		before = w.from;
		TRY(progress_poll(&s->progress, "reading referrers", e - g->in_first[id], 0, err));
	}
	return 0;
}

const struct command command_refs = {
	.name = "refs",
	.summary = "what an object refers to, with the names of the references",
	.argument = "ADDR",
	.details =
		"Kinds: visit is what gc.get_referents() returns; own is held, but not shown to "
		"the "
		"collector; weak and borrowed keep nothing alive; guess (~) is a word that looks "
		"like a reference.",
	.example = "refs 0x7f99cc144b50\n"
		   "label       addr            type  kind   repr\n"
		   ".path       0x7f99cc144af0  str   visit  'test-20.db'\n"
		   ".tables     0x7f99cc144bc0  dict  visit  {'customers': <__main__.Table …>, …}\n"
		   ".__class__  0x3d3bb050      type  visit  <class '__main__.DB'>\n",
	.run = run_refs,
};

const struct command command_backrefs = {
	.name = "backrefs",
	.summary = "what refers to an object, with the names of the references",
	.argument = "ADDR",
	.details = "Weak references are left out. label is the name that the referrer has for the "
		   "object.",
	.example =
		"backrefs 0x7f99cc144b50\n"
		"label       addr            type   kind   repr\n"
		"local self  0x7f99cc319ee0  frame  visit  <frame of DB.find in leaky_app.py>\n"
		"local db    0x7f99cc384790  frame  visit  <frame of one_test in leaky_app.py>\n",
	.run = run_backrefs,
};
