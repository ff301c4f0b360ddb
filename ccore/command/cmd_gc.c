// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/histogram.h"
#include "command/session.h"

#include <stdarg.h>

struct gc_answer {
	struct session *s;
	struct table *t;
	uint64_t key, value;
};

static void add(struct gc_answer *g, uint64_t value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct gc_answer *g, uint64_t value, const char *fmt, ...)
{
	const uint64_t row = table_row(g->t);
	char key[LIM_NAME_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(key, sizeof(key), fmt, ap); // type names are no longer than that
	va_end(ap);
	table_set_str(g->t, row, g->key, key);
	table_set_u64(g->t, row, g->value, value);
}

// An int variable of the collector; not known where the version has none.
static uint64_t variable(struct gc_answer *g, addr_t at)
{
	uint32_t x;

	return at && mem_read_u32(&g->s->target.mem, at, &x) == 0 ? x : TABLE_UNKNOWN;
}

static uint64_t list_length(struct gc_answer *g, addr_t at)
{
	struct py_reader *r = heap_reader(&g->s->heap);
	struct py_object o;
	addr_t list;

	if (!at || mem_read_u64(&g->s->target.mem, at, &list) < 0)
		return TABLE_UNKNOWN;
	if (!list)
		return 0;
	if (!py_object_open(r, list, &o) || o.type->family != &family_list)
		return TABLE_UNKNOWN;
	return py_var_size(r, &o);
}

static void add_settings(struct gc_answer *g, const struct gc_state *gc, const char *prefix)
{
	const struct layout *l = &g->s->heap.layout;

	add(g, variable(g, gc->enabled), "%senabled", prefix);
	for (unsigned i = 0; i < GC_GENERATIONS && gc->generations[i]; i++)
		add(g, variable(g, gc->generations[i] + layout_off(l, F_GEN_THRESHOLD)),
		    "%sthreshold%u", prefix, i);
	for (unsigned i = 0; i < GC_GENERATIONS && gc->generations[i]; i++)
		add(g, variable(g, gc->generations[i] + layout_off(l, F_GEN_COUNT)), "%scount%u",
		    prefix, i);
	add(g, variable(g, gc->debug), "%sdebug", prefix);
	add(g, variable(g, gc->collecting), "%scollecting", prefix);
}

static void add_lists(struct gc_answer *g, uint32_t interpreter, const char *prefix)
{
	const struct gc_objects *objects = &g->s->heap.gc;
	uint64_t in_flight = 0;

	for (uint64_t i = 0; i < objects->lists.n; i++) {
		const struct gc_list *list = &objects->lists.data[i];

		if (list->interpreter != interpreter)
			continue;
		if (list->generation == GC_IN_FLIGHT)
			in_flight += list->n;
		else if (list->generation == GC_PERMANENT)
			add(g, list->n, "%sfrozen", prefix);
		else if (list->generation < GC_GENERATIONS)
			add(g, list->n, "%sgeneration%u", prefix, list->generation);
	}
	if (in_flight)
		add(g, in_flight, "%son the running collection's lists", prefix);
}

// What lies in gc.garbage, by type.
static int add_garbage(struct gc_answer *g, addr_t at, const char *prefix, struct ccore_error *err)
{
	struct py_reader *r = heap_reader(&g->s->heap);
	struct py_object list;
	addr_t addr;
	struct histogram h;

	if (!at || mem_read_u64(&g->s->target.mem, at, &addr) < 0 || !addr ||
	    !py_object_open(r, addr, &list) || list.type->family != &family_list)
		return 0;
	TRY(histogram_of_pointers(&h, &g->s->heap, object_u64(r, &list, F_LIST_ITEM),
				  py_var_size(r, &list), err));
	for (uint64_t i = 0; i < h.rows.n; i++)
		add(g, h.rows.data[i].count, "%sgarbage of type %.*s", prefix,
		    (int)LIM_NAME_BYTES / 2, h.rows.data[i].type);
	histogram_done(&h);
	return 0;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	const struct runtime *rt = &s->heap.runtime;
	struct gc_answer g = {.s = s, .t = &r->table};

	(void)a; // no options of its own
	TRY(heap_need_gc(&s->heap, err));
	r->table.style = TABLE_PAIRS;
	r->table.noun = "rows";
	g.key = table_column(&r->table, "key", "", CCORE_STR, 0);
	g.value = table_column(&r->table, "value", "", CCORE_U64, COLUMN_NULLABLE);
	for (uint32_t i = 0; i < rt->interpreters.n; i++) {
		const struct interpreter *in = &rt->interpreters.data[i];
		char prefix[48] = "";

		if (!in->owns_gc)
			continue;
		if (i)
			(void)snprintf(prefix, sizeof(prefix), "interpreter %lld ",
				       (long long)in->id);
		add_settings(&g, &in->gc, prefix);
		add_lists(&g, i, prefix);
		add(&g, list_length(&g, in->gc.callbacks), "%scallbacks", prefix);
		add(&g, list_length(&g, in->gc.garbage), "%sgarbage", prefix);
		TRY(add_garbage(&g, in->gc.garbage, prefix, err));
	}
	return 0;
}

const struct command command_gc = {
	.name = "gc",
	.summary = "the garbage collector: settings, generations, gc.garbage",
	.argument = "",
	.details = "Lengths of the generations are counted, not estimated. frozen is the permanent "
		   "generation: gc.freeze(), and from 3.12 on immortal objects.",
	.example = "gc -n 4\n"
		   "enabled       1\n"
		   "threshold0  700\n"
		   "threshold1   10\n"
		   "threshold2   10\n"
		   "… 11 more rows\n",
	.run = run,
};
