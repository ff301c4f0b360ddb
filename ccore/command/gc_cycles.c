// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/gc_cycles.h"

#include "analysis/cycles.h"
#include "heap/finalizer.h"
#include "py/exception.h"

#include <inttypes.h>
#include <stdlib.h>

#define TYPES_SHOWN 6u
#define EDGES_SHOWN 16u

enum keeper {
	KEPT_BY_NONE,
	KEPT_IN_GARBAGE, // alive: gc.garbage has it
	KEPT_BY_FINALIZER,
	KEPT_FROZEN,
	KEPT_DISABLED
};

// A cycle as one row would show it.
struct row {
	uint32_t cycle;		     // index
	uint32_t first_type, type_n; // of its signature, in list.types
	uint32_t why;		     // enum unreachable_why
	uint32_t keeper;	     // enum keeper
	uint64_t cycle_n, object_n, size;
};

struct list {
	struct session *s;
	struct ccore_result *r;
	struct cycles cycles;
	struct unreachable *unreachable;
	VEC(struct row) rows;
	VEC(uint32_t) types; // of signatures, ascending
	uint8_t *finalized;  // by cycle: an object with a finalizer leads to it, or it has one
	uint8_t *in_garbage; // by cycle
	VEC(uint32_t) todo;
	uint8_t *seen; // by node, of those in `todo`
	bool failed;
};

// -- what keeps garbage

static bool collectors_are_disabled(const struct session *s)
{
	const struct runtime *rt = &s->heap.runtime;
	uint32_t enabled = 0;

	for (uint64_t i = 0; i < rt->interpreters.n; i++) {
		const struct interpreter *in = &rt->interpreters.data[i];

		if (in->owns_gc &&
		    (!in->gc.enabled ||
		     mem_read_u32(&s->target.mem, in->gc.enabled, &enabled) < 0 || enabled))
			return false;
	}
	return true;
}

// An object with a finalizer leads to `id`, or it is one.
static void reach(struct list *l, uint32_t id)
{
	if (l->seen[id] || l->unreachable->why[id] == REACHABLE)
		return;
	l->seen[id] = 1;
	if (l->cycles.of[id] != NO_CYCLE)
		l->finalized[l->cycles.of[id]] = 1;
	if (!vec_push(&l->todo, id))
		l->failed = true;
}

static bool reach_by_edge(void *ctx, const struct edge *e)
{
	struct list *l = ctx;
	uint32_t id;

	if (e->kind == EDGE_VISIT && heap_node(&l->s->heap, e->to, &id))
		reach(l, id);
	return !l->failed;
}

// As the collector does: what is reachable from an object that it may not free, it keeps.
static int find_finalized(struct list *l, struct ccore_error *err)
{
	struct heap *h = &l->s->heap;

	l->seen = calloc(h->node_n + 1, 1);
	l->finalized = calloc(l->cycles.all.n + 1, 1);
	l->in_garbage = calloc(l->cycles.all.n + 1, 1);
	if (!l->seen || !l->finalized || !l->in_garbage)
		return err_nomem(err);
	for (uint32_t id = 0; id < h->node_n; id++)
		if (l->unreachable->why[id] != REACHABLE && !(h->node_flags[id] & NODE_BAD) &&
		    finalizer_of(heap_reader(h), h->node_addr[id]) != FINALIZER_NONE)
			reach(l, id);
	while (l->todo.n && !l->failed)
		references_each(h, vec_pop(&l->todo), reach_by_edge, l);
	return l->failed ? err_nomem(err) : 0;
}

// What gc.garbage of any interpreter holds.
static void find_in_garbage(struct list *l)
{
	struct heap *h = &l->s->heap;
	struct py_reader *r = heap_reader(h);

	for (uint64_t i = 0; i < h->runtime.interpreters.n; i++) {
		const addr_t at = h->runtime.interpreters.data[i].gc.garbage;
		addr_t list;
		uint64_t n = 0;
		uint32_t id;

		if (!at || mem_read_u64(r->py->mem, at, &list) < 0 || !list)
			continue;
		(void)sequence_item(r, list, 0, &n); // its length is wanted
		for (uint64_t k = 0; k < n; k++)
			if (heap_node(h, sequence_item(r, list, k, NULL), &id) &&
			    l->cycles.of[id] != NO_CYCLE)
				l->in_garbage[l->cycles.of[id]] = 1;
	}
}

