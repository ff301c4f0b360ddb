// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads take blocks of the nodes and write down each block's targets. The rows of sources
 * come from those by a counting sort, in which each thread serves its own range of targets, so
 * that no two write the same counter and the order of sources is that of the nodes.
 */
#include "graph/graph.h"

#include "util/parallel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (1u << GRAPH_BLOCK_SHIFT)

struct block {
	uint32_t *degrees; // of its nodes
	struct graph_targets targets;
};

struct build {
	struct graph *g;
	uint32_t thread_n;
	uint64_t max_bytes;
	_Atomic uint64_t bytes; // taken so far
	graph_visit_fn visit;
	void *ctx;
	struct block *blocks;
	uint32_t block_n;
	_Atomic uint32_t next;
	_Atomic int stop;
	const struct progress *progress;
	struct ccore_error *err;
};

static uint32_t block_size(const struct build *b, uint32_t i)
{
	const uint32_t first = i * BLOCK;

	return b->g->n - first < BLOCK ? b->g->n - first : BLOCK;
}

// Whether `size` bytes more may be taken; they are then counted.
static bool may_take(struct build *b, uint64_t size)
{
	const uint64_t before = atomic_fetch_add(&b->bytes, size);

	return before <= b->max_bytes && size <= b->max_bytes - before;
}

// Growing takes up to three times the ids that there are, and each thread grows one block.
static uint64_t targets_max(const struct build *b)
{
	const uint64_t taken = atomic_load(&b->bytes);

	return taken < b->max_bytes ? (b->max_bytes - taken) / b->thread_n / 3 / sizeof(uint32_t)
				    : 0;
}

// Give back what growing took too much.
static void trim(struct graph_targets *t)
{
	uint32_t *p = t->ids.n ? realloc(t->ids.data, t->ids.n * sizeof(*p)) : NULL;

	if (p) {
		t->ids.data = p;
		t->ids.cap = t->ids.n;
	}
}

static int visit_block(struct build *b, uint32_t thread, uint32_t i)
{
	struct block *block = &b->blocks[i];
	const uint32_t n = block_size(b, i);

	if (!may_take(b, n * sizeof(*block->degrees)))
		return CCORE_ENOMEM;
	block->targets.max = targets_max(b);
	block->degrees = malloc(n * sizeof(*block->degrees));
	if (!block->degrees)
		return CCORE_ENOMEM;
	for (uint32_t k = 0; k < n; k++) {
		const uint64_t before = block->targets.ids.n;

		b->visit(b->ctx, thread, i * BLOCK + k, &block->targets);
		block->degrees[k] = (uint32_t)(block->targets.ids.n - before);
		// The callback belongs to the calling thread.
		if (k % 4096 == 0 && thread == 0)
			TRY(progress_report(b->progress, "indexing references",
					    (uint64_t)i * BLOCK + k, b->g->n, b->err));
		if (block->targets.failed || atomic_load(&b->stop))
			return CCORE_ENOMEM;
	}
	trim(&block->targets);
	return may_take(b, block->targets.ids.n * sizeof(uint32_t)) ? 0 : CCORE_ENOMEM;
}

static int visit_blocks(void *ctx, uint32_t thread)
{
	struct build *b = ctx;
	uint32_t i;
	int r = 0;

	while (r == 0 && !atomic_load(&b->stop) && (i = atomic_fetch_add(&b->next, 1)) < b->block_n)
		r = visit_block(b, thread, i);
	if (r < 0)
		atomic_store(&b->stop, 1);
	return r;
}

// -- rows of sources

// The targets that a thread serves.
struct range {
	uint64_t first, end;
};

static struct range range_of(const struct build *b, uint32_t thread)
{
	const uint64_t n = b->g->n;

	return (struct range){n * thread / b->thread_n, n * (thread + 1) / b->thread_n};
}

static bool is_in(const struct range *mine, uint32_t target)
{
	return target >= mine->first && target < mine->end;
}

// After block `i`, of the first or second pass over all of them.
static int report_sorting(struct build *b, uint32_t thread, uint64_t i, uint64_t pass)
{
	const uint64_t done = i + pass * b->block_n;

	if (thread)
		return atomic_load(&b->stop) ? CCORE_ECANCELED : 0;
	if (progress_report(b->progress, "sorting references", done, 2ull * b->block_n, b->err) < 0)
		atomic_store(&b->stop, 1);
	return atomic_load(&b->stop) ? CCORE_ECANCELED : 0;
}

static int count_sources(void *ctx, uint32_t thread)
{
	struct build *b = ctx;
	const struct range mine = range_of(b, thread);

	for (uint32_t i = 0; i < b->block_n; i++) {
		const struct graph_targets *t = &b->blocks[i].targets;

		for (uint64_t e = 0; e < t->ids.n; e++) {
			const uint32_t target = t->ids.data[e] & ~GRAPH_GUESS;

			if (is_in(&mine, target))
				b->g->in_first[target]++;
		}
		TRY(report_sorting(b, thread, i, 0));
	}
	return 0;
}

