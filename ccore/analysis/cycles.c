// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tarjan's algorithm in Pearce's form, which needs one number a node: first the order in which it
 * was met, lowered to that of the oldest node it leads back to; then, counted down from the top,
 * the number of its component. With a stack of its own instead of recursion. A component is the
 * same whichever way all edges point, so the index of who refers to whom will do.
 */
#include "analysis/cycles.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_PER_NODE 32u

struct step {
	uint32_t node;
	bool is_root; // nothing older was met from here
	uint64_t next;
};

struct tarjan {
	const struct graph *g;
	uint32_t *number; // 0: not met yet
	uint32_t met, component;
	VEC(struct step) way;	// from where it began to where it is
	VEC(uint32_t) finished; // nodes whose component is not complete
	struct cycles *out;
};

static bool go_to(struct tarjan *t, uint32_t node)
{
	const struct step step = {.node = node, .is_root = true};

	t->number[node] = t->met++;
	return vec_push(&t->way, step);
}

static bool refers_to_itself(const struct graph *g, uint32_t node)
{
	uint64_t n;
	const uint32_t *sources = graph_sources(g, node, &n);

	for (uint64_t i = 0; i < n; i++)
		if (sources[i] == node)
			return true;
	return false;
}

static int ascending(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

// Whether the last node whose component is not complete was met after `node`.
static bool is_finished_after(const struct tarjan *t, uint32_t node)
{
	return t->finished.n && t->number[t->finished.data[t->finished.n - 1]] >= t->number[node];
}

// The nodes that were finished after `node`, and it, are one component.
static bool close_component(struct tarjan *t, uint32_t node)
{
	struct cycles *out = t->out;
	struct cycle c = {.first = (uint32_t)out->nodes.n};

	if ((is_finished_after(t, node) || refers_to_itself(t->g, node)) &&
	    !vec_push(&out->nodes, node))
		return false;
	while (is_finished_after(t, node)) {
		const uint32_t member = vec_pop(&t->finished);

		t->number[member] = t->component;
		t->met--;
		if (!vec_push(&out->nodes, member))
			return false;
	}
	t->number[node] = t->component--;
	t->met--;
	c.n = (uint32_t)out->nodes.n - c.first;
	if (!c.n)
		return true;
	qsort(out->nodes.data + c.first, c.n, sizeof(*out->nodes.data), ascending);
	for (uint32_t i = 0; i < c.n; i++)
		out->of[out->nodes.data[c.first + i]] = (uint32_t)out->all.n;
	return vec_push(&out->all, c);
}

// One step on from the end of the way: to a node not met yet, or back.
static bool advance(struct tarjan *t)
{
	struct step *at = &t->way.data[t->way.n - 1];
	const uint32_t node = at->node;
	uint64_t n;
	const uint32_t *sources = graph_sources(t->g, node, &n);
	struct step *before;

	while (at->next < n) {
		const uint32_t source = sources[at->next];

		if (source & GRAPH_GUESS || source == node) {
			at->next++;
			continue;
		}
		if (!t->number[source])
			return go_to(t, source);
		if (t->number[source] < t->number[node]) {
			t->number[node] = t->number[source];
			at->is_root = false;
		}
		at->next++;
	}
	if (at->is_root ? !close_component(t, node) : !vec_push(&t->finished, node))
		return false;
	t->way.n--;
	if (!t->way.n)
		return true;
	before = &t->way.data[t->way.n - 1];
	// What it was left for is looked at again, and is not older than a closed component.
	if (t->number[node] < t->number[before->node]) {
		t->number[before->node] = t->number[node];
		before->is_root = false;
	}
	before->next++;
	return true;
}

static int find(struct tarjan *t, const struct progress *progress, struct ccore_error *err)
{
	uint64_t steps = 0;

	for (uint32_t node = 0; node < t->g->n; node++) {
		if (t->number[node])
			continue;
		if (!go_to(t, node))
			return err_nomem(err);
		while (t->way.n) {
			if (!advance(t))
				return err_nomem(err);
			TRY(progress_poll(progress, "looking for cycles", steps++, 0, err));
		}
	}
	return 0;
}

int cycles_find(struct cycles *ret, const struct graph *g, uint64_t max_bytes,
		const struct progress *progress, struct ccore_error *err)
{
	// Numbers of components come from the top, so that they never are the lower ones.
	struct tarjan t = {.g = g, .met = 1, .component = UINT32_MAX, .out = ret};
	int r;

	*ret = (struct cycles){0};
	if (max_bytes / BYTES_PER_NODE < g->n)
		return err_nomem(err);
	t.number = calloc(g->n + 1ull, sizeof(*t.number));
	ret->of = malloc((g->n + 1ull) * sizeof(*ret->of));
	if (ret->of)
		memset(ret->of, 0xff, (g->n + 1ull) * sizeof(*ret->of)); // NO_CYCLE
	r = t.number && ret->of ? find(&t, progress, err) : err_nomem(err);
	free(t.number);
	vec_done(&t.way);
	vec_done(&t.finished);
	if (r < 0)
		cycles_done(ret);
	return r;
}

void cycles_done(struct cycles *c)
{
	vec_done(&c->all);
	vec_done(&c->nodes);
	free(c->of);
	c->of = NULL;
}
