// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/unreachable.h"

#include <stdlib.h>

struct search {
	const struct unreachable_query *q;
	uint8_t *why;
	VEC(uint32_t) todo;
};

static bool set_why(struct search *s, uint32_t id, enum unreachable_why why)
{
	s->why[id] = (uint8_t)why;
	return vec_push(&s->todo, id);
}

// Whatever nodes of `from` the nodes in s->todo lead to become `to`.
static bool spread(struct search *s, enum unreachable_why from, enum unreachable_why to)
{
	const struct graph *g = s->q->graph;

	while (s->todo.n) {
		const uint32_t id = vec_pop(&s->todo);

		for (uint64_t e = g->out_first[id]; e < g->out_first[id + 1]; e++) {
			const uint32_t target = g->out[e] & ~GRAPH_GUESS;

			if (s->why[target] == from && !set_why(s, target, to))
				return false;
		}
	}
	return true;
}

// References that objects have to `id`.
static uint64_t accounted_for(const struct graph *g, uint32_t id)
{
	uint64_t n = 0;

	for (uint64_t e = g->in_first[id]; e < g->in_first[id + 1]; e++)
		n += !(g->in[e] & GRAPH_GUESS);
	return n;
}

static bool find(struct search *s)
{
	const struct unreachable_query *q = s->q;
	const uint32_t n = q->graph->n;

	for (uint32_t id = 0; id < n; id++)
		s->why[id] = HELD_IN_CYCLE;
	for (uint32_t id = 0; id < n; id++)
		if (q->is_root(q->ctx, id) && !set_why(s, id, REACHABLE))
			return false;
	if (!spread(s, HELD_IN_CYCLE, REACHABLE))
		return false;
	for (uint32_t id = 0; id < n; id++)
		if (s->why[id] != REACHABLE &&
		    q->refcount(q->ctx, id) > accounted_for(q->graph, id) &&
		    !set_why(s, id, HELD_BY_C))
			return false;
	return spread(s, HELD_IN_CYCLE, HELD_THROUGH_C);
}

int unreachable_find(struct unreachable *ret, const struct unreachable_query *q,
		     struct ccore_error *err)
{
	struct search s = {.q = q, .why = malloc(q->graph->n + 1ull)};
	bool ok = s.why && find(&s);

	vec_done(&s.todo);
	if (!ok) {
		free(s.why);
		return err_nomem(err);
	}
	*ret = (struct unreachable){.why = s.why};
	for (uint32_t id = 0; id < q->graph->n; id++)
		ret->n += s.why[id] != REACHABLE;
	return 0;
}

void unreachable_done(struct unreachable *u)
{
	free(u->why);
	u->why = NULL;
}

const char *unreachable_name(enum unreachable_why why)
{
	switch (why) {
	case REACHABLE:
		break;
	case HELD_BY_C:
		return "c";
	case HELD_THROUGH_C:
		return "through-c";
	case HELD_IN_CYCLE:
		return "cycle";
	}
	return NULL;
}
