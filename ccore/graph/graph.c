// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads take pieces of the nodes and write each piece's targets into a block. The blocks, in
 * node order, are the forward rows; the reverse rows come from them by a counting sort, in
 * which each thread serves its own range of targets, so that no two write the same counter
 * and the order of sources is that of the nodes.
 */
#include "graph/graph.h"

#include "util/parallel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 65536u // nodes of a block

struct block {
	uint32_t *degrees; // of its nodes
	struct graph_targets targets;
};

struct build {
	struct graph *g;
	uint32_t thread_n;
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
	const uint32_t first = i * PIECE;

	return b->g->n - first < PIECE ? b->g->n - first : PIECE;
}

static int visit_block(struct build *b, uint32_t thread, uint32_t i)
{
	struct block *block = &b->blocks[i];
	const uint32_t n = block_size(b, i);

	block->degrees = malloc(n * sizeof(*block->degrees));
	if (!block->degrees)
		return CCORE_ENOMEM;
	for (uint32_t k = 0; k < n; k++) {
		const uint64_t before = block->targets.ids.n;

		b->visit(b->ctx, thread, i * PIECE + k, &block->targets);
		block->degrees[k] = (uint32_t)(block->targets.ids.n - before);
	}
	return block->targets.failed ? CCORE_ENOMEM : 0;
}

static int visit_blocks(void *ctx, uint32_t thread)
{
	struct build *b = ctx;
	uint32_t i;
	int r = 0;

	while (r == 0 && !atomic_load(&b->stop) &&
	       (i = atomic_fetch_add(&b->next, 1)) < b->block_n) {
		r = visit_block(b, thread, i);
		// The callback belongs to the calling thread.
		if (r == 0 && thread == 0)
			r = progress_report(b->progress, "indexing references", (uint64_t)i * PIECE,
					    b->g->n, b->err);
	}
	if (r < 0)
		atomic_store(&b->stop, 1);
	return r;
}

// -- forward rows

static int join_blocks(struct build *b)
{
	struct graph *g = b->g;
	uint64_t at = 0;

	for (uint32_t i = 0; i < b->block_n; i++)
		g->edge_n += b->blocks[i].targets.ids.n;
	g->out_first = malloc((g->n + 1ull) * sizeof(*g->out_first));
	g->out = malloc((g->edge_n + 1) * sizeof(*g->out));
	if (!g->out_first || !g->out)
		return CCORE_ENOMEM;
	for (uint32_t i = 0; i < b->block_n; i++) {
		struct block *block = &b->blocks[i];
		uint64_t row = at;

		for (uint32_t k = 0; k < block_size(b, i); k++) {
			g->out_first[(uint64_t)i * PIECE + k] = row;
			row += block->degrees[k];
		}
		if (block->targets.ids.n)
			memcpy(g->out + at, block->targets.ids.data,
			       block->targets.ids.n * sizeof(*g->out));
		at = row;
		free(block->degrees);
		block->degrees = NULL;
		vec_done(&block->targets.ids);
	}
	g->out_first[g->n] = at;
	return 0;
}

// -- reverse rows

static bool is_mine(const struct build *b, uint32_t thread, uint32_t target)
{
	const uint64_t n = b->g->n;

	return target >= n * thread / b->thread_n && target < n * (thread + 1) / b->thread_n;
}

static int count_sources(void *ctx, uint32_t thread)
{
	struct build *b = ctx;
	struct graph *g = b->g;

	for (uint64_t e = 0; e < g->edge_n; e++) {
		const uint32_t target = g->out[e] & ~GRAPH_GUESS;

		if (is_mine(b, thread, target))
			g->in_first[target + 1]++;
	}
	return 0;
}

// in_first[t] is where the next source of t goes; afterwards it is where row t + 1 begins.
static int place_sources(void *ctx, uint32_t thread)
{
	struct build *b = ctx;
	struct graph *g = b->g;

	for (uint32_t source = 0; source < g->n; source++) {
		for (uint64_t e = g->out_first[source]; e < g->out_first[source + 1]; e++) {
			const uint32_t target = g->out[e] & ~GRAPH_GUESS;

			if (is_mine(b, thread, target))
				g->in[g->in_first[target]++] = source | (g->out[e] & GRAPH_GUESS);
		}
	}
	return 0;
}

static int reverse(struct build *b)
{
	struct graph *g = b->g;

	g->in_first = calloc(g->n + 2ull, sizeof(*g->in_first));
	g->in = malloc((g->edge_n + 1) * sizeof(*g->in));
	if (!g->in_first || !g->in)
		return CCORE_ENOMEM;
	TRY(parallel_run(b->thread_n, count_sources, b));
	for (uint64_t i = 0; i < g->n; i++)
		g->in_first[i + 1] += g->in_first[i];
	TRY(parallel_run(b->thread_n, place_sources, b));
	memmove(g->in_first + 1, g->in_first, g->n * sizeof(*g->in_first));
	g->in_first[0] = 0;
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

int graph_build(struct graph *ret, uint32_t n, uint32_t thread_n, graph_visit_fn visit, void *ctx,
		const struct progress *progress, struct ccore_error *err)
{
	struct build b = {
		.g = ret,
		.thread_n = thread_n,
		.visit = visit,
		.ctx = ctx,
		.block_n = (uint32_t)((n + (uint64_t)PIECE - 1) / PIECE),
		.progress = progress,
		.err = err,
	};
	int r = CCORE_ENOMEM;

	*ret = (struct graph){.n = n};
	b.blocks = calloc(b.block_n + 1ull, sizeof(*b.blocks));
	if (b.blocks)
		r = parallel_run(thread_n, visit_blocks, &b);
	if (r == 0)
		r = join_blocks(&b);
	if (r == 0)
		r = reverse(&b);
	free_blocks(&b);
	if (r < 0)
		graph_done(ret);
	return r == CCORE_ENOMEM ? err_nomem(err) : r;
}

void graph_done(struct graph *g)
{
	free(g->in_first);
	free(g->in);
	free(g->out_first);
	free(g->out);
	*g = (struct graph){0};
}
