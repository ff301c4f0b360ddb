// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/session.h"

int session_graph(struct session *s, struct graph **ret, struct ccore_error *err)
{
	if (!s->has_graph)
		TRY(references_build(&s->graph, &s->heap, err));
	s->has_graph = true;
	*ret = &s->graph;
	return 0;
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
		       "no object at 0x%llx that the collector or a reference leads to",
		       (unsigned long long)addr);
}
