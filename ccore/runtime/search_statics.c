// SPDX-License-Identifier: GPL-2.0-or-later
// What can be found once the interpreters are: through modules, types and the collector's lists.
#include "runtime/search.h"

struct search {
	struct py_reader *r;
	struct layout *l;
	const struct runtime *rt;
	const struct module *module;
	addr_t wanted; // of look_for_pointer(), look_for_count()
	addr_t found;
	uint32_t n;
	uint64_t count;
};

static bool is_missing(const struct search *s, enum symbol_id id)
{
	return !s->l->symbols[id];
}

static void scan(struct search *s, word_fn fn)
{
	s->n = 0;
	s->found = 0;
	search_words(s->rt->target, s->module, s->r, fn, s);
}

static bool add(struct search *s, addr_t at)
{
	s->found = at;
	s->n++;
	return true;
}

// -- objects that modules name

static addr_t builtin(const struct search *s, const char *name)
{
	return search_builtin(s->r, s->rt, name);
}

static void find_named(struct search *s)
{
	static const struct {
		enum symbol_id id;
		const char *name;
	} singletons[] = {
		{SYM_NONE, "None"},
		{SYM_NOT_IMPLEMENTED, "NotImplemented"},
		{SYM_ELLIPSIS, "Ellipsis"},
	};

	for (unsigned i = 0; i < sizeof(singletons) / sizeof(singletons[0]); i++)
		if (is_missing(s, singletons[i].id))
			search_set(s->l, singletons[i].id, builtin(s, singletons[i].name));
	if (is_missing(s, SYM_INSTANCE_TYPE27) && layout_has(s->l, F_IN_CLASS))
		search_set(s->l, SYM_INSTANCE_TYPE27,
			   search_name(s->r, s->rt, "types", "InstanceType"));
}

// str.join is a method of a static type.
static void find_method_type(struct search *s)
{
	const addr_t dict = type_dict(s->r, builtin(s, "str"));
	const addr_t method = dict ? dict_lookup(s->r, dict, "join") : 0;

	if (is_missing(s, SYM_METHOD_DESCR_TYPE) && method)
		search_set(s->l, SYM_METHOD_DESCR_TYPE, search_field(s->r, method, F_OB_TYPE));
}

// Where its characters are wide, sys.maxunicode is large; any address says so.
static void find_unicode_width(struct search *s)
{
	const addr_t max =
		layout_has(s->l, F_INT27_IVAL) ? search_name(s->r, s->rt, "sys", "maxunicode") : 0;

	if (is_missing(s, SYM_UNICODE27_UCS4) && search_field(s->r, max, F_INT27_IVAL) > 0xffff)
		search_set(s->l, SYM_UNICODE27_UCS4, max);
}

// -- subtype_dealloc(): what classes of Python have for tp_dealloc

#define VOTES 64u

struct poll {
	addr_t code[VOTES];
	uint32_t votes[VOTES], n;
};

static void vote(struct search *s, struct poll *poll, addr_t type)
{
	addr_t code;
	uint32_t i = 0;

	if (!search_is_object(s->r, type) ||
	    !(search_field(s->r, search_field(s->r, type, F_OB_TYPE), F_TP_FLAGS) >> TPFLAG_TYPE &
	      1) ||
	    !(search_field(s->r, type, F_TP_FLAGS) >> TPFLAG_HEAPTYPE & 1))
		return;
	code = search_field(s->r, type, F_TP_DEALLOC);
	while (i < poll->n && poll->code[i] != code)
		i++;
	if (i == VOTES)
		return;
	if (i == poll->n) {
		poll->code[poll->n++] = code;
		poll->votes[i] = 0;
	}
	poll->votes[i]++;
}

static void poll_module(struct search *s, struct poll *poll, addr_t module)
{
	struct dict_iter it;
	struct dict_item item;

	if (!dict_iter_init_at(&it, s->r, search_field(s->r, module, F_MD_DICT)))
		return;
	it.n = u64_min(it.n, LIM_NAMESPACE);
	while (dict_iter_next(&it, &item))
		vote(s, poll, item.value);
}

