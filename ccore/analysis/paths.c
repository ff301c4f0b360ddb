// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/paths.h"

#include <stdlib.h>

#define UNSEEN UINT32_MAX

// A node seen, and how many references it is from the object.
struct seen {
	uint32_t id;
	uint32_t depth;
};

// A guessed reference, to be followed when everything certain has been.
struct guess {
	uint32_t source, target, depth;
};

struct search {
	const struct path_query *q;
	struct paths *out;
	struct ccore_error *err;
	uint32_t *toward; // the next node on the way to the object; itself at the object
	VEC(struct seen) queue;
	VEC(struct guess) guesses;
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

static int see(struct search *s, uint32_t id, uint32_t toward, uint32_t depth)
{
	const struct seen seen = {.id = id, .depth = depth};

	s->toward[id] = toward;
	return vec_push(&s->queue, seen) ? 0 : err_nomem(s->err);
}

static int see_sources(struct search *s, uint32_t target, uint32_t depth)
{
	const struct graph *g = s->q->graph;
	const bool guessed =
		s->q->guesses && (!s->q->may_be_guessed || s->q->may_be_guessed(s->q->ctx, target));

	for (uint64_t e = g->in_first[target]; e < g->in_first[target + 1]; e++) {
		const uint32_t source = g->in[e] & ~GRAPH_GUESS;
		const struct guess guess = {source, target, depth};

		if (s->toward[source] != UNSEEN || (g->in[e] & GRAPH_GUESS && !guessed))
			continue;
		if (s->q->is_excluded && s->q->is_excluded(s->q->ctx, source, target))
			continue;
		if (!(g->in[e] & GRAPH_GUESS))
			TRY(see(s, source, target, depth));
		else if (!vec_push(&s->guesses, guess))
			return err_nomem(s->err);
	}
	return 0;
}

// Follow the guesses that are left over, once each: what they lead to comes next.
static int see_guesses(struct search *s)
{
	const uint64_t n = s->guesses.n;

	for (uint64_t i = 0; i < n; i++) {
		const struct guess g = s->guesses.data[i];

		if (s->toward[g.source] == UNSEEN)
			TRY(see(s, g.source, g.target, g.depth));
	}
	s->guesses.n = 0;
	return 0;
}

static int run(struct search *s)
{
	for (uint64_t i = 0; s->out->all.n < s->q->wanted; i++) {
		struct seen seen;

		if (i == s->queue.n)
			TRY(see_guesses(s));
		if (i == s->queue.n)
			break;
		seen = s->queue.data[i];
		TRY(progress_poll(s->q->progress, "searching chains", i, s->q->graph->n, s->err));
		// A goal ends its chain: what lies behind it keeps the goal alive, not the object.
		if (s->q->is_goal(s->q->ctx, seen.id))
			TRY(keep_path(s, seen.id));
		else if (seen.depth < s->q->max_depth)
			TRY(see_sources(s, seen.id, seen.depth + 1));
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
			r = see(&s, q->from[i], q->from[i], 0);
	if (r == 0)
		r = run(&s);
	free(s.toward);
	vec_done(&s.queue);
	vec_done(&s.guesses);
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
