// SPDX-License-Identifier: GPL-2.0-or-later
#include "alloc/mimalloc_page.h"

#define SLICE_BYTES 65536ull	 // MI_SEGMENT_SLICE_SIZE
#define HUGE_BLOCK (1ull << 31)	 // MI_HUGE_BLOCK_SIZE: the slices say how large it is
#define THREAD_FREE_FLAGS (3ull) // in the low bits of xthread_free

bool mimalloc_segments_init(struct mimalloc_segments *ret, const struct layout *l)
{
	const uint64_t page = l->struct_size[S_mi_page];

	if (!page || page > MIMALLOC_PAGE_BYTES || !l->struct_size[S_mi_page_queue] ||
	    !l->struct_size[S_mi_heap] || l->struct_size[S_mi_heap] > LAYOUT_STRUCT_MAX)
		return false;
	ret->slice_n = l->fields[F_SEGMENT_SLICES].size / page;
	if (ret->slice_n < 2)
		return false;
	// One more than there are is for blocks of large alignment.
	ret->bytes = (ret->slice_n - 1) * SLICE_BYTES;
	return (ret->bytes & (ret->bytes - 1)) == 0;
}

// -- where it is

// Small blocks do not begin where the slice does: different pages use different cache lines.
static uint64_t start_offset(uint64_t block_size)
{
	return block_size <= 64 ? 3 * block_size : block_size <= 512 ? block_size : 0;
}

static bool place(const struct layout *l, const struct mimalloc_segments *s, uint64_t slices,
		  struct mimalloc_page *p)
{
	const addr_t segment = p->addr & ~(s->bytes - 1);
	const uint64_t stride = l->struct_size[S_mi_page];
	const uint64_t off = p->addr - segment - layout_off(l, F_SEGMENT_SLICES), i = off / stride;
	uint64_t skipped;

	// A wrapped `off` is no index either.
	if (off % stride || !i || i >= s->slice_n || p->block_size < 8 || p->block_size % 8 ||
	    slices > LIM_OBJECT_BYTES / SLICE_BYTES)
		return false;
	if (p->block_size >= HUGE_BLOCK)
		p->block_size = slices * SLICE_BYTES;
	skipped = start_offset(p->block_size);
	p->segment = segment;
	p->area = segment + i * SLICE_BYTES;
	p->area_bytes = slices * SLICE_BYTES;
	p->start = p->area + skipped;
	p->end = p->start + p->capacity * p->block_size;
	return slices && p->capacity <= (slices * SLICE_BYTES - skipped) / p->block_size;
}

static void read_keys(const struct layout *l, enum field_id f, const uint8_t *p, addr_t null,
		      struct mimalloc_keys *ret)
{
	*ret = (struct mimalloc_keys){.null = null};
	if (layout_has(l, F_PAGE_KEYS) && l->fields[f].size == sizeof(ret->k))
		memcpy(ret->k, p + layout_off(l, f), sizeof(ret->k));
}

bool mimalloc_page_read(const struct layout *l, const struct mimalloc_segments *s, addr_t addr,
			const uint8_t *p, struct mimalloc_page *ret)
{
	*ret = (struct mimalloc_page){
		.addr = addr,
		.block_size = field_u64(l, F_PAGE_BLOCK_SIZE, p),
		.capacity = (uint32_t)field_u64(l, F_PAGE_CAPACITY, p),
		.used = (uint32_t)field_u64(l, F_PAGE_USED, p),
		.tag = (enum mimalloc_tag)field_u64(l, F_PAGE_TAG, p),
		.free = field_u64(l, F_PAGE_FREE, p),
		.local_free = field_u64(l, F_PAGE_LOCAL_FREE, p),
		.thread_free = field_u64(l, F_PAGE_THREAD_FREE, p) & ~THREAD_FREE_FLAGS,
	};
	read_keys(l, F_PAGE_KEYS, p, addr, &ret->keys);
	return ret->capacity <= MIMALLOC_CAPACITY_MAX && ret->used <= ret->capacity &&
	       ret->tag < MIMALLOC_TAG_N && place(l, s, field_u64(l, F_PAGE_SLICE_N, p), ret);
}