// Most classes of the modules that every interpreter has are Python's.
static void find_subtype_dealloc(struct search *s)
{
	const addr_t modules = dict_lookup(s->r, s->rt->interpreters.data[0].sysdict, "modules");
	struct poll poll = {.n = 0};
	uint32_t best = 0, all = 0;
	struct dict_iter it;
	struct dict_item item;

	if (!is_missing(s, SYM_SUBTYPE_DEALLOC) || !dict_iter_init_at(&it, s->r, modules))
		return;
	it.n = u64_min(it.n, LIM_NAMESPACE);
	while (dict_iter_next(&it, &item))
		poll_module(s, &poll, item.value);
	for (uint32_t i = 0; i < poll.n; i++) {
		best = poll.votes[i] > poll.votes[best] ? i : best;
		all += poll.votes[i];
	}
	if (poll.n && poll.votes[best] > all / 2)
		search_set(s->l, SYM_SUBTYPE_DEALLOC, poll.code[best]);
}

// -- lookdict(): how tables with keys that are no str are searched, to 3.10

#define DICTS_SEEN_MAX 1000000u

static bool has_other_key(struct search *s, addr_t dict, addr_t str_type)
{
	struct dict_iter it;
	struct dict_item item;

	if (!dict_iter_init_at(&it, s->r, dict))
		return false;
	it.n = u64_min(it.n, 64);
	while (dict_iter_next(&it, &item))
		if (search_is_object(s->r, item.key) &&
		    search_field(s->r, item.key, F_OB_TYPE) != str_type)
			return true;
	return false;
}

static void find_lookdict(struct search *s)
{
	const struct interpreter *in = &s->rt->interpreters.data[0];
	const addr_t dict_type = search_field(s->r, in->sysdict, F_OB_TYPE);
	const addr_t str_type = builtin(s, "str");
	const addr_t head = in->gc.heads[GC_GENERATIONS - 1];
	addr_t at = search_field(s->r, head, F_GC_NEXT) & ~3ull;

	if (!is_missing(s, SYM_LOOKDICT) || !layout_has(s->l, F_DK_LOOKUP) || !head)
		return;
	for (uint32_t i = 0; at && at != head && i < DICTS_SEEN_MAX; i++) {
		const addr_t object = at + layout_gc_head(s->l);

		if (search_field(s->r, object, F_OB_TYPE) == dict_type &&
		    has_other_key(s, object, str_type)) {
			search_set(s->l, SYM_LOOKDICT,
				   search_field(s->r, search_field(s->r, object, F_MA_KEYS),
						F_DK_LOOKUP));
			return;
		}
		at = search_field(s->r, at, F_GC_NEXT) & ~3ull;
	}
}

// -- pymalloc's arenas, to 3.11

#define ARENAS_FIRST 16u // how many records there are at first; their number is doubled

struct arena_record {
	addr_t address, pool_address, next;
	uint64_t total;
};

static struct arena_record arena_at(struct search *s, addr_t arenas, uint64_t i)
{
	const addr_t at = arenas + i * s->l->struct_size[S_arena_object];

	return (struct arena_record){
		.address = search_field(s->r, at, F_ARENA_ADDRESS),
		.pool_address = search_field(s->r, at, F_ARENA_POOL_ADDRESS),
		.next = search_field(s->r, at, F_ARENA_NEXT),
		.total = search_field(s->r, at, F_ARENA_NTOTALPOOLS),
	};
}

// One in use, and its first pool says which record it is of.
static bool arena_is_right(struct search *s, const struct arena_record *a, uint64_t i)
{
	const addr_t pool = (a->address + 4095) & ~4095ull;

	if (a->address % 4096 || !a->total || a->total > 64 || a->pool_address < a->address ||
	    a->pool_address - a->address > 64ull * 16384)
		return false;
	return a->pool_address == pool || search_field(s->r, pool, F_POOL_ARENAINDEX) == i ||
	       search_field(s->r, (a->address + 16383) & ~16383ull, F_POOL_ARENAINDEX) == i;
}