// in_first[t] is where the next source of t goes; afterwards it is where row t ends.
static int place_sources(void *ctx, uint32_t thread)
{
	struct build *b = ctx;
	struct graph *g = b->g;
	const struct range mine = range_of(b, thread);

	for (uint32_t i = 0; i < b->block_n; i++) {
		const uint32_t *targets = b->blocks[i].targets.ids.data;

		for (uint32_t k = 0; k < block_size(b, i); k++) {
			const uint32_t source = i * BLOCK + k;

			for (uint32_t d = b->blocks[i].degrees[k]; d; d--, targets++) {
				const uint32_t target = *targets & ~GRAPH_GUESS;

				if (is_in(&mine, target))
					g->in[g->block_first[target >> GRAPH_BLOCK_SHIFT] +
					      g->in_first[target]++] =
						source | (*targets & GRAPH_GUESS);
			}
		}
		TRY(report_sorting(b, thread, i, 1));
	}
	return 0;
}

// From how many sources each node has to where its row begins. Offsets in a block are 32 bits.
static int add_up(struct build *b)
{
	struct graph *g = b->g;
	uint64_t at = 0;

	for (uint32_t i = 0; i < b->block_n; i++) {
		uint64_t row = 0;

		g->block_first[i] = at;
		for (uint32_t k = 0; k < block_size(b, i); k++) {
			const uint32_t count = g->in_first[(uint64_t)i * BLOCK + k];

			if (row > UINT32_MAX)
				break;
			g->in_first[(uint64_t)i * BLOCK + k] = (uint32_t)row;
			row += count;
		}
		at += row;
	}
	g->block_first[b->block_n] = at;
	// Else a counter of 32 bits was too small.
	if (at != g->edge_n)
		return err_set(b->err, CCORE_EUNSUPPORTED, 0,
			       "more than %u references to one part of the heap", UINT32_MAX);
	return 0;
}

static void shift_rows(struct build *b)
{
	for (uint32_t i = 0; i < b->block_n; i++) {
		uint32_t *first = b->g->in_first + (uint64_t)i * BLOCK;

		memmove(first + 1, first, (block_size(b, i) - 1ull) * sizeof(*first));
		first[0] = 0;
	}
}

static int make_rows(struct build *b)
{
	struct graph *g = b->g;

	for (uint32_t i = 0; i < b->block_n; i++)
		g->edge_n += b->blocks[i].targets.ids.n;
	if (!may_take(b, (g->n + g->edge_n) * sizeof(uint32_t)))
		return CCORE_ENOMEM;
	g->block_first = calloc(b->block_n + 1ull, sizeof(*g->block_first));
	g->in_first = calloc(g->n + 1ull, sizeof(*g->in_first));
	g->in = malloc((g->edge_n + 1) * sizeof(*g->in));
	if (!g->block_first || !g->in_first || !g->in)
		return CCORE_ENOMEM;
	TRY(parallel_run(b->thread_n, count_sources, b));
	TRY(add_up(b));
	TRY(parallel_run(b->thread_n, place_sources, b));
	shift_rows(b);
	return 0;
}

static void free_blocks(struct build *b)
{
	for (uint32_t i = 0; b->blocks && i < b->block_n; i++) {
		free(b->blocks[i].degrees);
		vec_done(&b->blocks[i].targets.ids);
	}
	free(b->blocks);
}

int graph_build(struct graph *ret, uint32_t n, uint32_t thread_n, uint64_t max_bytes,
		graph_visit_fn visit, void *ctx, const struct progress *progress,
		struct ccore_error *err)
{
	struct build b = {
		.g = ret,
		.thread_n = thread_n,
		.max_bytes = max_bytes,
		.visit = visit,
		.ctx = ctx,
		.block_n = (uint32_t)((n + (uint64_t)BLOCK - 1) / BLOCK),
		.progress = progress,
		.err = err,
	};
	int r = CCORE_ENOMEM;

	*ret = (struct graph){.n = n};
	b.blocks = calloc(b.block_n + 1ull, sizeof(*b.blocks));
	if (b.blocks)
		r = parallel_run(thread_n, visit_blocks, &b);
	if (r == 0)
		r = make_rows(&b);
	free_blocks(&b);
	if (r < 0)
		graph_done(ret);
	return r;
}

struct turn {
	const struct graph *g;
	bool guesses;
};

static void give_sources(void *ctx, uint32_t thread, uint32_t id, struct graph_targets *out)
{
	const struct turn *t = ctx;
	uint64_t n;
	const uint32_t *sources = graph_sources(t->g, id, &n);

	(void)thread; // the graph is for all
	for (uint64_t i = 0; i < n; i++)
		if (t->guesses || !(sources[i] & GRAPH_GUESS))
			graph_targets_add(out, sources[i]);
}

int graph_turn(struct graph *ret, const struct graph *g, bool guesses, uint64_t max_bytes,
	       const struct progress *progress, struct ccore_error *err)
{
	struct turn t = {.g = g, .guesses = guesses};

	return graph_build(ret, g->n, 1, max_bytes, give_sources, &t, progress, err);
}

uint64_t graph_bytes(const struct graph *g)
{
	return (g->n + g->edge_n) * sizeof(uint32_t);
}

void graph_done(struct graph *g)
{
	free(g->block_first);
	free(g->in_first);
	free(g->in);
	*g = (struct graph){0};
}