// -- lists of free blocks

static uint64_t rotate_right(uint64_t x, uint64_t by)
{
	by %= 64;
	return by ? x >> by | x << (64 - by) : x;
}

// Py_DEBUG encodes links, with keys of the page or of the heap.
static bool next_block(struct py_reader *r, addr_t block, const struct mimalloc_keys *keys,
		       addr_t *ret)
{
	uint8_t scratch[8];
	const uint8_t *p = py_get(r, block, 8, scratch);

	if (!p)
		return false;
	*ret = load_u64(p);
	if (layout_has(r->layout, F_PAGE_KEYS)) {
		*ret = rotate_right(*ret - keys->k[0], keys->k[0]) ^ keys->k[1];
		if (*ret == keys->null)
			*ret = 0;
	}
	return true;
}

// False when it is no block of the page, or free already.
static bool mark(struct mimalloc_bits *bits, const struct mimalloc_page *p, addr_t block)
{
	const uint64_t off = block - p->start, i = off / p->block_size;

	if (block < p->start || block >= p->end || off % p->block_size ||
	    bits->words[i / 64] >> (i % 64) & 1)
		return false;
	bits->words[i / 64] |= 1ull << (i % 64);
	return true;
}

// Each block can be marked once: the walk ends.
static bool mark_list(struct py_reader *r, struct mimalloc_bits *bits,
		      const struct mimalloc_page *p, addr_t block, uint64_t *count)
{
	for (; block; ++*count)
		if (!mark(bits, p, block) || !next_block(r, block, &p->keys, &block))
			return false;
	return true;
}

static bool mark_delayed(const struct mimalloc_delayed *delayed, struct mimalloc_bits *bits,
			 const struct mimalloc_page *p, uint64_t *count)
{
	uint64_t low = 0, high = delayed->blocks.n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (delayed->blocks.data[middle] < p->start)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < delayed->blocks.n && delayed->blocks.data[low] < p->end; low++, ++*count)
		if (!mark(bits, p, delayed->blocks.data[low]))
			return false;
	return true;
}

bool mimalloc_page_find_free(struct py_reader *r, const struct mimalloc_page *p,
			     const struct mimalloc_delayed *delayed, struct mimalloc_bits *ret)
{
	uint64_t own = 0, others = 0;
	bool ok;

	memset(ret->words, 0, (p->capacity / 64 + 1) * sizeof(*ret->words));
	ok = mark_list(r, ret, p, p->free, &own);
	ok = mark_list(r, ret, p, p->local_free, &own) && ok;
	ok = mark_list(r, ret, p, p->thread_free, &others) && ok;
	ok = mark_delayed(delayed, ret, p, &others) && ok;
	// What others have freed counts as used until the owner takes note.
	return ok && own == p->capacity - p->used && others <= p->used;
}

static int by_address(const void *a, const void *b)
{
	const addr_t x = *(const addr_t *)a, y = *(const addr_t *)b;

	return (x > y) - (x < y);
}

bool mimalloc_delayed_read(struct mimalloc_delayed *ret, struct py_reader *r, addr_t heap,
			   const uint8_t *p, uint64_t *left, int *status)
{
	addr_t block = field_u64(r->layout, F_HEAP_DELAYED_FREE, p);
	struct mimalloc_keys keys;

	read_keys(r->layout, F_HEAP_KEYS, p, heap, &keys);
	for (ret->blocks.n = 0; block && *left; --*left) {
		if (!vec_push(&ret->blocks, block)) {
			*status = CCORE_ENOMEM;
			return true;
		}
		if (block % 8 || !next_block(r, block, &keys, &block))
			break;
	}
	if (ret->blocks.n)
		qsort(ret->blocks.data, ret->blocks.n, sizeof(*ret->blocks.data), by_address);
	return !block;
}