// Whether `n` records are the array: those not in use are one chain, which ends.
static bool arenas_are(struct search *s, addr_t arenas, uint64_t n)
{
	const uint32_t size = s->l->struct_size[S_arena_object];
	uint64_t used = 0, unused = 0, ends = 0;

	if (mem_readable(s->r->py->mem, arenas, n * size) < n * size)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		const struct arena_record a = arena_at(s, arenas, i);

		if (a.address) {
			if (!arena_is_right(s, &a, i))
				return false;
			used++;
			continue;
		}
		unused++;
		ends += !a.next;
		if (a.next && (a.next - arenas >= n * size || (a.next - arenas) % size))
			return false;
	}
	return used && (unused ? ends == 1 : true);
}

static uint64_t count_arenas(struct search *s, addr_t arenas)
{
	uint64_t n = 0;

	for (uint64_t k = ARENAS_FIRST; k <= LIM_ARENAS; k *= 2) {
		const struct arena_record last = arena_at(s, arenas, k - 1);

		if (arenas_are(s, arenas, k))
			n = k;
		else if (last.address && last.address % 4096)
			break;
	}
	return n;
}

static bool look_for_arenas(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;
	struct arena_record first;
	uint64_t n;

	if (!value || value % 8)
		return true;
	first = arena_at(s, value, 0);
	if (first.address ? !arena_is_right(s, &first, 0) : !first.next)
		return true;
	n = count_arenas(s, value);
	if (!n)
		return true;
	// `usable_arenas` and others point into the same array: the first record's is it.
	if (s->n && n <= s->count)
		return true;
	s->count = n;
	return add(s, at);
}

static bool look_for_count(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;
	const uint64_t away = at > s->wanted ? at - s->wanted : s->wanted - at;
	const uint64_t before = s->found > s->wanted ? s->found - s->wanted : s->wanted - s->found;

	for (unsigned half = 0; half < 2; half++)
		if ((uint32_t)(value >> 32 * half) == s->count && (!s->n || away < before))
			(void)add(s, at + 4 * half); // it goes on in any case
	return true;
}

static void find_arenas(struct search *s)
{
	addr_t arenas;

	if (layout_has(s->l, F_IS_OBMALLOC) || !layout_has(s->l, F_ARENA_NEXT) ||
	    !layout_has(s->l, F_POOL_ARENAINDEX) ||
	    (!is_missing(s, SYM_ARENAS) && !is_missing(s, SYM_MAXARENAS)))
		return;
	s->count = 0;
	scan(s, look_for_arenas);
	arenas = s->found;
	if (!arenas)
		return;
	// Only what it says matters: the nearest variable that says it.
	s->wanted = arenas;
	scan(s, look_for_count);
	if (!s->n)
		return;
	search_set(s->l, SYM_MAXARENAS, s->found);
	search_set(s->l, SYM_ARENAS, arenas);
}

// -- the dict of interned strings, to 3.11

#define INTERNED_LEAST 100u

static bool look_for_interned(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;
	struct dict_iter it;
	struct dict_item item;
	uint64_t n = 0;

	if (!value || value % 8 || search_field(s->r, value, F_OB_TYPE) != s->wanted ||
	    !dict_iter_init_at(&it, s->r, value))
		return true;
	while (n < 4 * INTERNED_LEAST && dict_iter_next(&it, &item)) {
		if (item.key != item.value)
			return true;
		n++;
	}
	return n < INTERNED_LEAST || add(s, at);
}

static void find_interned(struct search *s)
{
	const enum symbol_id id = layout_has(s->l, F_INT27_IVAL) ? SYM_INTERNED27 : SYM_INTERNED;

	if (!is_missing(s, id) || layout_has(s->l, F_IS_INTERNED))
		return;
	s->wanted = search_field(s->r, s->rt->interpreters.data[0].sysdict, F_OB_TYPE);
	scan(s, look_for_interned);
	if (s->n == 1)
		search_set(s->l, id, s->found);
}

// -- what a removed element of a set leaves

static bool look_for_dummy(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;

	if (!value || value % 8 || search_field(s->r, value, F_OB_TYPE) != s->wanted ||
	    !text_equals(s->r, value, "<dummy key>"))
		return true;
	// 2.7 has one for sets and one for dicts, and they look the same: as they come.
	if (!s->n)
		search_set(s->l, SYM_DICT_DUMMY_PTR27, at);
	else
		search_set(s->l, SYM_SET_DUMMY_PTR27, at);
	return add(s, at);
}

