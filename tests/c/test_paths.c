// SPDX-License-Identifier: GPL-2.0-or-later
// Chains in small graphs made by hand.
#include "analysis/paths.h"

#include "test.h"

// Edges of the graph under test: source, target, ends with source == target.
struct edge_list {
	uint32_t source, target;
};

static void visit(void *ctx, uint32_t thread, uint32_t id, struct graph_targets *out)
{
	(void)thread; // one graph for all
	for (const struct edge_list *e = ctx; e->source != (e->target & ~GRAPH_GUESS); e++)
		if (e->source == id)
			graph_targets_add(out, e->target);
}

static bool is_zero(void *ctx, uint32_t id)
{
	(void)ctx; // node 0 is the module
	return id == 0;
}

// When set, the only node that a guess may lead to.
static uint32_t only_guess;

static bool is_only_guess(void *ctx, uint32_t target)
{
	(void)ctx; // the node is the test's
	return target == only_guess;
}

static void find(const struct edge_list *edges, uint32_t n, uint32_t from, bool guesses,
		 uint64_t max_depth, struct paths *ret)
{
	const struct progress quiet = {0};
	struct graph g;
	struct path_query q = {
		.graph = &g,
		.from = &from,
		.from_n = 1,
		.wanted = 1,
		.max_depth = max_depth,
		.guesses = guesses,
		.may_be_guessed = only_guess ? is_only_guess : NULL,
		.is_goal = is_zero,
		.progress = &quiet,
	};

	CHECK(graph_build(&g, n, 2, UINT64_MAX, visit, (void *)(uintptr_t)edges, &quiet, NULL) ==
	      0);
	CHECK(paths_find(ret, &q, NULL) == 0);
	graph_done(&g);
}

TEST(the_shortest_chain_is_found)
{
	const struct edge_list edges[] = {{0, 1}, {1, 2}, {2, 4}, {0, 3}, {3, 4}, {0, 0}};
	struct paths found;

	find(edges, 5, 4, false, 20, &found);
	CHECK(found.all.n == 1 && found.all.data[0].ids.n == 3);
	CHECK(found.all.data[0].ids.data[0] == 0 && found.all.data[0].ids.data[1] == 3 &&
	      found.all.data[0].ids.data[2] == 4);
	paths_done(&found);
}

TEST(a_chain_longer_than_the_limit_is_not_shown_but_told)
{
	const struct edge_list edges[] = {{0, 1}, {1, 2}, {2, 3}, {0, 0}};
	struct paths found;

	find(edges, 4, 3, false, 2, &found);
	CHECK(found.all.n == 0 && found.depth_was_hit);
	paths_done(&found);
}

TEST(one_guess_is_better_than_two_however_short)
{
	// 0 ~> 1 ~> 5, and 0 -> 2 -> 3 ~> 4 -> 5
	const struct edge_list edges[] = {{0, 1 | GRAPH_GUESS},
					  {1, 5 | GRAPH_GUESS},
					  {0, 2},
					  {2, 3},
					  {3, 4 | GRAPH_GUESS},
					  {4, 5},
					  {0, 0}};
	struct paths found;

	find(edges, 6, 5, false, 20, &found);
	CHECK(found.all.n == 0);
	paths_done(&found);
	find(edges, 6, 5, true, 20, &found);
	CHECK(found.all.n == 1 && found.all.data[0].ids.n == 5);
	paths_done(&found);
}

TEST(a_guess_counts_only_where_it_may_be_one)
{
	// 0 ~> 2, and 0 ~> 1 -> 2
	const struct edge_list edges[] = {
		{0, 2 | GRAPH_GUESS}, {0, 1 | GRAPH_GUESS}, {1, 2}, {0, 0}};
	struct paths found;

	only_guess = 1;
	find(edges, 3, 2, true, 20, &found);
	CHECK(found.all.n == 1 && found.all.data[0].ids.n == 3);
	paths_done(&found);
	only_guess = 3;
	find(edges, 3, 2, true, 20, &found);
	CHECK(found.all.n == 0);
	paths_done(&found);
	only_guess = 0;
}

TEST(a_circle_ends)
{
	const struct edge_list edges[] = {{1, 2}, {2, 1}, {0, 0}};
	struct paths found;

	find(edges, 3, 1, true, UINT64_MAX, &found);
	CHECK(found.all.n == 0);
	paths_done(&found);
}

