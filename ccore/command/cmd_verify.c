// SPDX-License-Identifier: GPL-2.0-or-later
// verify: whether the heap is consistent with itself, and where it is not.
#include "command/command.h"
#include "command/lies.h"
#include "runtime/core_types.h"

#include <inttypes.h>
#include <stdlib.h>

struct verify {
	struct session *s;
	struct table *t;
	const struct residue *residue;
	struct lies lies;
	struct damage damage;
	addr_t first_wrong; // the lowest address that any check found; 0: none
	uint64_t check, verdict, count, addr, type, refcount, references, detail;
};

// A check says in one row how it went, and then may list what it found.
struct check {
	const char *name;
	const char *what; // what it counts
	void (*summarize)(struct verify *v, const struct check *c);
	void (*list)(struct verify *v, const struct check *c); // or NULL
	enum damage_kind damage;			       // of those that are damage
};

// -- rows

static uint64_t add_row(struct verify *v, const char *check, const char *verdict, uint64_t count)
{
	const uint64_t row = table_row(v->t);

	table_set_str(v->t, row, v->check, check);
	table_set_str(v->t, row, v->verdict, verdict);
	table_set_u64(v->t, row, v->count, count);
	table_set_u64(v->t, row, v->addr, TABLE_UNKNOWN);
	table_set_u64(v->t, row, v->refcount, TABLE_UNKNOWN);
	table_set_u64(v->t, row, v->references, TABLE_UNKNOWN);
	return row;
}

static void add_object(struct verify *v, const char *check, const char *verdict, uint32_t id)
{
	const uint64_t row = add_row(v, check, verdict, TABLE_UNKNOWN);
	uint64_t refcount;

	table_set_u64(v->t, row, v->addr, v->s->heap.node_addr[id]);
	table_set_text(v->t, row, v->type, v->s, id, node_type_text);
	table_set_text(v->t, row, v->detail, v->s, id, node_repr_text);
	if (heap_refcount(&v->s->heap, id, &refcount))
		table_set_u64(v->t, row, v->refcount, refcount);
	table_set_u64(v->t, row, v->references, v->residue->counted.known[id]);
}

static void found_wrong(struct verify *v, addr_t addr)
{
	if (!v->first_wrong || addr < v->first_wrong)
		v->first_wrong = addr;
}

// -- what reading the heap has counted

static void summarize_damage(struct verify *v, const struct check *c)
{
	const uint64_t n = v->damage.count[c->damage];
	const uint64_t row = add_row(v, c->name, n ? "wrong" : "ok", n);

	table_set_str(v->t, row, v->detail, c->what);
	if (!n)
		return;
	table_set_u64(v->t, row, v->addr, v->damage.first[c->damage]);
	found_wrong(v, v->damage.first[c->damage]);
}

// -- what the types' own code says

static void summarize_lies(struct verify *v, const struct check *c)
{
	// Kinds that a sample has shown to differ are read by their code since, and agree with it.
	const uint64_t n = v->lies.n + v->damage.count[DAMAGE_TABLES];
	const char *verdict = n ? "wrong" : v->lies.compared_n ? "ok" : "not done";
	const uint64_t row = add_row(v, c->name, verdict, n);
	char text[160];

	// A number with 20 digits and few words: it fits.
	(void)snprintf(text, sizeof(text), "%s, of %" PRIu64 " compared", c->what,
		       v->lies.compared_n);
	table_set_str(v->t, row, v->detail,
		      v->lies.compared_n ? text : "there is no emulator to run types' own code");
}

static void list_lies(struct verify *v, const struct check *c)
{
	for (uint64_t i = 0; i < v->lies.all.n; i++) {
		const struct lie *lie = &v->lies.all.data[i];
		const uint64_t row = add_row(v, c->name, "wrong", TABLE_UNKNOWN);
		char text[160];

		(void)snprintf(text, sizeof(text),
			       "%" PRIu64 " references more than the tables know (0x%" PRIx64
			       "), %" PRIu64 " less (0x%" PRIx64 ")",
			       lie->missing, lie->first_missing, lie->extra, lie->first_extra);
		table_set_u64(v->t, row, v->addr, lie->object);
		table_set_str(v->t, row, v->type, lie->type->name);
		table_set_str(v->t, row, v->detail, text);
	}
}