static void find_dummies(struct search *s)
{
	if (!layout_has(s->l, F_INT27_IVAL) || !is_missing(s, SYM_SET_DUMMY_PTR27) ||
	    !is_missing(s, SYM_DICT_DUMMY_PTR27))
		return;
	s->wanted = builtin(s, "str");
	scan(s, look_for_dummy);
}

// -- the slabs of ints and floats of 2.7

struct slab_search {
	struct search *s;
	addr_t type, found;
	enum field_id next, objects;
	uint32_t size, n;
};

// Every object is one of the type, or a free one: that has the next free one for a type.
static bool slab_is_right(struct slab_search *x, addr_t slab, uint64_t *ret_live)
{
	struct py_reader *r = x->s->r;
	const uint32_t bytes = x->s->l->fields[x->objects].size;
	const addr_t first = slab + layout_off(x->s->l, x->objects);

	if (slab % 8 || mem_readable(r->py->mem, first, bytes) < bytes)
		return false;
	for (uint32_t i = 0; i < bytes / x->size; i++) {
		const addr_t object = first + (uint64_t)i * x->size;
		const addr_t type = search_field(r, object, F_OB_TYPE);

		if (type == x->type && search_field(r, object, F_OB_REFCNT))
			++*ret_live;
		else if (type % 8 || (type && mem_readable(r->py->mem, type, x->size) < x->size))
			return false;
	}
	return true;
}

static bool look_for_slabs(void *ctx, addr_t at, uint64_t value)
{
	struct slab_search *x = ctx;
	const uint64_t most = x->s->r->py->mem->bytes / x->s->l->fields[x->objects].size;
	uint64_t live = 0, n = 0;
	addr_t slab = value;

	for (; slab && n <= most && slab_is_right(x, slab, &live); n++)
		slab = search_field(x->s->r, slab, x->next);
	if (!value || slab || !live)
		return true;
	x->n++;
	x->found = at;
	return true;
}

static void find_slabs(struct search *s, enum symbol_id id, const char *type, enum field_id next,
		       enum field_id objects, enum struct_id object)
{
	struct slab_search x = {
		.s = s,
		.type = builtin(s, type),
		.next = next,
		.objects = objects,
		.size = s->l->struct_size[object],
	};

	if (!is_missing(s, id) || !layout_has(s->l, next) || !layout_has(s->l, objects) ||
	    !x.type || !x.size || !s->l->fields[objects].size)
		return;
	search_words(s->rt->target, s->module, s->r, look_for_slabs, &x);
	if (x.n == 1)
		search_set(s->l, id, x.found);
}

// -- the lists that the module gc names

static bool look_for_pointer(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;

	return value != s->wanted || add(s, at);
}

static void find_gc_lists(struct search *s)
{
	static const struct {
		enum symbol_id id;
		const char *name;
	} lists[] = {{SYM_GARBAGE, "garbage"}, {SYM_CALLBACKS, "callbacks"}};

	if (layout_has(s->l, F_IS_GC) || layout_has(s->l, F_RT_GC))
		return;
	for (unsigned i = 0; i < 2; i++) {
		s->wanted = is_missing(s, lists[i].id)
				    ? search_name(s->r, s->rt, "gc", lists[i].name)
				    : 0;
		if (!s->wanted)
			continue;
		scan(s, look_for_pointer);
		if (s->n == 1)
			search_set(s->l, lists[i].id, s->found);
	}
}

void search_statics(struct layout *l, const struct runtime *rt, struct py_reader *r)
{
	struct search s = {.r = r, .l = l, .rt = rt, .module = l->module};
	const struct damage before = r->damage; // what is no object is tried, too

	find_named(&s);
	find_method_type(&s);
	find_unicode_width(&s);
	find_subtype_dealloc(&s);
	find_lookdict(&s);
	find_arenas(&s);
	find_interned(&s);
	find_dummies(&s);
	find_slabs(&s, SYM_INT_BLOCKS27, "int", F_INTBLOCK_NEXT, F_INTBLOCK_OBJECTS, S_PyIntObject);
	find_slabs(&s, SYM_FLOAT_BLOCKS27, "float", F_FLOATBLOCK_NEXT, F_FLOATBLOCK_OBJECTS,
		   S_PyFloatObject);
	find_gc_lists(&s);
	r->damage = before;
}
