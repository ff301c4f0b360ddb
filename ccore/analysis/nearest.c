// SPDX-License-Identifier: GPL-2.0-or-later
// Chains to the nearest of many objects: one search forward from all goals at once.
#include "analysis/paths.h"

#include <stdlib.h>

#define UNSEEN UINT32_MAX

struct nearest {
	const struct path_query *q;
	struct graph forward; // the graph, its edges turned round
	uint32_t *before;     // the node before on the way from a goal; itself at the goal
	uint64_t *wanted;     // a bit a node
	VEC(uint32_t) queue;
	VEC(uint32_t) found; // wanted nodes seen, nearest first, those of one distance by id
	struct paths *out;
	struct ccore_error *err;
};

static bool is_wanted(const struct nearest *s, uint32_t id)
{
	return s->wanted[id / 64] >> id % 64 & 1;
}

static int keep_path(struct nearest *s, uint32_t id)
{
	struct path path = {0};
	uint32_t at = id;
	uint64_t n = 1;

	for (; s->before[at] != at; at = s->before[at])
		n++;
	if (!vec_reserve(&path.ids, n) || !vec_push(&s->out->all, path)) {
		vec_done(&path.ids);
		return err_nomem(s->err);
	}
	for (path.ids.n = n, at = id; n--; at = s->before[at])
		path.ids.data[n] = at;
	s->out->all.data[s->out->all.n - 1] = path;
	return 0;
}

static int see(struct nearest *s, uint32_t id, uint32_t before)
{
	s->before[id] = before;
	if (!vec_push(&s->queue, id))
		return err_nomem(s->err);
	return is_wanted(s, id) && !vec_push(&s->found, id) ? err_nomem(s->err) : 0;
}

static int see_goals(struct nearest *s)
{
	for (uint32_t id = 0; id < s->q->graph->n; id++) {
		TRY(progress_poll(s->q->progress, "searching chains", id, 0, s->err));
		if (s->q->is_goal(s->q->ctx, id))
			TRY(see(s, id, id));
	}
	return 0;
}

static int see_targets(struct nearest *s, uint32_t source, uint64_t *steps)
{
	uint64_t n;
	const uint32_t *targets = graph_sources(&s->forward, source, &n);

	for (uint64_t i = 0; i < n; i++) {
		TRY(progress_poll(s->q->progress, "searching chains", ++*steps, 0, s->err));
		if (s->before[targets[i]] != UNSEEN ||
		    (s->q->is_excluded && s->q->is_excluded(s->q->ctx, source, targets[i])))
			continue;
		TRY(see(s, targets[i], source));
	}
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

// After all nodes of one distance: whether that is enough. Those found since `first` are sorted.
static bool has_enough(struct nearest *s, uint64_t *first)
{
	if (s->found.n > *first)
		qsort(s->found.data + *first, s->found.n - *first, sizeof(*s->found.data), by_id);
	*first = s->found.n;
	return s->found.n >= s->q->wanted;
}

static int run(struct nearest *s)
{
	uint64_t depth = 0, level_end, steps = 0, sorted = 0;

	TRY(see_goals(s));
	level_end = s->queue.n;
	for (uint64_t i = 0; !(i == level_end && has_enough(s, &sorted)) && i < s->queue.n; i++) {
		if (i == level_end) {
			depth++;
			level_end = s->queue.n;
		}
		if (depth >= s->q->max_depth) {
			s->out->depth_was_hit = true;
			break;
		}
		TRY(see_targets(s, s->queue.data[i], &steps));
	}
	for (uint64_t i = 0; i < s->found.n && i < s->q->wanted; i++)
		TRY(keep_path(s, s->found.data[i]));
	return 0;
}

static int prepare(struct nearest *s, uint64_t max_bytes)
{
	const uint32_t n = s->q->graph->n;

	TRY(graph_turn(&s->forward, s->q->graph, false, max_bytes, s->q->progress, s->err));
	s->before = malloc((n + 1ull) * sizeof(*s->before));
	s->wanted = calloc(n / 64 + 1ull, sizeof(*s->wanted));
	if (!s->before || !s->wanted)
		return err_nomem(s->err);
	for (uint32_t i = 0; i < n; i++)
		s->before[i] = UNSEEN;
	for (uint64_t i = 0; i < s->q->from_n; i++)
		s->wanted[s->q->from[i] / 64] |= 1ull << s->q->from[i] % 64;
	return 0;
}

int paths_find_nearest(struct paths *ret, const struct path_query *q, uint64_t max_bytes,
		       struct ccore_error *err)
{
	struct nearest s = {.q = q, .out = ret, .err = err};
	int r;

	*ret = (struct paths){0};
	r = prepare(&s, max_bytes);
	if (r == 0)
		r = run(&s);
	graph_done(&s.forward);
	free(s.before);
	free(s.wanted);
	vec_done(&s.queue);
	vec_done(&s.found);
	if (r < 0)
		paths_done(ret);
	return r;
}
