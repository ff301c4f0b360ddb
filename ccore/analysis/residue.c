// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/residue.h"

#include <stdlib.h>

static void add_object(struct residue *r, struct heap *h, uint64_t id)
{
	uint64_t refcount;
	int64_t left;

	if (h->node_flags[id] & NODE_BAD || !heap_refcount(h, (uint32_t)id, &refcount)) {
		r->of[id] = RESIDUE_NONE;
		r->none_n++;
		return;
	}
	r->counted.known[id] += heap_refcount_start(h, (uint32_t)id);
	left = refcount > INT32_MAX ? INT32_MAX : (int64_t)refcount - r->counted.known[id];
	r->of[id] = left <= INT32_MIN ? INT32_MIN + 1 : (int32_t)left;
	r->exact_n += left == 0;
	r->held_n += left > 0;
	r->below_n += left < 0;
}

int residue_compute(struct residue *ret, struct heap *h, struct ccore_error *err)
{
	*ret = (struct residue){0};
	TRY(counted_references(&ret->counted, h, err));
	ret->of = malloc((h->node_n + 1) * sizeof(*ret->of));
	if (!ret->of) {
		residue_done(ret);
		return err_nomem(err);
	}
	for (uint64_t id = 0; id < h->node_n; id++)
		add_object(ret, h, id);
	return 0;
}

bool residue_is_wrong(const struct residue *r, struct heap *h, uint32_t id)
{
	uint64_t refcount;

	if (!residue_is_sure(h) || r->of[id] == RESIDUE_NONE || !heap_refcount(h, id, &refcount))
		return false;
	return (r->of[id] < 0 && !heap_is_static_type(h, id)) ||
	       refcount > h->target->mem.bytes / 8 || (!refcount && h->node_flags[id] & NODE_GC);
}

bool residue_is_miscounted(const struct residue *r, const struct heap *h, uint32_t id)
{
	return residue_is_sure(h) && r->of[id] < 0 && r->of[id] != RESIDUE_NONE &&
	       heap_is_static_type(h, id);
}

void residue_done(struct residue *r)
{
	free(r->of);
	counted_done(&r->counted);
	*r = (struct residue){0};
}
