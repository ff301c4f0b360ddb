// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/chain_search.h"

#include <stdlib.h>

// -- where a chain may begin

enum goal { GOAL_MODULE, GOAL_FRAME, GOAL_THREAD, GOAL_STATIC, GOAL_ANY, GOAL_TYPE };

// What the references of one object that are called as --exclude says lead to, and no other
// references of it do. Kept for each object, because a large one is asked for each thing in it.
struct excluded {
	VEC(addr_t) all;
};

struct chain_search {
	struct session *s;
	enum goal goal;
	uint8_t *goal_types;	   // of GOAL_TYPE, by type index
	uint8_t *exclude_types;	   // or NULL
	const char *exclude_label; // ".attr", or NULL for every reference
	VEC(struct excluded) excluded;
	struct hashmap excluded_at;    // node id + 1 -> index
	const struct residue *residue; // when guesses are followed
	bool held;		       // goals are the objects that C code holds
	uint32_t *from;
	uint64_t from_n;
};

static bool is_module(const struct heap *h, uint32_t id)
{
	return id < h->node_n && heap_node_type(h, id)->family == &family_module;
}

static bool is_static_type(const struct heap *h, uint32_t id)
{
	uint64_t flags;

	return id < h->node_n && heap_node_type(h, id)->flags & TYPE_IS_TYPE &&
	       mem_read_u64(h->py.mem, h->node_addr[id] + layout_off(&h->layout, F_TP_FLAGS),
			    &flags) == 0 &&
	       !(flags >> TPFLAG_HEAPTYPE & 1);
}

static bool is_root(const struct heap *h, uint32_t id, enum root_kind kind)
{
	const struct root *root = id >= h->node_n ? &h->roots.all.data[id - h->node_n] : NULL;

	return root && root->kind == kind && !root_is_stale(&h->runtime, root);
}

static bool is_any_root(const struct heap *h, uint32_t id)
{
	return id >= h->node_n && is_root(h, id, h->roots.all.data[id - h->node_n].kind);
}

static bool is_goal(void *ctx, uint32_t id)
{
	const struct chain_search *c = ctx;
	const struct heap *h = &c->s->heap;

	if (c->held)
		return id < h->node_n && c->residue->of[id] > 0;
	switch (c->goal) {
	case GOAL_MODULE:
		return is_module(h, id);
	case GOAL_FRAME:
		return is_root(h, id, ROOT_FRAME);
	case GOAL_THREAD:
		return is_root(h, id, ROOT_FRAME) || is_root(h, id, ROOT_THREAD) ||
		       is_root(h, id, ROOT_STACK);
	case GOAL_STATIC:
		return is_root(h, id, ROOT_STATIC) || is_static_type(h, id);
	case GOAL_ANY:
		return is_any_root(h, id) || is_module(h, id) || is_static_type(h, id);
	case GOAL_TYPE:
		// The object asked for does not explain itself.
		return id < h->node_n && c->goal_types[h->node_type[id]] &&
		       !(c->from_n == 1 && id == c->from[0]);
	}
	return false;
}

// -- references that do not count

// Who is owned by something that was not understood counts a reference more than were found.
static bool may_be_guessed(void *ctx, uint32_t target)
{
	const struct chain_search *c = ctx;

	return target < c->s->heap.node_n && // nothing refers to a root
	       (c->residue->of[target] > 0 || c->residue->of[target] == RESIDUE_NONE);
}

struct label_search {
	struct chain_search *c;
	uint32_t source;
	struct excluded *found;
	bool collect; // else drop what another reference leads to, too
};

static bool is_so_called(const struct label_search *x, const struct edge *e)
{
	struct strbuf label = {0};
	bool so_called;

	// Others do not begin with a dot, and large objects have many.
	if (e->label != LABEL_TEXT && e->label != LABEL_ATTR_SLOT)
		return false;
	references_label(&x->c->s->heap, x->source, e, &label);
	so_called = !label.failed && label.n && strcmp(label.data, x->c->exclude_label) == 0;
	strbuf_done(&label);
	return so_called;
}

static bool take_label(void *ctx, const struct edge *e)
{
	struct label_search *x = ctx;
	struct excluded *found = x->found;
	uint64_t n = 0;

	if (!edge_is_strong(e) || is_so_called(x, e) != x->collect)
		return true;
	if (x->collect)
		return vec_push(&found->all, e->to);
	for (uint64_t i = 0; i < found->all.n; i++)
		if (found->all.data[i] != e->to)
			found->all.data[n++] = found->all.data[i];
	found->all.n = n;
	return n > 0;
}

