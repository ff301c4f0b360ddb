// SPDX-License-Identifier: GPL-2.0-or-later
// PyType_Type, the list of interpreters, and the collector's lists of 2.7 and 3.6.
#include "runtime/search.h"

#define CANDIDATES_MAX 64u

struct search {
	struct py_reader *r;
	struct layout *l;
	const struct target *t;
	addr_t found[CANDIDATES_MAX];
	uint32_t n; // may be more than there is room for
};

static bool add(struct search *s, addr_t at)
{
	if (s->n < CANDIDATES_MAX)
		s->found[s->n] = at;
	return ++s->n < CANDIDATES_MAX;
}

// -- PyType_Type: its own type

static bool keep_self_word(void *ctx, addr_t at, uint64_t value)
{
	struct self_words *self = ctx;

	if (at - value > LIM_OBJECT_HEAD_BYTES)
		return true;
	return self->at.n < LIM_SELF_WORDS && vec_push(&self->at, at);
}

// Dozens of layouts may be tried, and a program's variables may be gigabytes: they are read once.
static void find_self_words(struct search *s, struct self_words *self)
{
	if (self->is_known && self->module == s->l->module)
		return;
	self->at.n = 0;
	self->module = s->l->module;
	self->is_known = true;
	search_words(s->t, s->l->module, s->r, keep_self_word, self);
}

// `at` is the word that says its type.
static bool look_for_type(struct search *s, addr_t at)
{
	const struct layout *l = s->l;
	const addr_t type = at - layout_off(l, F_OB_TYPE);
	addr_t base;

	if (search_word(s->r, at) != type ||
	    search_field(s->r, type, F_TP_BASICSIZE) != l->struct_size[S_PyHeapTypeObject] ||
	    search_field(s->r, type, F_TP_ITEMSIZE) != l->struct_size[S_PyMemberDef] ||
	    !(search_field(s->r, type, F_TP_FLAGS) >> TPFLAG_TYPE & 1))
		return true;
	// "object" is its base, and has none.
	base = search_field(s->r, type, F_TP_BASE);
	if (search_field(s->r, base, F_OB_TYPE) != type || search_field(s->r, base, F_TP_BASE) ||
	    search_field(s->r, base, F_TP_BASICSIZE) != l->struct_size[S_PyObject])
		return true;
	return add(s, type);
}

static int find_type(struct search *s, struct self_words *self, struct ccore_error *err)
{
	if (s->l->symbols[SYM_TYPE_TYPE])
		return 0;
	find_self_words(s, self);
	s->n = 0;
	for (uint64_t i = 0; i < self->at.n && look_for_type(s, self->at.data[i]); i++)
		;
	if (!s->n && self->at.n == LIM_SELF_WORDS)
		return err_set(err, CCORE_ELAYOUT, 0,
			       "none of the first %u words that point to themselves is "
			       "PyType_Type's",
			       LIM_SELF_WORDS);
	if (s->n != 1)
		return err_set(err, CCORE_ELAYOUT, 0, "%s PyType_Type in its memory",
			       s->n ? "there is more than one" : "there is no");
	search_set(s->l, SYM_TYPE_TYPE, s->found[0]);
	if (!s->l->module)
		s->l->module = target_module_at(s->t, s->found[0]);
	return s->l->module ? 0 : err_set(err, CCORE_ELAYOUT, s->found[0], "it is in no file");
}

// -- interpreters

static bool may_be_interpreter(struct search *s, addr_t addr)
{
	const addr_t dict = addr && addr % 8 == 0 ? search_field(s->r, addr, F_IS_SYSDICT) : 0;

	return dict && (search_is_object(s->r, dict) || search_is_gone(s->t, dict));
}

static bool is_interpreter(struct search *s, addr_t addr)
{
	const struct layout *l = s->l;
	addr_t thread;

	if (!may_be_interpreter(s, addr))
		return false;
	thread = search_field(s->r, addr, F_IS_THREADS);
	if (!thread || thread % 8 || !layout_has(l, F_TS_INTERP))
		return false;
	return search_field(s->r, thread, F_TS_INTERP) == addr;
}

// Whether the main interpreter, where it is a part of _PyRuntime, may be that of this one: it comes
// after the list. The heads of pymalloc's empty lists of pools point before themselves.
static bool is_in_runtime(const struct layout *l, addr_t runtime, addr_t main)
{
	return main % 8 == 0 && main > runtime + layout_off(l, F_RT_INTERPRETERS) + 8 &&
	       main - runtime < l->struct_size[S_runtime];
}

// Whether the list that begins with interpreter `at` has `wanted` in it.
static bool leads_to(struct search *s, addr_t at, addr_t wanted)
{
	for (uint32_t i = 0; at && at != wanted && i < LIM_INTERPRETERS; i++)
		at = search_field(s->r, at, F_IS_NEXT);
	return at == wanted;
}

// _PyRuntime.interpreters.head, the newest, which may have no thread, and .main after it.
static bool look_for_runtime(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;
	const addr_t runtime = at - layout_off(s->l, F_RT_INTERPRETERS);
	addr_t main;

	if (!may_be_interpreter(s, value))
		return true;
	main = search_word(s->r, at + 8);
	if (!is_interpreter(s, main) || !leads_to(s, value, main) ||
	    (layout_has(s->l, F_RT_MAIN) && !is_in_runtime(s->l, runtime, main)))
		return true;
	return add(s, runtime);
}

/*
 * The main interpreter's place tells whether _PyRuntime is as the layout has it. Of another C
 * library's locks and the like it has other sizes: then what lies beyond them is not known.
 */
