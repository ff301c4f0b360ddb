// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "command/condition_check.h"

#include <stdlib.h>

// What sorting and conditions need; the rest is read only for rows that are shown.
struct found {
	uint32_t id;
	uint64_t size, refcount;
	bool estimated;		  // the size
	enum unreachable_why why; // REACHABLE where it was not asked for
};

struct found_list {
	VEC(struct found) all;
};

static int largest_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int most_references_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->refcount != y->refcount)
		return x->refcount < y->refcount ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void measure(struct session *s, uint32_t id, struct found *ret)
{
	struct py_reader *r = heap_reader(&s->heap);
	struct py_object o;
	bool immortal;

	*ret = (struct found){.id = id};
	if (!py_object_open(r, s->heap.node_addr[id], &o))
		return;
	ret->size = py_sizeof(r, &o, &ret->estimated);
	ret->refcount = py_refcount(r, &o, &immortal);
	if (immortal)
		ret->refcount = TABLE_UNKNOWN;
}

struct conditions {
	struct condition all[ARGS_REPEATS_MAX];
	uint32_t n;
};

static void conditions_done(struct conditions *c)
{
	while (c->n)
		condition_done(&c->all[--c->n]);
}

static int parse_conditions(const struct session *s, const struct args *a, struct conditions *ret,
			    struct ccore_error *err)
{
	const char *text;

	ret->n = 0;
	for (uint32_t i = 0; (text = args_each(a, "--where", i)); i++) {
		TRY(condition_parse(text, &ret->all[i], err));
		ret->n++;
		if (s->heap.py.redact && condition_asks_content(&ret->all[i]))
			return err_set(err, CCORE_EUSAGE, 0,
				       "--where %.100s asks for contents, which --redact hides",
				       text);
	}
	return 0;
}

static bool all_hold(struct session *s, struct conditions *c, const struct found *f)
{
	const struct condition_facts facts = {.size = f->size, .refcount = f->refcount};

	for (uint32_t i = 0; i < c->n; i++)
		if (!condition_holds(s, &c->all[i], f->id, &facts))
			return false;
	return true;
}

// Nothing was found because nothing can be: what is computed is no part of a dead heap.
static void note_unmet(const struct args *a, const struct conditions *c, struct ccore_result *r)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->all[i].field == CONDITION_PATH && !c->all[i].met)
			result_note(
				r,
				"no object of %s has what --where %s asks for: class attributes "
				"and properties are not evaluated",
				a->argument, args_each(a, "--where", i));
}

static int collect_nodes(struct session *s, const struct node_list *nodes,
			 const struct unreachable *unreachable, struct conditions *c,
			 struct found_list *ret, struct ccore_error *err)
{
	for (uint64_t i = 0; i < nodes->ids.n; i++) {
		const uint32_t id = nodes->ids.data[i];
		struct found f;

		if (i % 1024 == 0)
			TRY(progress_report(&s->progress, "reading objects", i, nodes->ids.n, err));
		if (unreachable && unreachable->why[id] == REACHABLE)
			continue;
		measure(s, id, &f);
		f.why = unreachable ? unreachable->why[id] : REACHABLE;
		if (all_hold(s, c, &f) && !vec_push(&ret->all, f))
			return err_nomem(err);
	}
	return 0;
}

static int collect(struct session *s, const struct args *a, struct found_list *ret,
		   struct ccore_result *r, struct ccore_error *err)
{
	struct conditions conditions;
	struct unreachable *unreachable = NULL;
	struct node_list nodes = {0};
	int status = parse_conditions(s, a, &conditions, err);

	if (status == 0 && args_flag(a, "--unreachable"))
		status = session_unreachable(s, &unreachable, err);
	if (status == 0)
		status = session_nodes_of_type(s, a->argument, args_flag(a, "--gc"), &nodes, err);
	if (status == 0)
		status = collect_nodes(s, &nodes, unreachable, &conditions, ret, err);
	if (status == 0 && nodes.ids.n)
		note_unmet(a, &conditions, r);
	vec_done(&nodes.ids);
	conditions_done(&conditions);
	return status;
}

