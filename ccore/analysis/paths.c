// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/paths.h"

#include <stdlib.h>

#define UNSEEN UINT32_MAX

// A guessed reference, to be followed when everything certain has been.
struct guess {
	uint32_t source, target, depth;
};

struct level {
	uint64_t first;
	uint32_t depth;
};

struct search {
	const struct path_query *q;
	struct paths *out;
	struct ccore_error *err;
	uint32_t *toward; // the next node on the way to the object; itself at the object
	VEC(uint32_t) queue;
	// Where in the queue another distance from the object begins: each is one more than before,
	// but where guesses are taken up again.
	VEC(struct level) levels;
	VEC(struct guess) guesses;
	uint64_t step_n; // references looked at
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
	const struct level level = {.first = s->queue.n, .depth = depth};

	s->toward[id] = toward;
	if ((!s->levels.n || s->levels.data[s->levels.n - 1].depth != depth) &&
	    !vec_push(&s->levels, level))
		return err_nomem(s->err);
	return vec_push(&s->queue, id) ? 0 : err_nomem(s->err);
}

static int see_sources(struct search *s, uint32_t target, uint32_t depth)
{
	uint64_t n;
	const uint32_t *sources = graph_sources(s->q->graph, target, &n);
	const bool guessed =
		s->q->guesses && (!s->q->may_be_guessed || s->q->may_be_guessed(s->q->ctx, target));

	for (uint64_t i = 0; i < n; i++) {
		const uint32_t source = sources[i] & ~GRAPH_GUESS;
		const struct guess guess = {source, target, depth};

		TRY(progress_poll(s->q->progress, "searching chains", s->step_n++, 0, s->err));
		if (s->toward[source] != UNSEEN || (sources[i] & GRAPH_GUESS && !guessed))
			continue;
		if (s->q->is_excluded && s->q->is_excluded(s->q->ctx, source, target))
			continue;
		if (!(sources[i] & GRAPH_GUESS))
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
	uint64_t level = 0;

	for (uint64_t i = 0; s->out->all.n < s->q->wanted; i++) {
		uint32_t id, depth;

		if (i == s->queue.n)
			TRY(see_guesses(s));
		if (i == s->queue.n)
			break;
		while (level + 1 < s->levels.n && s->levels.data[level + 1].first <= i)
			level++;
		id = s->queue.data[i];
		depth = s->levels.data[level].depth;
		TRY(progress_poll(s->q->progress, "searching chains", s->step_n++, 0, s->err));
		// A goal ends its chain: what lies behind it keeps the goal alive, not the object.
		if (s->q->is_goal(s->q->ctx, id))
			TRY(keep_path(s, id));
		else if (depth < s->q->max_depth)
			TRY(see_sources(s, id, depth + 1));
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
	vec_done(&s.levels);
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
