// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/ledger_tree.h"

#include <stdlib.h>

static void split(struct ledger_leaf *leaf, uint64_t depth)
{
	const char *path = leaf->line->path;

	for (uint64_t at = 0; leaf->depth < depth; at = leaf->end[leaf->depth - 1] + 1) {
		const char *end = leaf->depth + 1 < LEDGER_DEPTH ? strchr(path + at, '\n') : NULL;

		leaf->end[leaf->depth++] = end ? (uint64_t)(end - path) : strlen(path);
		if (!end)
			break;
	}
}

// The number of parts that are the same in both.
static uint32_t common(const struct ledger_leaf *a, const struct ledger_leaf *b)
{
	uint32_t i = 0;

	while (i < a->depth && i < b->depth && a->end[i] == b->end[i] &&
	       memcmp(a->line->path, b->line->path, a->end[i]) == 0)
		i++;
	return i;
}

// The lines are sorted by path: groups are together.
static void sum_groups(struct ledger_tree *t)
{
	for (uint32_t i = 0; i < LEDGER_DEPTH; i++) {
		for (uint64_t first = 0, end; first < t->leaves.n; first = end) {
			uint64_t sum = 0;

			for (end = first; end < t->leaves.n &&
					  (end == first || common(&t->leaves.data[first],
								  &t->leaves.data[end]) > i);
			     end++)
				sum += t->leaves.data[end].line->size;
			for (uint64_t k = first; k < end; k++)
				t->leaves.data[k].size[i] = sum;
		}
	}
}

// After sum_groups() those that a limit of depth has made equal are one.
static void join_equal(struct ledger_tree *t)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < t->leaves.n; i++) {
		const struct ledger_leaf leaf = t->leaves.data[i];
		struct ledger_leaf *last = n ? &t->leaves.data[n - 1] : NULL;

		if (last && last->depth == leaf.depth && common(last, &leaf) == leaf.depth)
			last->count += leaf.count;
		else
			t->leaves.data[n++] = leaf;
	}
	t->leaves.n = n;
}

static int larger_first(const void *a, const void *b)
{
	const struct ledger_leaf *x = a, *y = b;
	const uint32_t i = common(x, y);

	if (i == x->depth || i == y->depth)
		return (int)x->depth - (int)y->depth;
	if (x->size[i] != y->size[i])
		return x->size[i] < y->size[i] ? 1 : -1;
	return strcmp(x->line->path, y->line->path);
}

int ledger_tree_make(struct ledger_tree *ret, const struct ledger *l, uint64_t depth,
		     struct ccore_error *err)
{
	*ret = (struct ledger_tree){0};
	for (uint64_t i = 0; i < l->lines.n; i++) {
		struct ledger_leaf leaf = {
			.line = &l->lines.data[i],
			.count = l->lines.data[i].count,
		};

		split(&leaf, depth && depth < LEDGER_DEPTH ? depth : LEDGER_DEPTH);
		if (!vec_push(&ret->leaves, leaf)) {
			ledger_tree_done(ret);
			return err_nomem(err);
		}
	}
	sum_groups(ret);
	join_equal(ret);
	if (ret->leaves.n)
		qsort(ret->leaves.data, ret->leaves.n, sizeof(*ret->leaves.data), larger_first);
	for (uint64_t i = 0; i < ret->leaves.n; i++) {
		struct ledger_leaf *leaf = &ret->leaves.data[i];
		const uint32_t same = i ? common(leaf - 1, leaf) : 0;

		for (uint32_t k = same; k < leaf->depth; k++)
			leaf->is_first[k] = true;
	}
	return 0;
}

void ledger_tree_done(struct ledger_tree *t)
{
	vec_done(&t->leaves);
}