// -- refcounts

static void summarize_refcounts(struct verify *v, const struct check *c)
{
	if (residue_is_sure(&v->s->heap))
		summarize_damage(v, c);
	else
		table_set_str(v->t, add_row(v, c->name, "not done", 0), v->detail,
			      "free-threaded: frames hold objects without counting");
}

static void list_wrong_refcounts(struct verify *v, const struct check *c)
{
	struct heap *h = &v->s->heap;

	for (uint32_t id = 0; id < h->node_n; id++)
		if (residue_is_wrong(v->residue, h, id))
			add_object(v, c->name, "wrong", id);
}

static void summarize_miscounted(struct verify *v, const struct check *c)
{
	uint64_t n = 0;

	for (uint32_t id = 0; id < v->s->heap.node_n; id++)
		n += residue_is_miscounted(v->residue, &v->s->heap, id);
	table_set_str(v->t, add_row(v, c->name, "", n), v->detail, c->what);
}

static void list_miscounted(struct verify *v, const struct check *c)
{
	for (uint32_t id = 0; id < v->s->heap.node_n; id++)
		if (residue_is_miscounted(v->residue, &v->s->heap, id))
			add_object(v, c->name, "", id);
}

static void summarize_exact(struct verify *v, const struct check *c)
{
	const struct residue *r = v->residue;
	const uint64_t all = r->exact_n + r->held_n + r->below_n;
	const uint64_t row = add_row(v, c->name, "", r->exact_n);
	char text[160];

	// Of numbers with 20 digits and few words: it fits.
	(void)snprintf(text, sizeof(text), "%s, %.2f %% of %" PRIu64 "; %" PRIu64 " are immortal",
		       c->what, all ? 100.0 * (double)r->exact_n / (double)all : 100.0, all,
		       r->none_n);
	table_set_str(v->t, row, v->detail, text);
}

static void summarize_held(struct verify *v, const struct check *c)
{
	table_set_str(v->t, add_row(v, c->name, "", v->residue->held_n), v->detail, c->what);
}

static void summarize_hidden(struct verify *v, const struct check *c)
{
	uint64_t n = 0;

	for (uint32_t id = 0; id < v->s->heap.node_n; id++)
		n += residue_is_hidden(v->residue, id);
	table_set_str(v->t, add_row(v, c->name, "", n), v->detail, c->what);
}

struct held_type {
	const char *name;
	uint64_t count;
};

static int by_count(const void *a, const void *b)
{
	const struct held_type *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
				    : strcmp(x->name, y->name);
}

