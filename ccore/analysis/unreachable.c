// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/unreachable.h"

#include <stdlib.h>

struct search {
	const struct unreachable_query *q;
	struct graph forward;
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
	while (s->todo.n) {
		uint64_t n;
		const uint32_t *targets = graph_sources(&s->forward, vec_pop(&s->todo), &n);

		for (uint64_t e = 0; e < n; e++) {
			const uint32_t target = targets[e] & ~GRAPH_GUESS;

			if (s->why[target] == from && !set_why(s, target, to))
				return false;
		}
	}
	return true;
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
		if (s->why[id] != REACHABLE && q->is_held(q->ctx, id) && !set_why(s, id, HELD_BY_C))
			return false;
	return spread(s, HELD_IN_CYCLE, HELD_THROUGH_C);
}

int unreachable_find(struct unreachable *ret, const struct unreachable_query *q,
		     struct ccore_error *err)
{
	struct search s = {.q = q};
	bool ok;

	TRY(graph_turn(&s.forward, q->graph, true, q->max_bytes, q->progress, err));
	s.why = malloc(q->graph->n + 1ull);
	ok = s.why && find(&s);
	graph_done(&s.forward);
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