static void find_nearest(const struct edge_list *edges, uint32_t n, const uint32_t *from,
			 uint64_t from_n, uint64_t wanted, uint64_t max_depth, struct paths *ret)
{
	const struct progress quiet = {0};
	struct graph g;
	struct path_query q = {
		.graph = &g,
		.from = from,
		.from_n = from_n,
		.wanted = wanted,
		.max_depth = max_depth,
		.is_goal = is_zero,
		.progress = &quiet,
	};

	CHECK(graph_build(&g, n, 2, UINT64_MAX, visit, (void *)(uintptr_t)edges, &quiet, NULL) ==
	      0);
	CHECK(paths_find_nearest(ret, &q, UINT64_MAX, NULL) == 0);
	graph_done(&g);
}

// Nodes 6, 5, 4, 3 at distances 1, 2, 2, 3 of the module; 7 by a guess alone; 2 by nothing.
static const struct edge_list ladder[] = {
	{0, 6}, {6, 4}, {6, 5}, {4, 3}, {3, 0}, {0, 7 | GRAPH_GUESS}, {2, 3}, {8, 8},
};

TEST(the_nearest_objects_come_first)
{
	const uint32_t from[] = {2, 3, 4, 5, 7};
	struct paths found;

	find_nearest(ladder, 8, from, 5, 2, 20, &found);
	CHECK(found.all.n == 2 && !found.depth_was_hit);
	CHECK(found.all.data[0].ids.n == 3 && found.all.data[0].ids.data[2] == 4);
	CHECK(found.all.data[1].ids.n == 3 && found.all.data[1].ids.data[2] == 5);
	paths_done(&found);
	find_nearest(ladder, 8, from, 5, 10, 20, &found);
	CHECK(found.all.n == 3 && found.all.data[2].ids.n == 4 &&
	      found.all.data[2].ids.data[0] == 0 && found.all.data[2].ids.data[1] == 6 &&
	      found.all.data[2].ids.data[2] == 4 && found.all.data[2].ids.data[3] == 3);
	paths_done(&found);
}

TEST(nearest_objects_within_a_distance)
{
	const uint32_t from[] = {0, 3, 4, 5};
	struct paths found;

	find_nearest(ladder, 8, from, 4, 10, 2, &found);
	CHECK(found.all.n == 3 && found.depth_was_hit);
	CHECK(found.all.data[0].ids.n == 1 && found.all.data[0].ids.data[0] == 0);
	paths_done(&found);
}

TEST(a_graph_over_its_limit_of_memory_is_none)
{
	const struct progress quiet = {0};
	struct graph g;

	CHECK(graph_build(&g, 8, 2, 64, visit, (void *)(uintptr_t)ladder, &quiet, NULL) ==
	      CCORE_ENOMEM);
	CHECK(!g.in && !g.in_first && !g.block_first);
}

#define MANY 200000u // nodes: several blocks

static void visit_many(void *ctx, uint32_t thread, uint32_t id, struct graph_targets *out)
{
	(void)ctx, (void)thread; // a rule says it all
	graph_targets_add(out, 0);
	graph_targets_add(out, (uint32_t)((uint64_t)id * 7919 % MANY));
	if (id % 3 == 0)
		graph_targets_add(out, (MANY - 1) | GRAPH_GUESS);
}

TEST(rows_of_many_nodes_are_sorted_and_complete)
{
	const struct progress quiet = {0};
	struct graph g;
	uint64_t n, all = 0;

	CHECK(graph_build(&g, MANY, 3, UINT64_MAX, visit_many, NULL, &quiet, NULL) == 0);
	for (uint32_t id = 0; id < MANY; id++) {
		const uint32_t *sources = graph_sources(&g, id, &n);

		for (uint64_t i = 0; i < n; i++) {
			const uint32_t source = sources[i] & ~GRAPH_GUESS;

			CHECK(!i || (sources[i - 1] & ~GRAPH_GUESS) <= source);
			CHECK(sources[i] & GRAPH_GUESS
				      ? id == MANY - 1 && source % 3 == 0
				      : id == 0 || (uint64_t)source * 7919 % MANY == id);
		}
		all += n;
	}
	CHECK(all == g.edge_n && all == 2ull * MANY + (MANY + 2) / 3);
	CHECK(graph_sources(&g, 0, &n) && n == MANY + 1);
	graph_done(&g);
}
