// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/lie_detector.h"

#include "py/families.h"

struct addr_vec {
	addr_t *data;
	uint64_t n, cap;
};

struct check {
	struct heap *h;
	struct py_reader *r;
	lie_fn report;
	void *ctx;
	uint64_t compared;
	struct emu_call calls[PY_PREFETCH];
	struct addr_vec visited; // by the code, of all calls
	struct addr_vec told;	 // by the tables, of one object
	bool failed;
};

static bool is_checked(const struct py_type *type)
{
	return type && type->flags & TYPE_GC && type->tp_traverse && !type->traverse;
}

static int addr_cmp(const void *a, const void *b)
{
	const addr_t x = *(const addr_t *)a, y = *(const addr_t *)b;

	return x < y ? -1 : x > y;
}

static void take_visits(struct edge_buffer *b)
{
	struct check *c = b->sink.ctx;

	for (uint32_t i = 0; i < b->n; i++)
		if (b->items[i].kind == EDGE_VISIT && !vec_push(&c->told, b->items[i].to))
			c->failed = true;
}

static bool ask_tables(struct check *c, const struct py_object *o)
{
	const struct damage damage = c->r->damage;
	struct edge_sink before;

	c->told.n = 0;
	edge_redirect(&c->r->edges, take_visits, c, false, &before);
	py_visit(c->r, o);
	edge_restore(&c->r->edges, &before);
	c->r->damage = damage; // it is visited again, and then counts
	return !c->failed;
}

// Both sorted: what one has more often than the other.
static void compare(const addr_t *code, uint64_t code_n, const addr_t *tables, uint64_t table_n,
		    struct lie *ret)
{
	uint64_t i = 0, k = 0;

	while (i < code_n || k < table_n) {
		if (k == table_n || (i < code_n && code[i] < tables[k])) {
			ret->first_missing = ret->missing++ ? ret->first_missing : code[i];
			i++;
		} else if (i == code_n || tables[k] < code[i]) {
			ret->first_extra = ret->extra++ ? ret->first_extra : tables[k];
			k++;
		} else {
			i++;
			k++;
		}
	}
}

static void sort(addr_t *data, uint64_t n)
{
	if (n > 1)
		qsort(data, n, sizeof(*data), addr_cmp);
}

// While a frame runs, CPython does not know how much of it is in use, and visits none of it.
static bool has_frame(const struct py_type *type)
{
	return type->family == &family_generator || type->family == &family_frame;
}

static int check_one(struct check *c, const struct emu_call *call)
{
	struct lie lie = {.object = call->args[0]};
	struct py_object o;

	if (call->status == EMU_SPENT || !c->r->edges.left)
		damage_note(&c->r->damage, DAMAGE_LIMIT, lie.object);
	if (call->status != EMU_DONE || !c->r->edges.left || !py_object_open(c->r, lie.object, &o))
		return 0;
	if (!ask_tables(c, &o))
		return CCORE_ENOMEM;
	lie.type = o.type;
	sort(c->visited.data + call->first, call->n);
	sort(c->told.data, c->told.n);
	compare(c->visited.data + call->first, call->n, c->told.data, c->told.n, &lie);
	if (has_frame(o.type))
		lie.extra = 0;
	c->compared++;
	if (lie.missing || lie.extra)
		c->report(c->ctx, &lie);
	return 0;
}

// Calls [first, first + *n) that were run; *n is then how many did not have to be left for later.
static int check_calls(struct check *c, const struct emu *e, uint64_t first, uint64_t *n)
{
	const struct emu_call *calls = c->calls + first;
	uint64_t visited = 0, run_n = 0;

	for (; run_n < *n && calls[run_n].status != EMU_LATER; run_n++)
		if (calls[run_n].n)
			visited = calls[run_n].first + calls[run_n].n;
	if (!vec_reserve(&c->visited, visited + 1))
		return CCORE_ENOMEM;
	if (visited)
		memcpy(c->visited.data, emu_referents(e), visited * sizeof(addr_t));
	for (uint64_t i = 0; i < run_n; i++)
		TRY(check_one(c, &calls[i]));
	*n = run_n;
	return 0;
}

static int check_batch(struct check *c, struct emu *e, const addr_t *objects, uint64_t n)
{
	uint64_t call_n = 0, done_n = 0;

	for (uint64_t i = 0; i < n; i++) {
		const struct py_type *type = py_type_of(c->r, objects[i]);

		// Strings are interned without counting, whatever the collector is told.
		if (is_checked(type) && !dict_is_interned(&c->h->py, objects[i]))
			emu_traverse(e, &c->calls[call_n++], type->tp_traverse, objects[i]);
	}
	while (done_n < call_n) {
		uint64_t run_n = call_n - done_n;

		TRY(emu_run(py_emulator(c->r), c->calls + done_n, run_n));
		TRY(check_calls(c, e, done_n, &run_n));
		done_n += run_n;
	}
	return 0;
}

int lie_check(struct heap *h, const addr_t *objects, uint64_t n, lie_fn report, void *ctx,
	      uint64_t *ret_compared)
{
	struct check *c = calloc(1, sizeof(*c));
	int status = c ? 0 : CCORE_ENOMEM;

	*ret_compared = 0;
	for (uint64_t i = 0; status == 0 && i < n; i += PY_PREFETCH) {
		struct emu *e = py_emulator(heap_reader(h));

		if (!e)
			break;
		c->h = h;
		c->r = heap_reader(h);
		c->report = report;
		c->ctx = ctx;
		status = check_batch(c, e, objects + i, u64_min(n - i, PY_PREFETCH));
	}
	if (status == 0)
		*ret_compared = c->compared;
	if (c) {
		vec_done(&c->visited);
		vec_done(&c->told);
	}
	free(c);
	return status;
}

// -- a sample

// Of each kind of type, and of how many objects at most it is found out what they are.
#define SAMPLE_PER_KIND 24u
#define SAMPLE_LOOKED_AT 262144u

static void mistrust(void *ctx, const struct lie *lie)
{
	struct heap *h = ctx;

	damage_note(&heap_reader(h)->damage, DAMAGE_TABLES, lie->object);
	py_mistrust(&h->py, lie->type);
}

struct sample {
	struct addr_vec objects;
	struct hashmap taken; // by kind: how many
};

static bool sample_object(struct sample *s, struct py_reader *r, addr_t object)
{
	const struct py_type *type = py_type_of(r, object);
	uint32_t n = 0;

	if (!is_checked(type))
		return true;
	(void)hashmap_get(&s->taken, py_type_kind(type), &n); // 0 when there is none
	return n >= SAMPLE_PER_KIND ||
	       (hashmap_put(&s->taken, py_type_kind(type), n + 1) && vec_push(&s->objects, object));
}

int lie_check_sample(struct heap *h, struct ccore_error *err)
{
	const uint64_t n = h->gc.objects.n;
	const uint64_t step = n / SAMPLE_LOOKED_AT + 1;
	struct sample s = {0};
	uint64_t compared;
	bool ok = true;
	int status;

	if (!h->py.emu)
		return 0;
	heap_limit_edges(h);
	for (uint64_t i = 0; ok && i < n; i += step)
		ok = sample_object(&s, heap_reader(h), h->gc.objects.data[i]);
	status = ok ? lie_check(h, s.objects.data, s.objects.n, mistrust, h, &compared)
		    : CCORE_ENOMEM;
	vec_done(&s.objects);
	hashmap_done(&s.taken);
	return status < 0 ? err_nomem(err) : 0;
}
