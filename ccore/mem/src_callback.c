// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory read by the caller, where one call costs microseconds: blocks of 64 KiB are kept. The
 * cache is a table of blocks found by hash; when it is full, the block that came first goes.
 */
#include "mem/src.h"
#include "util/checked.h"
#include "util/hashmap.h"

#define BLOCK_BYTES 65536u
#define BLOCK_PAGES (BLOCK_BYTES / PAGE_BYTES)
#define ALL_PAGES ((1u << BLOCK_PAGES) - 1)
#define DEFAULT_CACHE_BYTES (256ull << 20)

struct block {
	uint64_t number;    // address / BLOCK_BYTES
	uint32_t next;	    // in its bucket
	uint32_t have, bad; // bit per page: read; cannot be read
	uint8_t *data;
};

#define NO_BLOCK UINT32_MAX

struct cache {
	ccore_read_fn read;
	void *ctx;
	struct mem *mem; // for the count of bytes that it holds
	struct block *blocks;
	uint32_t *buckets; // as many as blocks, a power of two
	uint32_t block_cap, block_n;
	uint32_t oldest; // which to replace, once all are in use
};

static bool ask(struct cache *c, addr_t addr, void *buf, uint64_t n)
{
	return c->read(c->ctx, addr, buf, n) == (int64_t)n;
}

static uint32_t *bucket_of(struct cache *c, uint64_t number)
{
	return &c->buckets[hash_u64(number) & (c->block_cap - 1)];
}

static void unlink_block(struct cache *c, uint32_t i)
{
	uint32_t *at = bucket_of(c, c->blocks[i].number);

	while (*at != i)
		at = &c->blocks[*at].next;
	*at = c->blocks[i].next;
}

// A block to fill, or NULL when memory is out and there is none to reuse.
static struct block *take_block(struct cache *c)
{
	uint32_t i;

	if (c->block_n < c->block_cap) {
		struct block *b = &c->blocks[c->block_n];

		b->data = malloc(BLOCK_BYTES);
		if (b->data) {
			c->block_n++;
			c->mem->allocated_bytes += BLOCK_BYTES;
			return b;
		}
	}
	if (!c->block_n)
		return NULL;
	i = c->oldest % c->block_n;
	c->oldest = i + 1;
	unlink_block(c, i);
	return &c->blocks[i];
}

static struct block *find_block(struct cache *c, uint64_t number)
{
	uint32_t *bucket = bucket_of(c, number);
	struct block *b;

	for (uint32_t i = *bucket; i != NO_BLOCK; i = c->blocks[i].next)
		if (c->blocks[i].number == number)
			return &c->blocks[i];
	b = take_block(c);
	if (!b)
		return NULL;
	b->number = number;
	b->bad = 0;
	b->have = ask(c, number * BLOCK_BYTES, b->data, BLOCK_BYTES) ? ALL_PAGES : 0;
	b->next = *bucket;
	*bucket = (uint32_t)(b - c->blocks);
	return b;
}

static bool have_page(struct cache *c, struct block *b, uint32_t page)
{
	const uint32_t bit = 1u << page, off = page * PAGE_BYTES;

	if (b->have & bit)
		return true;
	if (b->bad & bit)
		return false;
	if (ask(c, b->number * BLOCK_BYTES + off, b->data + off, PAGE_BYTES))
		b->have |= bit;
	else
		b->bad |= bit;
	return b->have & bit;
}

static int64_t cache_read(void *ctx, uint64_t addr, void *buf, uint64_t n)
{
	struct cache *c = ctx;
	uint8_t *to = buf;
	uint64_t left = n;

	while (left) {
		struct block *b = find_block(c, addr / BLOCK_BYTES);
		const uint32_t off = (uint32_t)(addr % BLOCK_BYTES);
		const uint64_t take = u64_min(left, PAGE_BYTES - off % PAGE_BYTES);

		if (b && have_page(c, b, off / PAGE_BYTES))
			memcpy(to, b->data + off, take);
		else if (!ask(c, addr, to, take))
			return -1;
		to += take;
		addr += take;
		left -= take;
	}
	return (int64_t)n;
}

static void cache_close(void *ctx)
{
	struct cache *c = ctx;

	for (uint32_t i = 0; i < c->block_n; i++)
		free(c->blocks[i].data);
	free(c->blocks);
	free(c->buckets);
	free(c);
}

static const struct mem_source_ops callback_ops = {"callback", cache_read, cache_close};

static uint32_t blocks_for(uint64_t max_bytes)
{
	uint32_t n = 16;

	max_bytes = max_bytes ? max_bytes : DEFAULT_CACHE_BYTES;
	while (n < (1u << 24) && n * 2ull * BLOCK_BYTES <= max_bytes)
		n *= 2;
	return n;
}

int src_callback_new(struct mem *m, ccore_read_fn read, void *ctx, uint64_t max_bytes,
		     struct mem_source **ret, struct ccore_error *err)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return err_nomem(err);
	c->read = read;
	c->ctx = ctx;
	c->mem = m;
	c->block_cap = blocks_for(max_bytes);
	c->blocks = calloc(c->block_cap, sizeof(*c->blocks));
	c->buckets = malloc(c->block_cap * sizeof(*c->buckets));
	if (!c->blocks || !c->buckets) {
		cache_close(c);
		return err_nomem(err);
	}
	for (uint32_t i = 0; i < c->block_cap; i++)
		c->buckets[i] = NO_BLOCK;
	return mem_own_source(m, &callback_ops, c, ret, err);
}
