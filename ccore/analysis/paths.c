// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/paths.h"

#include <stdlib.h>

#define UNSEEN UINT32_MAX

struct search {
	const struct path_query *q;
	struct paths *out;
	struct ccore_error *err;
	uint32_t *toward; // the next node on the way to the object; itself at the object
	VEC(uint32_t) queue;
};

static int keep_path(struct search *s, uint32_t goal)
{
	struct path path = {0};

	for (uint32_t id = goal;; id = s->toward[id]) {
		if (!vec_push(&path.ids, id)) {
			vec_done(&path.ids);
			return err_nomem(s->err);
		}
		if (s->toward[id] == id)
			break;
	}
	if (vec_push(&s->out->all, path))
		return 0;
	vec_done(&path.ids);
	return err_nomem(s->err);
}

static int see(struct search *s, uint32_t id, uint32_t toward)
{
	s->toward[id] = toward;
	return vec_push(&s->queue, id) ? 0 : err_nomem(s->err);
}

static int see_sources(struct search *s, uint32_t target)
{
	const struct graph *g = s->q->graph;

	for (uint64_t e = g->in_first[target]; e < g->in_first[target + 1]; e++) {
		const uint32_t source = g->in[e] & ~GRAPH_GUESS;

		if (s->toward[source] != UNSEEN || (g->in[e] & GRAPH_GUESS && !s->q->guesses))
			continue;
		if (s->q->is_excluded && s->q->is_excluded(s->q->ctx, source, target))
			continue;
		TRY(see(s, source, target));
	}
	return 0;
}

// Level by level, so that the depth is known without a counter a node.
static int run(struct search *s)
{
	uint64_t level_end = s->queue.n, depth = 0;

	for (uint64_t i = 0; i < s->queue.n && s->out->all.n < s->q->wanted; i++) {
		const uint32_t id = s->queue.data[i];

		if (i == level_end) {
			level_end = s->queue.n;
			depth++;
		}
		TRY(progress_poll(s->q->progress, "searching chains", i, s->q->graph->n, s->err));
		// A goal ends its chain: what lies behind it keeps the goal alive, not the object.
		if (s->q->is_goal(s->q->ctx, id))
			TRY(keep_path(s, id));
		else if (depth < s->q->max_depth)
			TRY(see_sources(s, id));
		else
			s->out->depth_was_hit = true;
	}
	return 0;
}

int paths_find(struct paths *ret, const struct path_query *q, struct ccore_error *err)
{
	struct search s = {.q = q, .out = ret, .err = err};
	int r = 0;

	*ret = (struct paths){0};
	s.toward = malloc((q->graph->n + 1ull) * sizeof(*s.toward));
	if (!s.toward)
		return err_nomem(err);
	for (uint64_t i = 0; i < q->graph->n; i++)
		s.toward[i] = UNSEEN;
	for (uint64_t i = 0; r == 0 && i < q->from_n; i++)
		if (s.toward[q->from[i]] == UNSEEN)
			r = see(&s, q->from[i], q->from[i]);
	if (r == 0)
		r = run(&s);
	free(s.toward);
	vec_done(&s.queue);
	if (r < 0)
		paths_done(ret);
	return r;
}

void paths_done(struct paths *p)
{
	for (uint64_t i = 0; i < p->all.n; i++)
		vec_done(&p->all.data[i].ids);
	vec_done(&p->all);
}