static enum keeper keeper_of(const struct list *l, const struct row *row, bool frozen,
			     bool disabled)
{
	if (l->in_garbage[row->cycle])
		return KEPT_IN_GARBAGE;
	if (row->why != HELD_IN_CYCLE)
		return KEPT_BY_NONE;
	if (l->finalized[row->cycle])
		return KEPT_BY_FINALIZER;
	return frozen ? KEPT_FROZEN : disabled ? KEPT_DISABLED : KEPT_BY_NONE;
}

// -- rows

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int ascending(const void *a, const void *b)
{
	return compare(*(const uint32_t *)a, *(const uint32_t *)b);
}

// The types of the cycle, each once, are its signature.
static bool add_types(struct list *l, const struct cycle *c, struct row *row)
{
	const struct heap *h = &l->s->heap;
	const uint64_t first = l->types.n;
	uint64_t n = 0;

	for (uint32_t i = 0; i < c->n; i++)
		if (!vec_push(&l->types, h->node_type[l->cycles.nodes.data[c->first + i]]))
			return false;
	qsort(l->types.data + first, c->n, sizeof(*l->types.data), ascending);
	for (uint32_t i = 0; i < c->n; i++)
		if (!n || l->types.data[first + n - 1] != l->types.data[first + i])
			l->types.data[first + n++] = l->types.data[first + i];
	l->types.n = first + n;
	row->first_type = (uint32_t)first;
	row->type_n = (uint32_t)n;
	return true;
}

static bool add_row(struct list *l, uint32_t i, bool disabled)
{
	struct heap *h = &l->s->heap;
	struct py_reader *r = heap_reader(h);
	const struct cycle *c = &l->cycles.all.data[i];
	struct row row = {.cycle = i, .cycle_n = 1, .object_n = c->n};
	bool guessed, frozen = false;

	for (uint32_t k = 0; k < c->n; k++) {
		const uint32_t id = l->cycles.nodes.data[c->first + k];
		const uint32_t why = l->unreachable->why[id];
		struct py_object o;

		// They lead to each other: what C holds of them, holds all.
		if (!row.why || (why && why < row.why))
			row.why = why;
		frozen |= h->node_flags[id] & NODE_PERMANENT;
		if (py_object_open(r, h->node_addr[id], &o))
			row.size += py_sizeof(r, &o, &guessed);
	}
	row.keeper = keeper_of(l, &row, frozen, disabled);
	return add_types(l, c, &row) && vec_push(&l->rows, row);
}

static int same_together(const void *a, const void *b, void *ctx)
{
	const struct list *l = ctx;
	const struct row *x = a, *y = b;
	int r = compare(x->why, y->why);

	r = r ? r : compare(x->keeper, y->keeper);
	r = r ? r : compare(x->type_n, y->type_n);
	for (uint32_t i = 0; !r && i < x->type_n; i++)
		r = compare(l->types.data[x->first_type + i], l->types.data[y->first_type + i]);
	return r;
}

// The smallest of a group is shown as its example: it is the easiest to read.
static int by_signature(const void *a, const void *b, void *ctx)
{
	const struct row *x = a, *y = b;
	int r = same_together(a, b, ctx);

	r = r ? r : compare(x->object_n, y->object_n);
	return r ? r : compare(x->cycle, y->cycle);
}

static int largest_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = compare(y->size, x->size);

	r = r ? r : compare(y->object_n, x->object_n);
	return r ? r : compare(x->cycle, y->cycle);
}

