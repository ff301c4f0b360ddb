// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/lies.h"

#define PIECE 8192u // objects from one asking whether to go on to the next

static void take_lie(void *ctx, const struct lie *lie)
{
	struct lies *l = ctx;

	if (l->n++ < LIES_KEPT && !vec_push(&l->all, *lie))
		l->failed = true;
}

int lies_find(struct lies *ret, struct session *s, struct ccore_error *err)
{
	struct heap *h = &s->heap;
	int status = 0;

	*ret = (struct lies){0};
	TRY(heap_need_nodes(h, err));
	heap_limit_edges(h);
	for (uint64_t i = 0; status == 0 && i < h->gc.objects.n; i += PIECE) {
		const uint64_t n = u64_min(PIECE, h->gc.objects.n - i);
		uint64_t compared;

		status = progress_report(&s->progress, "running types' own code", i,
					 h->gc.objects.n, err);
		if (status == 0 &&
		    (lie_check(h, h->gc.objects.data + i, n, take_lie, ret, &compared) < 0 ||
		     ret->failed))
			status = err_nomem(err);
		if (status == 0)
			ret->compared_n += compared;
	}
	if (status < 0)
		lies_done(ret);
	return status;
}

void lies_done(struct lies *l)
{
	vec_done(&l->all);
}