static void settle_runtime(struct search *s)
{
	struct layout *l = s->l;
	const addr_t runtime = l->symbols[SYM_PyRuntime];
	addr_t main;

	if (!runtime || !layout_has(l, F_RT_MAIN) || !layout_has(l, F_RT_INTERPRETERS))
		return;
	main = search_word(s->r, runtime + layout_off(l, F_RT_INTERPRETERS) + 8);
	if (main == runtime + layout_off(l, F_RT_MAIN) || !is_in_runtime(l, runtime, main))
		return;
	l->fields[F_RT_MAIN].off = (uint32_t)(main - runtime);
	l->field_origin[F_RT_MAIN] = ORIGIN_STRUCTURE;
	l->fields[F_RT_FAULTHANDLER].found = false;
	l->fields[F_RT_FAULTHANDLER_FD].found = false;
	if (l->origin == ORIGIN_TABLE)
		l->origin = ORIGIN_NEAREST;
}

static bool look_for_head(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;

	return !is_interpreter(s, value) || add(s, at);
}

// Of variables that point to interpreters, the list's leads to all of them.
static bool leads_to_all(struct search *s, addr_t head)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!leads_to(s, search_word(s->r, head), search_word(s->r, s->found[i])))
			return false;
	return true;
}

static int find_head(struct search *s, struct ccore_error *err)
{
	const bool has_runtime = layout_has(s->l, F_RT_INTERPRETERS);
	const enum symbol_id id = has_runtime ? SYM_PyRuntime : SYM_INTERP_HEAD;
	uint32_t best = 0;

	if (s->l->symbols[id])
		return 0;
	s->n = 0;
	search_words(s->t, s->l->module, s->r, has_runtime ? look_for_runtime : look_for_head, s);
	if (!s->n || s->n >= CANDIDATES_MAX || (has_runtime && s->n != 1))
		return err_set(err, CCORE_ELAYOUT, 0,
			       "%s in it that could be the list of "
			       "interpreters",
			       s->n ? "there are several words" : "there is no word");
	while (!has_runtime && best < s->n && !leads_to_all(s, s->found[best]))
		best++;
	if (best == s->n)
		return err_set(err, CCORE_ELAYOUT, 0,
			       "there are words in it that lead to different interpreters");
	search_set(s->l, id, s->found[best]);
	return 0;
}

// -- generations: rings of objects, through three neighbours

// Whether the neighbour leads back, or may: it can be among what the core was cut off before.
static bool leads_back(struct search *s, addr_t neighbour, enum field_id link, addr_t head)
{
	return neighbour % 8 == 0 &&
	       (search_field(s->r, neighbour, link) == head || search_is_gone(s->t, neighbour));
}

static bool is_ring_head(struct search *s, addr_t head)
{
	const struct layout *l = s->l;
	const addr_t next = search_field(s->r, head, F_GC_NEXT);
	const addr_t prev = search_field(s->r, head, F_GC_PREV);

	return next && prev && layout_has(l, F_GC_PREV) && leads_back(s, next, F_GC_PREV, head) &&
	       leads_back(s, prev, F_GC_NEXT, head) && (next != head) == (prev != head);
}

static bool look_for_generations(void *ctx, addr_t at, uint64_t value)
{
	struct search *s = ctx;
	const addr_t array = at - layout_off(s->l, F_GEN_HEAD) - layout_off(s->l, F_GC_NEXT);
	bool any = false;

	if (!value || value % 8)
		return true;
	for (unsigned i = 0; i < GC_GENERATIONS; i++) {
		const addr_t gen = array + i * s->l->struct_size[S_gc_generation];
		const addr_t head = gen + layout_off(s->l, F_GEN_HEAD);
		const addr_t next = search_field(s->r, head, F_GC_NEXT);

		if (!is_ring_head(s, head) || search_field(s->r, gen, F_GEN_THRESHOLD) > 1u << 30)
			return true;
		if (next == head)
			continue;
		any = true;
		if (!search_is_object(s->r, next + layout_gc_head(s->l)) &&
		    !search_is_gone(s->t, next))
			return true;
	}
	return !any || add(s, array);
}

static void search_generations(struct search *s, uint32_t size)
{
	s->l->struct_size[S_gc_generation] = size;
	s->n = 0;
	search_words(s->t, s->l->module, s->r, look_for_generations, s);
}

/*
 * To 2.7.15 PyGC_Head has a long double in it, which makes a generation end at a multiple of 16,
 * and from 2.7.16 on none: the layout of the one is tried for the other.
 */
static int find_generations(struct search *s, struct ccore_error *err)
{
	struct layout *l = s->l;
	const uint32_t size = l->struct_size[S_gc_generation];

	if (layout_has(l, F_IS_GC) || layout_has(l, F_RT_GC) || l->symbols[SYM_GENERATIONS])
		return 0;
	search_generations(s, size);
	if (!s->n && size % 16)
		search_generations(s, (size | 15) + 1);
	if (s->n != 1)
		return err_set(err, CCORE_ELAYOUT, 0,
			       "%s in it that could be the collector's lists",
			       s->n ? "there are several arrays" : "there is no array");
	search_set(s->l, SYM_GENERATIONS, s->found[0]);
	return 0;
}

int search_interpreter(struct layout *l, const struct target *t, struct self_words *self,
		       struct py_reader *r, struct ccore_error *err)
{
	struct search s = {.r = r, .l = l, .t = t};

	TRY(find_type(&s, self, err));
	TRY(find_head(&s, err));
	settle_runtime(&s);
	return find_generations(&s, err);
}