static const struct excluded *find_excluded(struct chain_search *c, uint32_t source)
{
	struct excluded found = {0};
	struct label_search x = {.c = c, .source = source, .found = &found, .collect = true};
	uint32_t i;

	if (hashmap_get(&c->excluded_at, source + 1ull, &i))
		return &c->excluded.data[i];
	references_each(&c->s->heap, source, take_label, &x);
	x.collect = false;
	if (found.all.n)
		references_each(&c->s->heap, source, take_label, &x);
	if (!hashmap_put(&c->excluded_at, source + 1ull, (uint32_t)c->excluded.n) ||
	    !vec_push(&c->excluded, found)) {
		vec_done(&found.all);
		return NULL;
	}
	return &c->excluded.data[c->excluded.n - 1];
}

static bool is_excluded(void *ctx, uint32_t source, uint32_t target)
{
	struct chain_search *c = ctx;
	const struct heap *h = &c->s->heap;
	const struct excluded *x;

	if (source >= h->node_n || !c->exclude_types[h->node_type[source]])
		return false;
	if (!c->exclude_label)
		return true;
	x = find_excluded(c, source);
	for (uint64_t i = 0; x && i < x->all.n; i++)
		if (x->all.data[i] == node_address(c->s, target))
			return true;
	return false;
}

// TYPE, or else TYPE.attr.
static int parse_exclude(struct chain_search *c, const char *text, struct strbuf *type,
			 struct ccore_error *err)
{
	const char *dot = strrchr(text, '.');

	if (session_match_types(c->s, text, &c->exclude_types, NULL) == 0)
		return 0;
	strbuf_add(type, text, dot ? (uint64_t)(dot - text) : strlen(text));
	if (type->failed)
		return err_nomem(err);
	c->exclude_label = dot;
	return session_match_types(c->s, type->data, &c->exclude_types, err);
}

static int parse_goal(struct chain_search *c, const char *to, struct ccore_error *err)
{
	static const char *const names[] = {
		[GOAL_MODULE] = "module", [GOAL_FRAME] = "frame", [GOAL_THREAD] = "thread",
		[GOAL_STATIC] = "static", [GOAL_ANY] = "any",
	};
	int r;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(to, names[i]) == 0) {
			c->goal = (enum goal)i;
			return 0;
		}
	}
	c->goal = GOAL_TYPE;
	r = session_match_types(c->s, to, &c->goal_types, err);
	return r < 0 ? err_prefix(err, r,
				  "--to must be module, frame, thread, static, any or a type")
		     : 0;
}

// -- the search

static int make_query(struct chain_search *c, const struct chain_request *q, uint64_t wanted,
		      bool guesses, struct path_query *ret, struct ccore_error *err)
{
	struct graph *g;

	TRY(session_graph(c->s, &g, err));
	*ret = (struct path_query){
		.graph = g,
		.from = c->from,
		.from_n = c->from_n,
		.wanted = wanted,
		.max_depth = q->max_depth ? q->max_depth : UINT64_MAX,
		.guesses = guesses,
		.ctx = c,
		.may_be_guessed = may_be_guessed,
		.is_goal = is_goal,
		.is_excluded = c->exclude_types ? is_excluded : NULL,
		.progress = &c->s->progress,
	};
	return 0;
}

static int search(struct chain_search *c, const struct chain_request *q, uint64_t wanted,
		  bool guesses, struct paths *ret, struct ccore_error *err)
{
	struct path_query query;

	TRY(make_query(c, q, wanted, guesses, &query, err));
	return paths_find(ret, &query, err);
}

// The nearest objects of many. Of guesses only the nearest: they rarely are all that there is.
static int search_objects(struct chain_search *c, const struct chain_request *q, bool guesses,
			  struct paths *ret, struct ccore_error *err)
{
	struct path_query query;
	int r;

	if (q->wanted <= 1 || guesses)
		return search(c, q, q->wanted ? 1 : 0, guesses, ret, err);
	TRY(make_query(c, q, q->wanted, false, &query, err));
	r = paths_find_nearest(ret, &query, session_spare_bytes(c->s), err);
	return r == CCORE_ENOMEM ? references_nomem(&c->s->heap, err) : r;
}

// C code is the root of these chains.
static int begin_with_held(struct chain_search *c, struct paths *found, struct ccore_error *err)
{
	const struct heap *h = &c->s->heap;
	const uint32_t root = (uint32_t)(h->node_n + h->roots.all.n - 1);

	for (uint64_t i = 0; i < found->all.n; i++) {
		struct path *p = &found->all.data[i];

		if (!vec_push(&p->ids, root))
			return err_nomem(err);
		memmove(p->ids.data + 1, p->ids.data, (p->ids.n - 1) * sizeof(*p->ids.data));
		p->ids.data[0] = root;
	}
	return 0;
}

