// SPDX-License-Identifier: GPL-2.0-or-later
// Who waits for ever, and in which cycles.
#include "stacks/waits.h"

// `by` waits for `thread`.
struct dependence {
	uint64_t thread, by;
};

static int by_thread(const void *a, const void *b)
{
	const struct dependence *x = a, *y = b;

	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static bool can_go_on(const struct wait *w)
{
	return !w->owner_n || w->others_can;
}

// That a thread can go on spreads to those that wait for it; who is not reached is stuck.
static bool spread(struct waits *w, const struct dependence *all, uint64_t n)
{
	VEC(uint64_t) queue = {0};
	bool ok = true;

	for (uint64_t i = 0; i < w->all.n && ok; i++) {
		w->all.data[i].is_stuck = !can_go_on(&w->all.data[i]);
		if (!w->all.data[i].is_stuck)
			ok = vec_push(&queue, i);
	}
	for (uint64_t at = 0; at < queue.n && ok; at++) {
		uint64_t low = 0, high = n;

		while (low < high) {
			const uint64_t middle = low + (high - low) / 2;

			if (all[middle].thread < queue.data[at])
				low = middle + 1;
			else
				high = middle;
		}
		for (; low < n && all[low].thread == queue.data[at] && ok; low++) {
			if (!w->all.data[all[low].by].is_stuck)
				continue;
			w->all.data[all[low].by].is_stuck = false;
			ok = vec_push(&queue, all[low].by);
		}
	}
	vec_done(&queue);
	return ok;
}

// Follow the first owner of each: where that comes back is a cycle.
static void number_deadlocks(struct waits *w, uint32_t *seen)
{
	for (uint64_t i = 0; i < w->all.n; i++) {
		uint64_t at = i;

		while (at != UINT64_MAX && w->all.data[at].is_stuck && !seen[at]) {
			seen[at] = (uint32_t)i + 1;
			at = w->owners.data[w->all.data[at].owner].thread;
		}
		if (at == UINT64_MAX || !w->all.data[at].is_stuck || seen[at] != (uint32_t)i + 1 ||
		    w->all.data[at].deadlock)
			continue;
		for (w->deadlock_n++; !w->all.data[at].deadlock;
		     at = w->owners.data[w->all.data[at].owner].thread)
			w->all.data[at].deadlock = w->deadlock_n;
	}
}

int waits_find_stuck(struct waits *w, struct ccore_error *err)
{
	VEC(struct dependence) all = {0};
	uint32_t *seen = calloc(w->all.n + 1, sizeof(*seen));
	bool ok = seen;

	for (uint64_t i = 0; i < w->all.n && ok; i++)
		for (uint64_t k = 0; k < w->all.data[i].owner_n && ok; k++) {
			const struct wait_owner *o = &w->owners.data[w->all.data[i].owner + k];
			const struct dependence d = {.thread = o->thread, .by = i};

			ok = o->thread == UINT64_MAX || vec_push(&all, d);
		}
	if (all.n)
		qsort(all.data, all.n, sizeof(*all.data), by_thread);
	ok = ok && spread(w, all.data, all.n);
	if (ok)
		number_deadlocks(w, seen);
	vec_done(&all);
	free(seen);
	return ok ? 0 : err_nomem(err);
}
