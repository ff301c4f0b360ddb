// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/session.h"
#include "util/parse.h"

int session_graph(struct session *s, struct graph **ret, struct ccore_error *err)
{
	if (!s->has_graph)
		TRY(references_build(&s->graph, &s->heap, err));
	s->has_graph = true;
	*ret = &s->graph;
	return 0;
}

uint64_t session_spare_bytes(const struct session *s)
{
	const uint64_t max = references_max_bytes(&s->heap), taken = graph_bytes(&s->graph);

	return max > taken ? max - taken : 0;
}

int session_residue(struct session *s, const struct residue **ret, struct ccore_error *err)
{
	struct heap *h = &s->heap;

	*ret = &s->residue;
	if (s->has_residue)
		return 0;
	TRY(residue_compute(&s->residue, h, err));
	s->has_residue = true;
	for (uint32_t id = 0; id < h->node_n; id++)
		if (residue_is_wrong(&s->residue, h, id))
			damage_note(&heap_reader(h)->damage, DAMAGE_BAD_REFCOUNT, h->node_addr[id]);
	return 0;
}

// Words that may be references hold nothing alive here: what only they lead to is shown.
static bool is_root(void *ctx, uint32_t id)
{
	const struct heap *h = &((const struct session *)ctx)->heap;

	return id < h->node_n ? h->node_flags[id] & NODE_STATIC
			      : !root_is_guess(&h->roots.all.data[id - h->node_n]);
}

static bool is_held(void *ctx, uint32_t id)
{
	const struct session *s = ctx;

	return id < s->heap.node_n && (s->residue.of[id] > 0 || s->residue.of[id] == RESIDUE_NONE);
}

int session_unreachable(struct session *s, struct unreachable **ret, struct ccore_error *err)
{
	struct unreachable_query q = {.is_root = is_root, .is_held = is_held, .ctx = s};
	const struct residue *residue;
	struct graph *graph;

	if (!s->has_unreachable) {
		TRY(session_residue(s, &residue, err));
		TRY(session_graph(s, &graph, err));
		q.graph = graph;
		q.progress = &s->progress;
		q.max_bytes = session_spare_bytes(s);
		TRY(unreachable_find(&s->unreachable, &q, err));
	}
	s->has_unreachable = true;
	*ret = &s->unreachable;
	return 0;
}

bool session_is_leftover(const struct session *s, uint32_t source, uint32_t target)
{
	const struct heap *h = &s->heap;

	return source >= h->node_n && root_is_guess(&h->roots.all.data[source - h->node_n]) &&
	       s->residue.of[target] <= 0 && s->residue.of[target] != RESIDUE_NONE;
}

static bool near_object(const struct heap *h, addr_t addr, uint32_t *ret)
{
	for (addr_t at = addr & ~7ull; at > 0 && addr - at < 256; at -= 8)
		if (heap_node(h, at, ret))
			return true;
	return false;
}

int session_node(struct session *s, const char *text, uint32_t *ret, struct ccore_error *err)
{
	struct heap *h = &s->heap;
	uint32_t near;
	addr_t addr;

	if (!parse_addr(text, &addr))
		return err_set(err, CCORE_EUSAGE, 0, "%s is not an address: 0x… was expected",
			       text);
	TRY(heap_need_nodes(h, err));
	if (heap_node(h, addr, ret))
		return 0;
	if (!mem_find(&s->target.mem, addr))
		return err_set(err, CCORE_ENOTFOUND, addr,
			       "no object at 0x%llx: nothing is mapped there",
			       (unsigned long long)addr);
	if (near_object(h, addr, &near))
		return err_set(err, CCORE_ENOTFOUND, addr,
			       "no object at 0x%llx: a %s begins at 0x%llx",
			       (unsigned long long)addr, heap_node_type(h, near)->name,
			       (unsigned long long)h->node_addr[near]);
	return err_set(err, CCORE_ENOTFOUND, addr,
		       "no object at 0x%llx: neither an allocator nor a reference knows of one",
		       (unsigned long long)addr);
}
