// SPDX-License-Identifier: GPL-2.0-or-later
// The table of all objects: the set that was found, numbered, in address order.
#include "heap/discover.h"
#include "heap/lie_detector.h"
#include "heap/namespaces.h"
#include "heap/statics.h"
#include "heap/universe.h"
#include "util/parallel.h"

#include <stdlib.h>

struct filling {
	struct heap *h;
	_Atomic bool stop; // canceled
	struct ccore_error *err;
};

// One thread's part of the set: one chunk of as many as there are threads.
struct share {
	struct heap *h;
	uint32_t thread;
	uint64_t seen_n;
};

static int fill_chunk(void *ctx, addr_t first, const struct addrset_chunk *chunk)
{
	struct share *share = ctx;
	struct heap *h = share->h;
	uint64_t id = chunk->slots[0].first_id;

	if (share->seen_n++ % h->thread_n != share->thread)
		return 0;
	for (unsigned s = 0; s < ADDRSET_SLOTS; s++)
		for (uint64_t bits = chunk->slots[s].bits; bits; bits &= bits - 1)
			h->node_addr[id++] =
				first + ((uint64_t)s * 64 + (unsigned)__builtin_ctzll(bits)) * 8;
	return 0;
}

static int fill_chunks(void *ctx, uint32_t thread)
{
	struct share share = {.h = ctx, .thread = thread};

	return addrset_each_chunk(&share.h->set, fill_chunk, &share);
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
	if (statics_hold(h->target, &h->runtime, &h->layout, addr))
		h->node_flags[id] |= NODE_STATIC;
	if (addrset_has(&h->reached, addr))
		h->node_flags[id] |= NODE_REACHED;
	if (addrset_has(&h->guessed, addr))
		h->node_flags[id] |= NODE_GUESSED;
}

const char *heap_node_found(const struct heap *h, uint64_t id)
{
	static const struct {
		uint8_t flag;
		const char *name;
	} ways[] = {
		{NODE_GC, "gc"},
		{NODE_PERMANENT, "permanent"},
		{NODE_IN_FLIGHT, "in-flight"},
		{NODE_GUESSED, "guess"},
		{NODE_REACHED, "reference"},
		{NODE_STATIC, "static"},
	};

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (h->node_flags[id] & ways[i].flag)
			return ways[i].name;
	return "allocator";
}

static int fill_types(void *ctx, uint32_t i)
{
	struct filling *f = ctx;
	struct heap *h = f->h;
	const uint64_t first = h->node_n * i / h->thread_n, end = h->node_n * (i + 1) / h->thread_n;
	int status = 0;

	for (uint64_t id = first; id < end && status == 0; id++) {
		fill_type(h, &h->readers[i], id);
		if (id % PROGRESS_STEP)
			continue;
		// The callback belongs to the calling thread.
		if (i == 0)
			status = progress_report(&h->opts.progress, "reading types", id, end,
						 f->err);
		if (status < 0)
			atomic_store(&f->stop, true);
		status = atomic_load(&f->stop) ? CCORE_ECANCELED : 0;
	}
	return status;
}

// Broken lists may have an object in common, and then two threads the same flags.
static void flag_objects(struct heap *h, const addr_t *objects, uint64_t n, uint8_t flag)
{
	for (uint64_t i = 0; i < n; i++) {
		uint32_t id;

		if (i + 8 < n)
			__builtin_prefetch(addrset_slot(&h->set, objects[i + 8]));
		if (addrset_id(&h->set, objects[i], &id))
			__atomic_fetch_or(&h->node_flags[id], flag, __ATOMIC_RELAXED);
	}
}

static int fill_flags(void *ctx, uint32_t thread)
{
	struct heap *h = ctx;

	for (uint64_t k = 0; k < h->gc.lists.n; k++) {
		const struct gc_list *list = &h->gc.lists.data[k];
		const uint64_t first = list->n * thread / h->thread_n;
		const uint64_t end = list->n * (thread + 1) / h->thread_n;
		const uint8_t flag = list->generation < GC_GENERATIONS	? NODE_GC
				     : list->generation == GC_PERMANENT ? NODE_PERMANENT
				     : list->generation == GC_IN_FLIGHT ? NODE_IN_FLIGHT
									: 0;

		flag_objects(h, h->gc.objects.data + list->first + first, end - first, flag);
	}
	return 0;
}

// While a collection runs, what is tracked and on no list that was found.
static int fill_in_flight(void *ctx, uint32_t i)
{
	struct heap *h = ctx;
	const uint64_t first = h->node_n * i / h->thread_n, end = h->node_n * (i + 1) / h->thread_n;
	const uint8_t other = NODE_GC | NODE_PERMANENT | NODE_IN_FLIGHT | NODE_BAD | NODE_REACHED |
			      NODE_GUESSED | NODE_STATIC;

	for (uint64_t id = first; id < end; id++)
		if (!(h->node_flags[id] & other) && heap_node_type(h, id)->flags & TYPE_GC &&
		    gc_is_tracked(&h->readers[i], h->node_addr[id]))
			h->node_flags[id] |= NODE_IN_FLIGHT;
	return 0;
}

