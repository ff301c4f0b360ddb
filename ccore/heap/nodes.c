// SPDX-License-Identifier: GPL-2.0-or-later
// The table of all objects: the set that was found, numbered, in address order.
#include "heap/discover.h"
#include "util/parallel.h"

#include <stdlib.h>

struct filling {
	struct heap *h;
	uint64_t id;
};

static int fill_chunk(void *ctx, addr_t first, const struct addrset_chunk *chunk)
{
	struct filling *f = ctx;
	struct heap *h = f->h;

	for (unsigned s = 0; s < ADDRSET_SLOTS; s++)
		for (uint64_t bits = chunk->slots[s].bits; bits; bits &= bits - 1)
			h->node_addr[f->id++] =
				first + ((uint64_t)s * 64 + (unsigned)__builtin_ctzll(bits)) * 8;
	return 0;
}

static void fill_type(struct heap *h, struct py_reader *r, uint64_t id)
{
	const addr_t addr = h->node_addr[id];
	const struct py_type *type = py_counted_type(r, py_type_of(r, addr), addr);

	// It had a type when it was found: only memory behind a callback can change.
	if (type)
		h->node_type[id] = type->index;
	else
		h->node_flags[id] |= NODE_BAD;
}

static int fill_types(void *ctx, uint32_t i)
{
	struct heap *h = ctx;
	const uint64_t first = h->node_n * i / h->thread_n, end = h->node_n * (i + 1) / h->thread_n;

	for (uint64_t id = first; id < end; id++)
		fill_type(h, &h->readers[i], id);
	return 0;
}

static void fill_flags(struct heap *h)
{
	for (uint64_t k = 0; k < h->gc.lists.n; k++) {
		const struct gc_list *list = &h->gc.lists.data[k];
		const uint8_t flag = list->generation < GC_GENERATIONS	? NODE_GC
				     : list->generation == GC_PERMANENT ? NODE_PERMANENT
				     : list->generation == GC_IN_FLIGHT ? NODE_IN_FLIGHT
									: 0;

		for (uint64_t i = 0; i < list->n; i++) {
			uint32_t id;

			if (addrset_id(&h->set, h->gc.objects.data[list->first + i], &id))
				h->node_flags[id] |= flag;
		}
	}
}

// Of the three columns of the table.
#define NODE_BYTES (sizeof(addr_t) + sizeof(uint32_t) + sizeof(uint8_t))

static int out_of_memory(const struct heap *h, struct ccore_error *err)
{
	return err_set(err, CCORE_ENOMEM, 0,
		       "the index of objects needs more memory than there is (limit %llu MiB): "
		       "raise --max-memory",
		       (unsigned long long)(h->opts.max_bytes >> 20));
}

static int fill_table(struct heap *h, struct ccore_error *err)
{
	struct filling f = {.h = h};

	addrset_number(&h->set);
	if (h->set.n >= LIM_NODES)
		return err_set(err, CCORE_EUNSUPPORTED, 0, "more than %u objects", LIM_NODES);
	h->node_n = h->set.n;
	// A heap may claim an object at every word of it.
	if (h->node_n >= h->opts.max_bytes / NODE_BYTES)
		return out_of_memory(h, err);
	h->node_addr = malloc((h->node_n + 1) * sizeof(*h->node_addr));
	h->node_type = calloc(h->node_n + 1, sizeof(*h->node_type));
	h->node_flags = calloc(h->node_n + 1, sizeof(*h->node_flags));
	if (!h->node_addr || !h->node_type || !h->node_flags)
		return err_nomem(err);
	TRY(addrset_each_chunk(&h->set, fill_chunk, &f));
	TRY(parallel_run(h->thread_n, fill_types, h));
	fill_flags(h);
	return 0;
}

int heap_need_nodes(struct heap *h, struct ccore_error *err)
{
	int status;

	if (h->has_nodes)
		return 0;
	TRY(heap_need_untracked(h, err));
	TRY(addrset_init(&h->set, h->opts.max_bytes, err));
	status = heap_discover(h, err);
	if (status == CCORE_ENOMEM || h->py.out_of_memory)
		status = out_of_memory(h, err);
	if (status == 0)
		status = fill_table(h, err);
	if (status < 0) {
		free(h->node_addr);
		free(h->node_type);
		free(h->node_flags);
		h->node_addr = NULL;
		h->node_type = NULL;
		h->node_flags = NULL;
		addrset_done(&h->set);
		return status;
	}
	h->has_nodes = true;
	return 0;
}
