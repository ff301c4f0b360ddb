// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A heap of mimalloc small enough to be written by hand: one interpreter with one thread, and one
 * segment of four slices, whose second slice has blocks. Offsets are not those of any CPython.
 */
#ifndef NECROPY_SMALL_HEAP_H
#define NECROPY_SMALL_HEAP_H

#include "alloc/mimalloc.h"

#include <stdlib.h>

#define SMALL_INTERPRETER 0x10000u // abandoned @0, abandoned_visited @8
#define SMALL_THREAD 0x10010u	   // four heaps, then `initialized`
#define SMALL_HEAP 72u		   // bytes: two queues @0, delayed @48, keys @56
#define SMALL_PAGE 96u		   // bytes: as where CPython has them, keys @72
#define SMALL_SEGMENT 0x100000u	   // abandoned_next @0, slice_entries @8, slices @16
#define SMALL_SLICES 5u		   // one is more than there are
#define SMALL_BLOCKS (SMALL_SEGMENT + 0x10000u)

struct small_heap {
	uint8_t state[16 + 4 * SMALL_HEAP + 8];
	uint8_t segment[16 + SMALL_SLICES * SMALL_PAGE];
	uint8_t blocks[4096];
	uint64_t blocks_n; // bytes of them that are there
	bool encoded;	   // links of free lists, as in Py_DEBUG
};

static inline void small_layout(struct layout *l, bool encoded)
{
	static const struct {
		enum field_id id;
		struct field field;
	} fields[] = {
		{F_IS_ABANDONED, {.off = 0, .size = 8}},
		{F_IS_ABANDONED_VISITED, {.off = 8, .size = 8}},
		{F_TSI_HEAPS, {.off = 0, .size = 4 * SMALL_HEAP}},
		{F_TSI_HEAPS_READY, {.off = 4 * SMALL_HEAP, .size = 4}},
		{F_HEAP_QUEUES, {.off = 0, .size = 48}},
		{F_HEAP_DELAYED_FREE, {.off = 48, .size = 8}},
		{F_HEAP_KEYS, {.off = 56, .size = 16}},
		{F_PAGE_QUEUE_FIRST, {.off = 0, .size = 8}},
		{F_PAGE_SLICE_N, {.off = 0, .size = 4}},
		{F_PAGE_TAG, {.off = 8, .size = 1, .bit_off = 3, .bit_size = 4}},
		{F_PAGE_CAPACITY, {.off = 10, .size = 2}},
		{F_PAGE_FREE, {.off = 16, .size = 8}},
		{F_PAGE_USED, {.off = 24, .size = 4}},
		{F_PAGE_BLOCK_SIZE, {.off = 28, .size = 4}},
		{F_PAGE_LOCAL_FREE, {.off = 32, .size = 8}},
		{F_PAGE_THREAD_FREE, {.off = 40, .size = 8}},
		{F_PAGE_NEXT, {.off = 56, .size = 8}},
		{F_PAGE_KEYS, {.off = 72, .size = 16}},
		{F_SEGMENT_ABANDONED_NEXT, {.off = 0, .size = 8}},
		{F_SEGMENT_SLICE_N, {.off = 8, .size = 8}},
		{F_SEGMENT_SLICES, {.off = 16, .size = SMALL_SLICES * SMALL_PAGE}},
	};

	*l = (struct layout){0};
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		l->fields[fields[i].id] = fields[i].field;
		l->fields[fields[i].id].found = true;
	}
	l->fields[F_PAGE_KEYS].found = encoded;
	l->struct_size[S_mi_heap] = SMALL_HEAP;
	l->struct_size[S_mi_page_queue] = 24;
	l->struct_size[S_mi_page] = SMALL_PAGE;
	l->struct_size[S_mi_segment] = 16 + SMALL_SLICES * SMALL_PAGE;
}

/** Walk it; *ret_damage is what was found on the way. */
static inline int small_heap_walk(const struct small_heap *h, const struct mimalloc_visitor *v,
				  struct damage *ret_damage)
{
	struct interpreter in = {.addr = SMALL_INTERPRETER};
	struct py_thread thread = {.addr = SMALL_THREAD};
	const struct runtime rt = {
		.interpreters = {.data = &in, .n = 1},
		.threads = {.data = &thread, .n = 1},
	};
	struct py_reader *r = calloc(1, sizeof(*r));
	struct mem m = {0};
	struct layout l;
	struct py py;
	int status = CCORE_ENOMEM;

	small_layout(&l, h->encoded);
	if (r && mem_add(&m, SMALL_INTERPRETER, sizeof(h->state), h->state, NULL, 0, NULL) == 0 &&
	    mem_add(&m, SMALL_SEGMENT, sizeof(h->segment), h->segment, NULL, 0, NULL) == 0 &&
	    mem_add(&m, SMALL_BLOCKS, h->blocks_n, h->blocks, NULL, 0, NULL) == 0 &&
	    mem_freeze(&m, NULL) == 0 && py_open(&py, &l, &m, NULL) == 0) {
		py_reader_init(r, &py);
		status = mimalloc_walk(&rt, 0, r, v);
		*ret_damage = r->damage;
		py_close(&py);
	}
	mem_done(&m);
	free(r);
	return status;
}

#endif