// Where lists are broken, what is tracked and on none that was found.
static void fill_lost(struct heap *h)
{
	const uint8_t other =
		NODE_GC | NODE_PERMANENT | NODE_IN_FLIGHT | NODE_BAD | NODE_GUESSED | NODE_STATIC;

	h->lost_n = 0;
	for (uint64_t id = 0; id < h->node_n; id++) {
		if (h->node_flags[id] & other || !(heap_node_type(h, id)->flags & TYPE_GC) ||
		    !gc_is_tracked(heap_reader(h), h->node_addr[id]))
			continue;
		h->node_flags[id] |= NODE_GC;
		h->lost_n++;
	}
}

// Of the three columns of the table.
#define NODE_BYTES (sizeof(addr_t) + sizeof(uint32_t) + sizeof(uint8_t))

uint64_t heap_bytes(const struct heap *h)
{
	return h->set.bytes + h->reached.bytes + h->guessed.bytes + h->node_n * NODE_BYTES +
	       h->gc.objects.n * sizeof(addr_t);
}

int heap_out_of_memory(const struct heap *h, struct ccore_error *err)
{
	return err_set(err, CCORE_ENOMEM, 0,
		       "the index of objects needs more memory than there is (limit %llu MiB): "
		       "raise --max-memory",
		       (unsigned long long)(h->opts.max_bytes >> 20));
}

// Number the set, and write its addresses down.
static int fill_addresses(struct heap *h, struct ccore_error *err)
{
	addrset_number(&h->set);
	if (h->set.n >= LIM_NODES)
		return err_set(err, CCORE_EUNSUPPORTED, 0, "more than %u objects", LIM_NODES);
	h->node_n = h->set.n;
	// A heap may claim an object at every word of it.
	if (heap_bytes(h) >= h->opts.max_bytes)
		return heap_out_of_memory(h, err);
	free(h->node_addr);
	h->node_addr = malloc((h->node_n + 1) * sizeof(*h->node_addr));
	if (!h->node_addr)
		return err_nomem(err);
	return parallel_run(h->thread_n, fill_chunks, h);
}

static int fill_table(struct heap *h, struct ccore_error *err)
{
	struct filling f = {.h = h, .err = err};

	h->node_type = calloc(h->node_n + 1, sizeof(*h->node_type));
	h->node_flags = calloc(h->node_n + 1, sizeof(*h->node_flags));
	if (!h->node_type || !h->node_flags)
		return err_nomem(err);
	TRY(parallel_run(h->thread_n, fill_types, &f));
	TRY(parallel_run(h->thread_n, fill_flags, h));
	if (gc_sees_untracked(&h->layout))
		return 0;
	if (runtime_is_collecting(&h->runtime, &h->target->mem))
		return parallel_run(h->thread_n, fill_in_flight, h);
	if (h->gc.is_broken)
		fill_lost(h);
	return 0;
}

static int find_all(struct heap *h, struct ccore_error *err)
{
	uint64_t known_n;

	TRY(addrset_init(&h->set, h->opts.max_bytes, err));
	TRY(addrset_init(&h->reached, h->opts.max_bytes, err));
	TRY(addrset_init(&h->guessed, h->opts.max_bytes, err));
	TRY(universe_find(h, &h->set, true, NULL, NULL, err));
	TRY(lie_check_sample(h, err)); // before references are followed
	TRY(fill_addresses(h, err));
	known_n = h->node_n;
	TRY(heap_discover(h, h->node_addr, known_n, err));
	addrset_number(&h->set);
	if (h->set.n != known_n)
		TRY(fill_addresses(h, err));
	return fill_table(h, err);
}

static void drop_nodes(struct heap *h)
{
	free(h->node_addr);
	free(h->node_type);
	free(h->node_flags);
	h->node_addr = NULL;
	h->node_type = NULL;
	h->node_flags = NULL;
	addrset_done(&h->set);
	addrset_done(&h->reached);
	addrset_done(&h->guessed);
}

int heap_need_nodes(struct heap *h, struct ccore_error *err)
{
	int status;

	if (h->has_nodes)
		return 0;
	status = find_all(h, err);
	if (status == CCORE_ENOMEM || h->py.out_of_memory)
		status = heap_out_of_memory(h, err);
	if (status < 0) {
		drop_nodes(h);
		return status;
	}
	h->has_nodes = true;
	if (h->py.redact)
		namespaces_find(h);
	return 0;
}
