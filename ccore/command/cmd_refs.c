// SPDX-License-Identifier: GPL-2.0-or-later
// refs and backrefs: one step along the references, either way.
#include "command/command.h"
#include "session/session.h"

struct listing {
	struct session *s;
	struct table *t;
	uint64_t limit;
	addr_t wanted; // of backrefs: the object referred to
	uint32_t from; // the node whose references are listed
	bool weak;     // weak and borrowed references, too
	uint64_t addr, type, kind, label, repr, source;
};

static void add_columns(struct listing *w)
{
	w->label = table_column(w->t, "label", "", CCORE_STR, 0);
	w->addr = table_column(w->t, "addr", "", CCORE_ADDR, 0);
	w->type = table_column(w->t, "type", "", CCORE_STR, 0);
	w->kind = table_column(w->t, "kind", "", CCORE_STR, 0);
	w->repr = table_column(w->t, "repr", "", CCORE_STR, 0);
	w->source = table_column(w->t, "source", "", CCORE_STR, COLUMN_HIDDEN);
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
	table_set_str(w->t, row, w->source, edge_source_name(e->source));
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

	if (e->to == w->wanted && (w->weak || (e->kind != EDGE_WEAK && e->kind != EDGE_BORROWED)))
		add_reference(w, e, node_address(w->s, w->from));
	return true;
}

static int add_referrers(struct listing *w, const struct graph *g, uint32_t id,
			 struct ccore_error *err)
{
	uint64_t n;
	const uint32_t *sources = graph_sources(g, id, &n);

	for (uint64_t i = 0; i < n; i++) {
		// All references of one object stand together, and are listed by one visit.
		if (!i || (sources[i] & ~GRAPH_GUESS) != w->from) {
			w->from = sources[i] & ~GRAPH_GUESS;
			if (!session_is_leftover(w->s, w->from, id))
				references_each(&w->s->heap, w->from, add_backward, w);
		}
		TRY(progress_poll(&w->s->progress, "reading referrers", i, n, err));
	}
	return 0;
}

// Without an index: the same, by looking at all objects. Weak references are in no index.
static int search_referrers(struct listing *w, uint32_t target, struct ccore_error *err)
{
	const struct heap *h = &w->s->heap;
	const uint64_t n = h->node_n + h->roots.all.n;

	for (uint64_t id = 0; id < n; id++) {
		w->from = (uint32_t)id;
		if (!session_is_leftover(w->s, w->from, target))
			references_each(&w->s->heap, w->from, add_backward, w);
		if (id % 1024 == 0)
			TRY(progress_report(&w->s->progress, "reading objects", id, n, err));
	}
	return 0;
}

static int run_backrefs(struct session *s, const struct args *a, struct ccore_result *r,
			struct ccore_error *err)
{
	struct listing w = {.s = s, .t = &r->table, .limit = a->limit};
	const struct residue *residue;
	struct graph *g;
	uint32_t id;
	int status;

	TRY(session_node(s, a->argument, &id, err));
	TRY(session_residue(s, &residue, err));
	w.wanted = node_address(s, id);
	add_columns(&w);
	w.weak = args_flag(a, "--weak");
	status = w.weak ? CCORE_ENOMEM : session_graph(s, &g, err);
	if (status == CCORE_ENOMEM)
		return search_referrers(&w, id, err);
	return status < 0 ? status : add_referrers(&w, g, id, err);
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
	.details = "label is the name that the referrer has for the object.",
	.example =
		"backrefs 0x7f99cc144b50\n"
		"label       addr            type   kind   repr\n"
		"local self  0x7f99cc319ee0  frame  visit  <frame of DB.find in leaky_app.py>\n"
		"local db    0x7f99cc384790  frame  visit  <frame of one_test in leaky_app.py>\n",
	.params =
		{
			{"--weak", NULL, NULL, NULL,
			 "also weak and borrowed references, which keep nothing alive"},
		},
	.run = run_backrefs,
};
