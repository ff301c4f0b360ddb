// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For tests/test_universe.py: prints how many blocks of each size pymalloc has given out in the
 * core that is named, as "SIZE BLOCKS" lines, to be compared with sys._debugmallocstats().
 */
#include "heap/heap.h"
#include "util/parallel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t used[PYMALLOC_POOL_BYTES_MAX];

static void count_pool(const struct pymalloc_pool *pool)
{
	for (uint32_t i = 0; i < pool->n; i++)
		used[pool->size] += !pymalloc_is_free(pool, i);
}

static void count_arena(struct heap *h, const struct pymalloc *m, const struct pymalloc_arena *a)
{
	static uint8_t scratch[PYMALLOC_POOL_BYTES_MAX];
	static struct pymalloc_pool pool;

	for (uint32_t i = 0; i < pymalloc_pools(m, a); i++)
		if (pymalloc_pool_read(m, a, a->first + (uint64_t)i * m->pool_bytes, heap_reader(h),
				       scratch, &pool) == POOL_USED)
			count_pool(&pool);
}

static int print_blocks(struct heap *h, struct ccore_error *err)
{
	struct pymalloc m;

	TRY(pymalloc_find(&m, &h->runtime, heap_reader(h), err));
	for (uint64_t i = 0; i < m.arenas.n; i++)
		count_arena(h, &m, &m.arenas.data[i]);
	for (unsigned size = 0; size < PYMALLOC_POOL_BYTES_MAX; size++)
		if (used[size])
			(void)printf("%u %" PRIu64 "\n", size, used[size]);
	pymalloc_done(&m);
	return (int)heap_reader(h)->damage.count[DAMAGE_BAD_POOL];
}

int main(int argc, char **argv)
{
	const struct target_opts target_opts = {.max_bytes = UINT64_MAX};
	const struct heap_opts opts = {.threads = 1, .max_bytes = UINT64_MAX};
	static struct target t;
	static struct heap h;
	struct ccore_error err = {0};
	int status;

	if (argc != 2)
		return 2;
	status = target_open_core(&t, argv[1], &target_opts, &err);
	if (status == 0) {
		status = heap_open(&h, &t, &opts, &err);
		if (status == 0) {
			status = print_blocks(&h, &err);
			heap_close(&h);
		}
		target_done(&t);
	}
	if (status != 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return status != 0;
}
