// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/histogram.h"
#include "command/command.h"
#include "command/gc_cycles.h"
#include "command/gc_phase.h"
#include "heap/finalizer.h"
#include "py/exception.h"
#include "runtime/gc_stats.h"

#include <stdarg.h>

#define DEBUG_SAVEALL 32u

struct gc_answer {
	struct session *s;
	struct table *t;
	uint64_t key, value, detail;
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

// What there is to say of the row added last.
static void say(struct gc_answer *g, const char *text)
{
	table_set_str(g->t, g->t->row_n - 1, g->detail, text);
}

// An int variable of the collector; not known where the version has none.
static uint64_t variable(struct gc_answer *g, addr_t at)
{
	uint32_t x;

	return at && mem_read_u32(&g->s->target.mem, at, &x) == 0 ? x : TABLE_UNKNOWN;
}

// A Py_ssize_t.
static uint64_t long_variable(struct gc_answer *g, addr_t at)
{
	uint64_t x;

	return at && mem_read_u64(&g->s->target.mem, at, &x) == 0 ? x : TABLE_UNKNOWN;
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

// The names that the gc module has for them.
static void say_flags(struct gc_answer *g, uint64_t debug)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} flags[] = {
		{1, "DEBUG_STATS"},	{2, "DEBUG_COLLECTABLE"}, {4, "DEBUG_UNCOLLECTABLE"},
		{8, "DEBUG_INSTANCES"}, {16, "DEBUG_OBJECTS"},	  {DEBUG_SAVEALL, "DEBUG_SAVEALL"},
	};
	struct strbuf text = {0};

	for (unsigned i = 0; debug != TABLE_UNKNOWN && i < sizeof(flags) / sizeof(flags[0]); i++)
		if (debug & flags[i].bit)
			strbuf_printf(&text, "%s%s", text.n ? " | " : "", flags[i].name);
	if (text.n && !text.failed)
		say(g, text.data);
	strbuf_done(&text);
}

static void say_phase(struct gc_answer *g, uint64_t collecting)
{
	struct strbuf text = {0};

	if (collecting == TABLE_UNKNOWN || !collecting)
		return;
	if (gc_phase_text(g->s, &text) && !text.failed)
		say(g, text.data);
	else
		say(g, "in which phase is not known: no stack shows the collector's functions");
	strbuf_done(&text);
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
	say_flags(g, variable(g, gc->debug));
	add(g, variable(g, gc->collecting), "%scollecting", prefix);
	say_phase(g, variable(g, gc->collecting));
}

static void add_statistics(struct gc_answer *g, const struct gc_state *gc, const char *prefix)
{
	const struct layout *l = &g->s->heap.layout;
	struct gc_stats stats;

	for (unsigned i = 0; i < GC_GENERATIONS; i++) {
		if (!gc_stats_read(l, &g->s->target.mem, gc, i, &stats))
			continue;
		add(g, stats.collections, "%scollections%u", prefix, i);
		add(g, stats.collected, "%scollected%u", prefix, i);
		add(g, stats.uncollectable, "%suncollectable%u", prefix, i);
	}
	if (gc->long_total)
		add(g, long_variable(g, gc->long_total), "%slong_lived_total", prefix);
	if (gc->long_pending)
		add(g, long_variable(g, gc->long_pending), "%slong_lived_pending", prefix);
}

// A list's length, and the bytes of its objects.
static int add_list(struct gc_answer *g, const struct gc_list *list, const char *name,
		    struct ccore_error *err)
{
	struct heap *h = &g->s->heap;
	struct histogram sizes;
	uint64_t size = 0;

	TRY(histogram_of_objects(&sizes, h, h->gc.objects.data + list->first, list->n, err));
	for (uint64_t i = 0; i < sizes.rows.n; i++)
		size += sizes.rows.data[i].size;
	histogram_done(&sizes);
	add(g, list->n, "%s", name);
	add(g, size, "%s bytes", name);
	return 0;
}

static int add_lists(struct gc_answer *g, uint32_t interpreter, const char *prefix,
		     struct ccore_error *err)
{
	const struct gc_objects *objects = &g->s->heap.gc;
	uint64_t in_flight = 0;
	char name[80];

	for (uint64_t i = 0; i < objects->lists.n; i++) {
		const struct gc_list *list = &objects->lists.data[i];

		if (list->interpreter != interpreter || list->generation == GC_UNTRACKED)
			continue;
		if (list->generation == GC_IN_FLIGHT) {
			in_flight += list->n;
			continue;
		}
		if (list->generation == GC_PERMANENT)
			(void)snprintf(name, sizeof(name), "%sfrozen", prefix); // fits
		else
			(void)snprintf(name, sizeof(name), "%sgeneration%u", prefix,
				       list->generation); // fits
		TRY(add_list(g, list, name, err));
	}
	if (in_flight)
		add(g, in_flight, "%son the running collection's lists", prefix);
	return 0;
}

// -- gc.garbage

struct reasons {
	VEC(addr_t) of[FINALIZER_N]; // objects of gc.garbage, by why they are there
};

