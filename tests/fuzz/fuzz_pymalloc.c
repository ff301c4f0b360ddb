// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as pymalloc's arenas: the array of them at ARRAY, then memory at ARENA. Whatever
 * they say, the blocks that are found lie in the memory of one pool, and none comes twice. The
 * seeds are made by make_malloc_seeds.py.
 */
#include "alloc/pymalloc.h"

#include <assert.h>
#include <stdlib.h>

#define ARRAY 0x10000u
#define ARRAY_BYTES 256u // room for five arenas
#define VARIABLES 0x8000u
#define ARENA 0x200000u
#define ARENA_BYTES_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set(struct layout *l, enum field_id f, uint32_t off, uint32_t size)
{
	l->fields[f] = (struct field){.found = true, .off = off, .size = size};
}

// As it is in every version.
static void make_layout(struct layout *l)
{
	l->struct_size[S_arena_object] = 48;
	l->struct_size[S_pool_header] = 48;
	set(l, F_ARENA_ADDRESS, 0, 8);
	set(l, F_ARENA_POOL_ADDRESS, 8, 8);
	set(l, F_ARENA_NFREEPOOLS, 16, 4);
	set(l, F_ARENA_NTOTALPOOLS, 20, 4);
	set(l, F_POOL_COUNT, 0, 4);
	set(l, F_POOL_FREEBLOCK, 8, 8);
	set(l, F_POOL_ARENAINDEX, 32, 4);
	set(l, F_POOL_SZIDX, 36, 4);
	set(l, F_POOL_NEXTOFFSET, 40, 4);
	set(l, F_POOL_MAXNEXTOFFSET, 44, 4);
	l->symbols[SYM_ARENAS] = VARIABLES;
	l->symbols[SYM_MAXARENAS] = VARIABLES + 8;
}

static void check_pool(const struct pymalloc *m, addr_t at, const struct pymalloc_pool *pool)
{
	uint64_t end;

	assert(pool->first >= at && pool->size >= m->unit && pool->n <= PYMALLOC_BLOCKS_MAX);
	end = pool->first + (uint64_t)pool->n * pool->size;
	assert(end <= at + m->pool_bytes);
	for (uint32_t i = 0; i < pool->n; i++) {
		// Readable to its last byte.
		volatile uint8_t last = pool->view[(uint64_t)(i + 1) * pool->size - 1];

		(void)last; // reading it is the test
		(void)pymalloc_is_free(pool, i);
	}
}

static void check_arenas(const struct pymalloc *m, struct py_reader *r)
{
	static uint8_t scratch[PYMALLOC_POOL_BYTES_MAX];
	static struct pymalloc_pool pool;

	for (uint64_t i = 0; i < m->arenas.n; i++) {
		const struct pymalloc_arena *a = &m->arenas.data[i];

		assert(a->start <= a->first && a->end <= a->stop && a->state < m->states.n);
		assert((a->stop - a->start) % m->pool_bytes == 0);
		assert(a->first <= a->end && (i == 0 || m->arenas.data[i - 1].end <= a->first));
		assert(a->first == a->end || pymalloc_arena_of(m, a->first) == a);
		for (uint32_t k = 0; k < pymalloc_pools(m, a); k++) {
			const addr_t at = a->first + (uint64_t)k * m->pool_bytes;

			if (pymalloc_pool_read(m, a, at, r, scratch, &pool) == POOL_USED)
				check_pool(m, at, &pool);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t variables[2] = {ARRAY, ARRAY_BYTES / 48};
	struct interpreter in = {.addr = 0x1000};
	const struct runtime rt = {.interpreters = {.data = &in, .n = 1, .cap = 1}};
	struct layout l = {0};
	struct mem mem = {0};
	struct pymalloc m;
	struct py_reader *r = malloc(sizeof(*r));
	struct py py;

	if (!r || size < ARRAY_BYTES || size > ARRAY_BYTES + ARENA_BYTES_MAX) {
		free(r);
		return 0;
	}
	make_layout(&l);
	if (mem_add(&mem, VARIABLES, sizeof(variables), (const uint8_t *)variables, NULL, 0,
		    NULL) == 0 &&
	    mem_add(&mem, ARRAY, ARRAY_BYTES, data, NULL, 0, NULL) == 0 &&
	    mem_add(&mem, ARENA, size - ARRAY_BYTES, data + ARRAY_BYTES, NULL, 0, NULL) == 0 &&
	    mem_freeze(&mem, NULL) == 0 && py_open(&py, &l, &mem, NULL) == 0) {
		py_reader_init(r, &py);
		if (pymalloc_find(&m, &rt, r, NULL) == 0) {
			check_arenas(&m, r);
			pymalloc_done(&m);
		}
		py_close(&py);
	}
	mem_done(&mem);
	free(r);
	return 0;
}