// By type, the most first.
static void list_types(struct verify *v, const struct check *c,
		       bool (*has)(const struct residue *r, uint32_t id))
{
	const struct heap *h = &v->s->heap;
	const uint64_t n = h->py.types.n;
	struct held_type *types = calloc(n + 1, sizeof(*types));

	if (!types) {
		v->t->failed = true;
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		types[i].name = h->py.types.data[i]->name;
	for (uint32_t id = 0; id < h->node_n; id++)
		types[h->node_type[id]].count += has(v->residue, id);
	qsort(types, n, sizeof(*types), by_count);
	for (uint64_t i = 0; i < n && types[i].count; i++)
		table_set_str(v->t, add_row(v, c->name, "", types[i].count), v->type,
			      types[i].name);
	free(types);
}

static bool is_held(const struct residue *r, uint32_t id)
{
	return r->of[id] > 0;
}

static void list_held(struct verify *v, const struct check *c)
{
	list_types(v, c, is_held);
}

static void list_hidden(struct verify *v, const struct check *c)
{
	list_types(v, c, residue_is_hidden);
}

// -- the neighbours of what is wrong

static bool is_good(struct verify *v, uint64_t id)
{
	struct heap *h = &v->s->heap;

	return !(h->node_flags[id] & NODE_BAD) && !residue_is_wrong(v->residue, h, (uint32_t)id);
}

// The first node at or above `addr`.
static uint64_t node_from(const struct heap *h, addr_t addr)
{
	uint64_t low = 0, high = h->node_n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (h->node_addr[middle] < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// What is there: whoever wrote over it is often known by what he wrote.
#define WORDS 4u

static void set_words(struct verify *v, uint64_t row, addr_t addr)
{
	struct strbuf text = {0};
	uint64_t words[WORDS];

	if (v->s->heap.py.redact || mem_read(&v->s->target.mem, addr, words, sizeof(words)) < 0)
		return;
	for (unsigned i = 0; i < WORDS; i++)
		strbuf_printf(&text, "%s%016" PRIx64, i ? " " : "", words[i]);
	table_set_str(v->t, row, v->detail, text.failed ? NULL : text.data);
	strbuf_done(&text);
}

// -- the blocks beside it: an overflow comes from the one before, as a rule

struct pool {
	const struct pymalloc_arena *arena;
	addr_t addr;
	struct pymalloc_pool blocks;
	uint8_t scratch[PYMALLOC_POOL_BYTES_MAX];
};

static bool find_pool(struct verify *v, struct pool *ret)
{
	const struct pymalloc *m = &v->s->heap.universe.pymalloc;

	ret->arena = pymalloc_arena_of(m, v->first_wrong);
	return pymalloc_pool_of(m, v->first_wrong, heap_reader(&v->s->heap), ret->scratch,
				&ret->blocks, &ret->addr);
}

static void list_block(struct verify *v, const struct pool *p, uint64_t i, const char *verdict)
{
	const addr_t start = p->blocks.first + i * p->blocks.size;
	struct heap *h = &v->s->heap;
	const uint64_t id = node_from(h, start);
	uint64_t row;

	if (i >= p->blocks.n)
		return;
	// The object may lie behind words of the collector's in the block.
	if (!pymalloc_is_free(&p->blocks, (uint32_t)i) && id < h->node_n &&
	    h->node_addr[id] - start < p->blocks.size && is_good(v, id)) {
		add_object(v, "pool", verdict, (uint32_t)id);
		return;
	}
	row = add_row(v, "pool", verdict, TABLE_UNKNOWN);
	table_set_u64(v->t, row, v->addr, start);
	if (pymalloc_is_free(&p->blocks, (uint32_t)i))
		table_set_str(v->t, row, v->detail, "a free block");
	else
		set_words(v, row, start);
}

static void list_pool(struct verify *v)
{
	struct pool *p = calloc(1, sizeof(*p));
	uint64_t i, row;
	char text[160];

	if (p && find_pool(v, p)) {
		i = (v->first_wrong - p->blocks.first) / p->blocks.size;
		row = add_row(v, "pool", "wrong", TABLE_UNKNOWN);
		// Of numbers with 20 digits and few words: it fits.
		(void)snprintf(text, sizeof(text),
			       "it is in block %" PRIu64 " of %u, of %u bytes, in the pool at "
			       "0x%" PRIx64 " of the arena that begins at 0x%" PRIx64,
			       i, p->blocks.n, p->blocks.size, p->addr, p->arena->first);
		table_set_u64(v->t, row, v->addr, p->blocks.first + i * p->blocks.size);
		table_set_str(v->t, row, v->detail, text);
		list_block(v, p, i - 1, "before");
		list_block(v, p, i + 1, "after");
	}
	v->t->failed |= !p;
	free(p);
}

static void list_neighbours(struct verify *v)
{
	const struct heap *h = &v->s->heap;
	const uint64_t at = node_from(h, v->first_wrong);
	uint64_t before = at, after = at, row;

	while (before > 0 && !is_good(v, before - 1))
		before--;
	while (after < h->node_n && !is_good(v, after))
		after++;
	if (before > 0)
		add_object(v, "neighbours", "before", (uint32_t)(before - 1));
	row = add_row(v, "neighbours", "wrong", TABLE_UNKNOWN);
	table_set_u64(v->t, row, v->addr, v->first_wrong);
	set_words(v, row, v->first_wrong);
	if (after < h->node_n)
		add_object(v, "neighbours", "after", (uint32_t)after);
	list_pool(v);
}

// -- the checks

static const struct check checks[] = {
	{"links", "links of the collector's lists that lead nowhere or back", summarize_damage,
	 NULL, DAMAGE_BAD_LINK},
	{"types", "objects whose type is not a readable type", summarize_damage, NULL,
	 DAMAGE_UNREADABLE_TYPE},
	{"type fields", "types that contradict themselves, or objects of theirs", summarize_damage,
	 NULL, DAMAGE_BAD_TYPE},
	{"objects", "objects whose memory is not there", summarize_damage, NULL,
	 DAMAGE_UNREADABLE_OBJECT},
	{"containers", "containers whose size or table is not possible", summarize_damage, NULL,
	 DAMAGE_BAD_CONTAINER},
	{"frames", "frames that cannot be followed", summarize_damage, NULL, DAMAGE_BAD_FRAME},
	{"threads", "interpreter or thread states that cannot be followed", summarize_damage, NULL,
	 DAMAGE_BAD_THREAD},
	{"tables", "objects of which the tables and the type's own code say different things",
	 summarize_lies, list_lies, DAMAGE_TABLES},
	{"refcounts", "objects that count fewer references than were found, or impossibly many",
	 summarize_refcounts, list_wrong_refcounts, DAMAGE_BAD_REFCOUNT},
	{"miscounted",
	 "static types that count fewer: nothing frees them, and modules forget a reference",
	 summarize_miscounted, list_miscounted, 0},
	{"exact", "objects all of whose references were found", summarize_exact, NULL, 0},
	{"held", "objects with more references than were found: held from C", summarize_held,
	 list_held, 0},
	{"hidden", "of these, objects that no variable, C stack or other word leads to",
	 summarize_hidden, list_hidden, 0},
};
#define CHECK_N (sizeof(checks) / sizeof(checks[0]))

static void add_columns(struct verify *v)
{
	v->check = table_column(v->t, "check", "", CCORE_STR, 0);
	v->verdict = table_column(v->t, "verdict", "", CCORE_STR, 0);
	v->count = table_column(v->t, "count", "objects", CCORE_U64, COLUMN_NULLABLE);
	v->addr = table_column(v->t, "addr", "", CCORE_ADDR, COLUMN_NULLABLE);
	v->type = table_column(v->t, "type", "", CCORE_STR, 0);
	v->refcount = table_column(v->t, "refcount", "", CCORE_U64, COLUMN_NULLABLE);
	v->references = table_column(v->t, "references", "", CCORE_U64, COLUMN_NULLABLE);
	v->detail = table_column(v->t, "detail", "", CCORE_STR, 0);
	v->t->noun = "rows";
}

// Of a type that all of the heap is made of, what is wrong with its objects is but the consequence.
static void find_wrong_type(struct verify *v)
{
	struct py_reader *r = heap_reader(&v->s->heap);
	const struct damage before = r->damage; // it was counted at first
	const addr_t type = core_types_check(&v->s->heap.runtime, r);

	r->damage = before;
	if (type)
		v->first_wrong = type;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct verify v = {.s = s, .t = &r->table};

	(void)a; // no options of its own
	TRY(session_residue(s, &v.residue, err));
	TRY(lies_find(&v.lies, s, err));
	heap_damage(&s->heap, &v.damage);
	add_columns(&v);
	for (unsigned i = 0; i < CHECK_N; i++)
		checks[i].summarize(&v, &checks[i]);
	find_wrong_type(&v);
	if (v.first_wrong)
		list_neighbours(&v);
	if (!s->target.threads.n)
		result_note(r, "the C stacks of this target are not known: objects that only they "
			       "hold count as hidden");
	for (unsigned i = 0; i < CHECK_N; i++)
		if (checks[i].list)
			checks[i].list(&v, &checks[i]);
	r->incomplete |= v.lies.n > 0;
	lies_done(&v.lies);
	return 0;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "whether the heap is consistent, and where it is corrupt",
	.argument = "",
	.details = "Walks all objects. What the tables say of each is compared with what its "
		   "type's own tp_traverse says, run in an emulated processor. A refcount must not "
		   "be less than the references to its "
		   "object that were found; what it is more is held from C. With something wrong, "
		   "shows the first such address between the good objects around it, and the exit "
		   "status is 3.",
	.example = "verify -n 3\n"
		   "check  verdict  count  addr  type  refcount  references  detail\n"
		   "links  ok           0  -     -            -           -  links of the …\n"
		   "types  ok           0  -     -            -           -  objects whose …\n"
		   "exact           29247  -     -            -           -  objects all of …\n"
		   "… 52 more rows\n",
	.run = run,
};