static void fill(struct session *s, struct table *t, const struct args *a,
		 const struct found_list *list)
{
	const uint64_t addr = table_column(t, "addr", "", CCORE_ADDR, 0);
	const uint64_t type = table_column(t, "type", "", CCORE_STR, 0);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
	const uint64_t refcount = table_column(t, "refcount", "", CCORE_U64, COLUMN_NULLABLE);
	const bool unreachable = args_flag(a, "--unreachable");
	const uint64_t held =
		unreachable ? table_column(t, "held", "", CCORE_STR, COLUMN_NULLABLE) : 0;
	const uint64_t repr = table_column(t, "repr", "", CCORE_STR, 0);
	const uint64_t estimated =
		table_column(t, "estimated", "", CCORE_U64, COLUMN_BOOL | COLUMN_HIDDEN);

	const uint64_t found = table_column(t, "found", "", CCORE_STR, COLUMN_HIDDEN);

	t->noun = "objects";
	for (uint64_t i = 0; i < list->all.n; i++) {
		const struct found *f = &list->all.data[i];
		const uint64_t row = table_row(t);

		table_set_u64(t, row, addr, node_address(s, f->id));
		table_set_u64(t, row, size, f->size);
		table_set_u64(t, row, refcount, f->refcount);
		table_set_u64(t, row, estimated, f->estimated);
		if (i >= a->limit)
			continue;
		if (unreachable)
			table_set_str(t, row, held, unreachable_name(f->why));
		table_set_str(t, row, type, heap_node_type(&s->heap, f->id)->name);
		table_set_str(t, row, found, heap_node_found(&s->heap, f->id));
		table_set_text(t, row, repr, s, f->id, node_repr_text);
	}
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	const char *order = args_str(a, "--sort");
	struct found_list list = {0};
	int status = collect(s, a, &list, r, err);

	if (status == 0 && list.all.n && strcmp(order, "addr") != 0)
		qsort(list.all.data, list.all.n, sizeof(*list.all.data),
		      strcmp(order, "size") == 0 ? largest_first : most_references_first);
	if (status == 0)
		fill(s, &r->table, a, &list);
	vec_done(&list.all);
	return status;
}

const struct command command_objects = {
	.name = "objects",
	.summary = "list the objects of a type, largest first",
	.argument = "TYPE",
	.details = "TYPE is a full name (collections.deque), its last part (deque), or a glob "
		   "(zope.*). "
		   "A refcount of - is that of an immortal object. With --unreachable, held says "
		   "why an object is still there: c, C code has a reference that no object "
		   "accounts for; through-c, something that C holds leads to it; cycle, nothing "
		   "does: garbage that the collector has not yet found, and what hangs on it.\n\n"
		   "EXPR is PATH OP VALUE. PATH: size, refcount, addr, type, repr; or .name (an "
		   "attribute that the object itself holds, or a key of a dict), [3], ['key'], "
		   "and so on: .a.b[0]. OP: = != < <= > >=, or ~ (a pattern, else a part). VALUE: "
		   "a number, True, None, an address, or text, in quotes or without. Properties "
		   "and class attributes are not evaluated.",
	.example = "objects DB -n 2 --where 'refcount>1'\n"
		   "addr            type         size  refcount  repr\n"
		   "0x7f99cc144b50  __main__.DB  56 B         2  <__main__.DB path='test-20.db'>\n"
		   "0x7f99cc15e8d0  __main__.DB  56 B         2  <__main__.DB path='test-25.db'>\n"
		   "… 4 more objects, 224 B\n"
		   "Total 6 objects, 336 B\n",
	.params =
		{
			{"--sort", "ORDER", "size|refcount|addr", "size", "what comes first"},
			{"--where", "EXPR...", NULL, NULL,
			 "only those for which it holds, as path=/tmp/x; may be given again"},
			{"--gc", NULL, NULL, NULL, "only what gc.get_objects() returns"},
			{"--unreachable", NULL, NULL, NULL, "only what nothing leads to"},
		},
	.run = run,
};