static void join_rows(struct list *l)
{
	uint64_t n = 0;

	if (!l->rows.n)
		return;
	qsort_r(l->rows.data, l->rows.n, sizeof(*l->rows.data), by_signature, l);
	for (uint64_t i = 0; i < l->rows.n; i++) {
		const struct row *row = &l->rows.data[i];

		if (n && same_together(&l->rows.data[n - 1], row, l) == 0) {
			l->rows.data[n - 1].cycle_n++;
			l->rows.data[n - 1].object_n += row->object_n;
			l->rows.data[n - 1].size += row->size;
		} else {
			l->rows.data[n++] = *row;
		}
	}
	l->rows.n = n;
	qsort(l->rows.data, n, sizeof(*l->rows.data), largest_first);
}

// -- text

struct type_count {
	const char *name;
	uint64_t n;
};

static int most_first(const void *a, const void *b)
{
	const struct type_count *x = a, *y = b;
	const int r = compare(y->n, x->n);

	return r ? r
		 : strcmp(x->name, y->name); // the types' order depends on what was asked before
}

// "__main__.Node × 2, dict": those of the example.
static bool types_text(const struct list *l, const struct row *row, struct strbuf *out)
{
	const struct heap *h = &l->s->heap;
	const struct cycle *c = &l->cycles.all.data[row->cycle];
	struct type_count *counts = calloc(row->type_n + 1ull, sizeof(*counts));

	if (!counts)
		return false;
	for (uint32_t i = 0; i < row->type_n; i++)
		counts[i].name = h->py.types.data[l->types.data[row->first_type + i]]->name;
	for (uint32_t i = 0; i < c->n; i++) {
		const uint32_t *found = bsearch(&h->node_type[l->cycles.nodes.data[c->first + i]],
						l->types.data + row->first_type, row->type_n,
						sizeof(uint32_t), ascending);

		counts[found - (l->types.data + row->first_type)].n++;
	}
	qsort(counts, row->type_n, sizeof(*counts), most_first);
	for (uint32_t i = 0; i < row->type_n && i < TYPES_SHOWN; i++) {
		strbuf_puts(out, i ? ", " : "");
		strbuf_puts(out, counts[i].name);
		if (counts[i].n > 1) {
			strbuf_puts(out, " × ");
			strbuf_add_count(out, counts[i].n);
		}
	}
	if (row->type_n > TYPES_SHOWN)
		strbuf_printf(out, ", … %u more types", row->type_n - TYPES_SHOWN);
	free(counts);
	return true;
}

struct edges {
	struct list *l;
	uint32_t from, cycle;
	uint64_t shown;
	bool cut;
	struct strbuf *out;
};

static bool add_edge(void *ctx, const struct edge *e)
{
	struct edges *x = ctx;
	struct session *s = x->l->s;
	uint32_t to;

	if (e->kind != EDGE_VISIT || !heap_node(&s->heap, e->to, &to) ||
	    x->l->cycles.of[to] != x->cycle)
		return true;
	if (x->shown == EDGES_SHOWN) {
		strbuf_puts(x->out, "; …");
		x->cut = true;
		return false;
	}
	strbuf_puts(x->out, x->shown++ ? "; " : "");
	node_type_text(s, x->from, x->out);
	strbuf_printf(x->out, " 0x%" PRIx64 " ", node_address(s, x->from));
	references_label(&s->heap, x->from, e, x->out);
	strbuf_printf(x->out, " → 0x%" PRIx64, e->to);
	return true;
}

// The references within the example.
static void edges_text(struct list *l, const struct row *row, struct strbuf *out)
{
	const struct cycle *c = &l->cycles.all.data[row->cycle];
	struct edges x = {.l = l, .cycle = row->cycle, .out = out};

	for (uint32_t i = 0; i < c->n && !x.cut; i++) {
		x.from = l->cycles.nodes.data[c->first + i];
		references_each(&l->s->heap, x.from, add_edge, &x);
	}
}

static const char *state_text(uint32_t why)
{
	switch ((enum unreachable_why)why) {
	case HELD_BY_C:
	case HELD_THROUGH_C:
		return "held from C";
	case HELD_IN_CYCLE:
		return "garbage";
	case REACHABLE:
		break;
	}
	return "alive";
}