static void note_outcome(struct chain_search *c, const struct chain_request *q, uint64_t object_n,
			 bool guessed, const struct paths *found, struct ccore_result *r)
{
	if (guessed && found->all.n)
		result_note(r, "found only by way of guesses: ~ marks words that look like "
			       "references");
	if (object_n > 1 && found->all.n)
		result_note(
			r,
			found->all.n == 1 && q->wanted == 1
				? "%llu objects of this type in all; this is the nearest one, -k N "
				  "shows more"
				: "%llu objects of this type in all; these are the nearest %llu",
			(unsigned long long)object_n, (unsigned long long)found->all.n);
	if (found->all.n && c->held)
		result_note(r, "no root leads to it, but it, or what leads to it, counts more "
			       "references than were found: C code holds them");
	if (found->all.n)
		return;
	if (found->depth_was_hit)
		result_note(
			r,
			"no chain of at most %llu references leads from a %s to it; --max-depth 0 "
			"searches without a limit",
			(unsigned long long)q->max_depth, q->to);
	else if (c->goal == GOAL_ANY)
		result_note(r, "nothing holds it: no root leads to it, and no C code has a "
			       "reference to it or to what leads to it; it is garbage that was "
			       "not yet collected, or static");
	else
		result_note(r,
			    "no chain of references leads from a %s to it; --to any looks for "
			    "other roots",
			    q->to);
}

static int prepare(struct chain_search *c, const struct chain_request *q, struct strbuf *scratch,
		   struct ccore_error *err)
{
	struct node_list nodes;

	TRY(session_named_nodes(c->s, q->argument, &nodes, err));
	c->from = nodes.ids.data;
	c->from_n = nodes.ids.n;
	TRY(parse_goal(c, q->to, err));
	return q->exclude ? parse_exclude(c, q->exclude, scratch, err) : 0;
}

int chains_find(struct session *s, const struct chain_request *q, struct paths *ret,
		struct ccore_result *r, struct ccore_error *err)
{
	struct chain_search c = {.s = s};
	bool guessed = false;
	struct strbuf scratch = {0};
	int status = prepare(&c, q, &scratch, err);
	const uint64_t object_n = c.from_n;

	*ret = (struct paths){0};
	// Guesses only when nothing certain is found, and C code only when nothing else is.
	for (int attempt = 0; status == 0 && attempt < 3 && !ret->all.n; attempt++) {
		guessed = attempt == 1;
		if (attempt == 2 && (c.goal != GOAL_ANY || ret->depth_was_hit))
			break;
		c.held = attempt == 2;
		if (attempt == 1)
			status = session_residue(s, &c.residue, err);
		paths_done(ret);
		*ret = (struct paths){0};
		if (status == 0)
			status = object_n == 1 ? search(&c, q, q->wanted, attempt > 0, ret, err)
					       : search_objects(&c, q, attempt > 0, ret, err);
	}
	if (status == 0 && c.held)
		status = begin_with_held(&c, ret, err);
	if (status == 0)
		note_outcome(&c, q, object_n, guessed, ret, r);
	else
		paths_done(ret);
	free(c.from);
	free(c.goal_types);
	free(c.exclude_types);
	for (uint64_t i = 0; i < c.excluded.n; i++)
		vec_done(&c.excluded.data[i].all);
	vec_done(&c.excluded);
	hashmap_done(&c.excluded_at);
	strbuf_done(&scratch);
	return status;
}

// -- the reference between two nodes

struct edge_search {
	addr_t to;
	struct edge best;
	bool found;
};

// A value says more than a key does, and anything more than a guess.
bool edge_says_more(const struct edge *e, const struct edge *than)
{
	return (than->kind == EDGE_GUESS && e->kind != EDGE_GUESS) ||
	       (than->label == LABEL_KEY_ITSELF && e->label != LABEL_KEY_ITSELF);
}

static bool keep_best(void *ctx, const struct edge *e)
{
	struct edge_search *x = ctx;

	if (e->to != x->to || e->kind == EDGE_WEAK || e->kind == EDGE_BORROWED)
		return true;
	if (!x->found || edge_says_more(e, &x->best))
		x->best = *e;
	x->found = true;
	return true;
}

enum edge_kind chain_edge(struct session *s, uint32_t from, uint32_t to, struct strbuf *label)
{
	struct edge_search x = {.to = node_address(s, to)};

	if (is_root(&s->heap, from, ROOT_HELD)) {
		strbuf_printf(label, " %d of its references", s->residue.of[to]);
		return EDGE_OWN;
	}
	references_each(&s->heap, from, keep_best, &x);
	if (!x.found)
		return EDGE_GUESS;
	if (x.best.kind == EDGE_GUESS)
		strbuf_putc(label, '~');
	references_label(&s->heap, from, &x.best, label);
	return (enum edge_kind)x.best.kind;
}