static int sort_garbage(struct gc_answer *g, addr_t list, struct reasons *ret,
			struct ccore_error *err)
{
	struct py_reader *r = heap_reader(&g->s->heap);
	uint64_t n = 0;

	(void)sequence_item(r, list, 0, &n); // its length is wanted
	for (uint64_t i = 0; i < n; i++) {
		const addr_t object = sequence_item(r, list, i, NULL);

		if (object && !vec_push(&ret->of[finalizer_of(r, object)], object))
			return err_nomem(err);
		TRY(progress_poll(&g->s->progress, "reading gc.garbage", i, n, err));
	}
	return 0;
}

static int add_reasons(struct gc_answer *g, const struct reasons *reasons, uint64_t debug,
		       const char *prefix, struct ccore_error *err)
{
	const char *no_finalizer =
		debug != TABLE_UNKNOWN && debug & DEBUG_SAVEALL
			? "gc.DEBUG_SAVEALL is set"
			: "the program has put it there, or DEBUG_SAVEALL was set";

	for (unsigned f = 0; f < FINALIZER_N; f++) {
		struct histogram h;

		TRY(histogram_of_objects(&h, &g->s->heap, reasons->of[f].data, reasons->of[f].n,
					 err));
		for (uint64_t i = 0; i < h.rows.n; i++) {
			add(g, h.rows.data[i].count, "%sgarbage of type %.*s", prefix,
			    (int)LIM_NAME_BYTES / 2, h.rows.data[i].type);
			say(g, f ? finalizer_text((enum finalizer)f) : no_finalizer);
		}
		histogram_done(&h);
	}
	return 0;
}

// What lies in gc.garbage, by type and by why it does.
static int add_garbage(struct gc_answer *g, const struct gc_state *gc, const char *prefix,
		       struct ccore_error *err)
{
	struct reasons reasons = {0};
	addr_t list;
	int status;

	if (!gc->garbage || mem_read_u64(&g->s->target.mem, gc->garbage, &list) < 0 || !list)
		return 0;
	status = sort_garbage(g, list, &reasons, err);
	if (status == 0)
		status = add_reasons(g, &reasons, variable(g, gc->debug), prefix, err);
	for (unsigned f = 0; f < FINALIZER_N; f++)
		vec_done(&reasons.of[f]);
	return status;
}

// -- all of it

static int add_interpreter(struct gc_answer *g, uint32_t i, struct ccore_error *err)
{
	const struct interpreter *in = &g->s->heap.runtime.interpreters.data[i];
	char prefix[48] = "";

	if (i)
		(void)snprintf(prefix, sizeof(prefix), "interpreter %lld ", (long long)in->id);
	add_settings(g, &in->gc, prefix);
	TRY(add_lists(g, i, prefix, err));
	add_statistics(g, &in->gc, prefix);
	add(g, list_length(g, in->gc.callbacks), "%scallbacks", prefix);
	add(g, list_length(g, in->gc.garbage), "%sgarbage", prefix);
	return add_garbage(g, &in->gc, prefix, err);
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	const struct runtime *rt = &s->heap.runtime;
	struct gc_answer g = {.s = s, .t = &r->table};

	if (args_flag(a, "--cycles"))
		return gc_cycles_list(s, args_flag(a, "--unreachable"), r, err);
	if (args_flag(a, "--unreachable"))
		return err_set(err, CCORE_EUSAGE, 0, "--unreachable is about --cycles: add that");
	TRY(heap_need_gc(&s->heap, err));
	r->table.style = TABLE_PAIRS;
	r->table.noun = "rows";
	g.key = table_column(&r->table, "key", "", CCORE_STR, 0);
	g.value = table_column(&r->table, "value", "", CCORE_U64, COLUMN_NULLABLE);
	g.detail = table_column(&r->table, "detail", "", CCORE_STR, 0);
	for (uint32_t i = 0; i < rt->interpreters.n; i++)
		if (rt->interpreters.data[i].owns_gc)
			TRY(add_interpreter(&g, i, err));
	return 0;
}

const struct command command_gc = {
	.name = "gc",
	.summary = "the garbage collector: settings, generations, gc.garbage, cycles",
	.argument = "",
	.details =
		"Lengths of the generations are counted, not estimated. frozen is the permanent "
		"generation: gc.freeze(), and from 3.12 on immortal objects. collections, "
		"collected and uncollectable are those of gc.get_stats(). With --cycles: what "
		"refers to itself in a circle (strongly connected components), those of the same "
		"types together, with the references of the smallest of them; which are garbage, "
		"and what keeps the collector from freeing it.",
	.example = "gc --cycles --unreachable -n 1\n"
		   "cycles  objects      size  state    kept  types                addr    …\n"
		   "   500     1000  54.7 KiB  garbage  -     __main__.Node × 2  0x7f60…  …\n"
		   "Total 500 cycles, 54.7 KiB\n",
	.params =
		{
			{"--cycles", NULL, NULL, NULL,
			 "objects that refer to each other in a circle"},
			{"--unreachable", NULL, NULL, NULL, "of these, what nothing leads to"},
		},
	.run = run,
};