static const char *keeper_text(uint32_t keeper)
{
	static const char *const texts[] = {
		[KEPT_BY_NONE] = NULL,
		[KEPT_IN_GARBAGE] = "in gc.garbage",
		[KEPT_BY_FINALIZER] = "a finalizer that the collector may not call",
		[KEPT_FROZEN] = "in the permanent generation (gc.freeze())",
		[KEPT_DISABLED] = "the collector is disabled (gc.disable())",
	};

	return texts[keeper];
}

static int fill_table(struct list *l, struct ccore_error *err)
{
	struct table *t = &l->r->table;
	const uint64_t cycles = table_column(t, "cycles", "cycles", CCORE_U64, COLUMN_TOTAL);
	const uint64_t objects = table_column(t, "objects", "", CCORE_U64, COLUMN_TOTAL);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
	const uint64_t state = table_column(t, "state", "", CCORE_STR, 0);
	const uint64_t kept = table_column(t, "kept", "", CCORE_STR, 0);
	const uint64_t types = table_column(t, "types", "", CCORE_STR, 0);
	const uint64_t addr = table_column(t, "addr", "", CCORE_ADDR, 0);
	const uint64_t edges = table_column(t, "edges", "", CCORE_STR, 0);
	struct strbuf text = {0};

	t->noun = "signatures";
	for (uint64_t i = 0; i < l->rows.n; i++) {
		const struct row *row = &l->rows.data[i];
		const struct cycle *c = &l->cycles.all.data[row->cycle];
		const uint64_t at = table_row(t);

		table_set_u64(t, at, cycles, row->cycle_n);
		table_set_u64(t, at, objects, row->object_n);
		table_set_u64(t, at, size, row->size);
		table_set_str(t, at, state, state_text(row->why));
		table_set_str(t, at, kept, keeper_text(row->keeper));
		text.n = 0;
		if (!types_text(l, row, &text) || text.failed)
			break;
		table_set_str(t, at, types, text.data);
		table_set_u64(t, at, addr, l->s->heap.node_addr[l->cycles.nodes.data[c->first]]);
		text.n = 0;
		edges_text(l, row, &text);
		table_set_str(t, at, edges, text.n ? text.data : NULL);
	}
	t->failed |= text.failed;
	strbuf_done(&text);
	return t->failed ? err_nomem(err) : 0;
}

// -- all of it

static int find_cycles(struct list *l, struct ccore_error *err)
{
	struct session *s = l->s;
	const uint64_t spare = session_spare_bytes(s);
	struct graph visited;
	uint64_t taken;
	int r;

	TRY(references_build_visited(&visited, &s->heap, spare, err));
	taken = graph_bytes(&visited);
	r = cycles_find(&l->cycles, &visited, spare - u64_min(taken, spare), &s->progress, err);
	graph_done(&visited);
	return r == CCORE_ENOMEM ? references_nomem(&s->heap, err) : r;
}

static int make_rows(struct list *l, bool unreachable, struct ccore_error *err)
{
	const bool disabled = collectors_are_disabled(l->s);

	TRY(find_cycles(l, err));
	TRY(find_finalized(l, err));
	find_in_garbage(l);
	for (uint32_t i = 0; i < l->cycles.all.n; i++) {
		const uint32_t first = l->cycles.nodes.data[l->cycles.all.data[i].first];

		if (unreachable && l->unreachable->why[first] == REACHABLE)
			continue;
		if (!add_row(l, i, disabled))
			return err_nomem(err);
		TRY(progress_poll(&l->s->progress, "measuring cycles", i, l->cycles.all.n, err));
	}
	join_rows(l);
	return fill_table(l, err);
}

int gc_cycles_list(struct session *s, bool unreachable, struct ccore_result *r,
		   struct ccore_error *err)
{
	struct list l = {.s = s, .r = r};
	int status = session_unreachable(s, &l.unreachable, err);

	if (status == 0)
		status = make_rows(&l, unreachable, err);
	if (status == 0 && !residue_is_sure(&s->heap))
		result_note(r, "free-threaded: threads hold objects without counting, so what is "
			       "garbage may still be in use by one");
	cycles_done(&l.cycles);
	vec_done(&l.rows);
	vec_done(&l.types);
	vec_done(&l.todo);
	free(l.finalized);
	free(l.in_garbage);
	free(l.seen);
	return status;
}
