// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/holders.h"

#include "util/parallel.h"

#include <stdlib.h>

struct search {
	struct heap *h;
	const struct address_range *ranges;
	uint64_t range_n;
	struct holders found[PARALLEL_MAX];
};

// Contents, not pointers: text and numbers; and containers, whose words are all objects.
static bool may_hold(const struct py_type *t)
{
	static const unsigned contents[] = {TPFLAG_LONG,    TPFLAG_LIST, TPFLAG_TUPLE, TPFLAG_BYTES,
					    TPFLAG_UNICODE, TPFLAG_DICT, TPFLAG_TYPE};

	for (unsigned i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		if (type_has_flag(t, contents[i]))
			return false;
	return true;
}

static const struct address_range *range_of(const struct search *s, addr_t addr)
{
	uint64_t lo = 0, hi = s->range_n;

	if (addr < s->ranges[0].start || addr >= s->ranges[hi - 1].end)
		return NULL;
	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;

		if (s->ranges[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return s->ranges[lo].start <= addr ? &s->ranges[lo] : NULL;
}

// Several pointers into one range come one after the other, mostly: the rest is sorted out.
static bool add(struct holders *to, uint32_t owner, uint32_t node)
{
	const struct holder one = {.owner = owner, .node = node};
	const struct holder *last = to->all.n ? &to->all.data[to->all.n - 1] : NULL;

	return (last && last->owner == owner && last->node == node) || vec_push(&to->all, one);
}

static bool search_object(const struct search *s, struct py_reader *r, struct holders *to,
			  uint32_t node)
{
	const uint32_t header = s->h->layout.struct_size[S_PyObject];
	struct py_object o;
	uint32_t n;

	if (!py_object_open(r, s->h->node_addr[node], &o))
		return true; // counted when it was found
	n = o.type->basicsize < o.n ? o.type->basicsize : o.n;
	for (uint32_t off = header; off + 8 <= n; off += 8) {
		const struct address_range *range = range_of(s, load_u64(o.p + off));

		if (range && !add(to, range->owner, node))
			return false;
	}
	return true;
}

static int search_on_thread(void *ctx, uint32_t i)
{
	struct search *s = ctx;
	const struct heap *h = s->h;
	const uint64_t first = h->node_n * i / h->thread_n, end = h->node_n * (i + 1) / h->thread_n;

	for (uint64_t id = first; id < end; id++)
		if (!(h->node_flags[id] & NODE_BAD) && may_hold(heap_node_type(h, id)) &&
		    !search_object(s, &h->readers[i], &s->found[i], (uint32_t)id))
			return CCORE_ENOMEM;
	return 0;
}

static int by_owner_and_node(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static int gather(struct holders *ret, const struct search *s)
{
	uint64_t n = 0;

	for (uint32_t t = 0; t < s->h->thread_n; t++)
		for (uint64_t i = 0; i < s->found[t].all.n; i++)
			if (!vec_push(&ret->all, s->found[t].all.data[i]))
				return CCORE_ENOMEM;
	if (ret->all.n)
		qsort(ret->all.data, ret->all.n, sizeof(*ret->all.data), by_owner_and_node);
	for (uint64_t i = 0; i < ret->all.n; i++)
		if (!n || by_owner_and_node(&ret->all.data[n - 1], &ret->all.data[i]) != 0)
			ret->all.data[n++] = ret->all.data[i];
	ret->all.n = n;
	return 0;
}

int holders_find(struct holders *ret, struct heap *h, const struct address_range *ranges,
		 uint64_t n, struct ccore_error *err)
{
	struct search s = {.h = h, .ranges = ranges, .range_n = n};
	int r;

	*ret = (struct holders){0};
	TRY(heap_need_nodes(h, err));
	if (!n)
		return 0;
	r = parallel_run(h->thread_n, search_on_thread, &s);
	if (r == 0)
		r = gather(ret, &s);
	for (uint32_t t = 0; t < h->thread_n; t++)
		vec_done(&s.found[t].all);
	if (r < 0)
		holders_done(ret);
	return r < 0 ? err_nomem(err) : 0;
}

void holders_done(struct holders *h)
{
	vec_done(&h->all);
}
