// SPDX-License-Identifier: GPL-2.0-or-later
// Which blocks of a mimalloc heap are in use, and which heaps are not believed.
#include "small_heap.h"
#include "test.h"

#define BLOCK 1024u // bytes: too large for blocks to be moved from the slice's start
#define PAGE (SMALL_SEGMENT + 16 + SMALL_PAGE)
#define OFF_SEGMENT 16 // of the page's struct in the segment's header

struct found {
	uint32_t blocks; // a bit for each
	uint64_t n, size;
	enum mimalloc_tag tag;
};

static int take(void *ctx, const struct mimalloc_block *b)
{
	struct found *f = ctx;

	f->blocks |= 1u << (b->addr - SMALL_BLOCKS) / BLOCK;
	f->n++;
	f->size = b->size;
	f->tag = b->tag;
	return 0;
}

static void put(uint8_t *at, uint64_t value, unsigned size)
{
	memcpy(at, &value, size);
}

static uint8_t *page_field(struct small_heap *h, uint64_t off)
{
	return h->segment + OFF_SEGMENT + SMALL_PAGE + off;
}

// Words that lead to block `to`: it is 4 for the end of a list.
static void link_blocks(struct small_heap *h, unsigned from, unsigned to)
{
	put(h->blocks + from * BLOCK, to < 4 ? SMALL_BLOCKS + to * BLOCK : 0, 8);
}

// A page of four blocks in the thread's heap for objects of the collector, all in use.
static void make_heap(struct small_heap *h)
{
	*h = (struct small_heap){.blocks_n = 4096};
	put(h->state + 16 + MIMALLOC_GC * SMALL_HEAP, PAGE, 8);
	put(h->state + 16 + 4 * SMALL_HEAP, 1, 4);
	put(h->segment + 8, SMALL_SLICES - 1, 8);
	put(h->segment + OFF_SEGMENT, 1, 4); // the header's own slice
	put(page_field(h, 0), 1, 4);
	put(page_field(h, 8), MIMALLOC_GC << 3, 1);
	put(page_field(h, 10), 4, 2);
	put(page_field(h, 24), 4, 4);
	put(page_field(h, 28), BLOCK, 4);
}

static struct found walk(const struct small_heap *h, uint64_t *ret_damage)
{
	struct found f = {0};
	const struct mimalloc_visitor v = {.take = take, .ctx = &f, .tags = ~0u};
	struct damage damage = {0};

	CHECK(small_heap_walk(h, &v, &damage) == 0);
	*ret_damage = damage.count[DAMAGE_BAD_PAGE];
	return f;
}

TEST(blocks_on_no_list_are_in_use)
{
	struct small_heap h;
	struct found f;
	uint64_t damage;

	make_heap(&h);
	f = walk(&h, &damage);
	CHECK(f.blocks == 0xf && f.n == 4 && f.size == BLOCK && f.tag == MIMALLOC_GC);
	CHECK(damage == 0);
}

TEST(each_list_takes_its_blocks_away)
{
	struct small_heap h;
	struct found f;
	uint64_t damage;

	make_heap(&h);
	put(page_field(&h, 16), SMALL_BLOCKS, 8);		  // free
	put(page_field(&h, 32), SMALL_BLOCKS + BLOCK, 8);	  // local_free
	put(page_field(&h, 40), SMALL_BLOCKS + 2 * BLOCK + 2, 8); // xthread_free, with flags
	put(page_field(&h, 24), 2, 4);
	f = walk(&h, &damage);
	CHECK(f.blocks == 0x8 && damage == 0);
	put(h.state + 16 + MIMALLOC_GC * SMALL_HEAP + 48, SMALL_BLOCKS + 3 * BLOCK, 8);
	f = walk(&h, &damage);
	CHECK(f.n == 0 && damage == 0);
}

TEST(encoded_links_are_decoded)
{
	const uint64_t key = 0x123456789abcdef0, other = 0xfedcba987654321f;
	struct small_heap h;
	struct found f;
	uint64_t damage;

	make_heap(&h);
	h.encoded = true;
	put(page_field(&h, 72), key, 8);
	put(page_field(&h, 80), other, 8);
	put(page_field(&h, 16), SMALL_BLOCKS, 8);
	put(page_field(&h, 24), 2, 4);
	for (unsigned i = 0; i < 2; i++) { // the last leads to the page's struct: that is NULL
		const uint64_t x = (i ? PAGE : SMALL_BLOCKS + BLOCK) ^ other;
		const unsigned by = key % 64;

		put(h.blocks + i * BLOCK, (x << by | x >> (64 - by)) + key, 8);
	}
	f = walk(&h, &damage);
	CHECK(f.blocks == 0xc && f.size == BLOCK - 8 && damage == 0);
}

TEST(segments_of_ended_threads_are_the_interpreters)
{
	struct small_heap h;
	struct found f;
	uint64_t damage;

	make_heap(&h);
	put(h.state + 16 + 4 * SMALL_HEAP, 0, 4); // no thread has heaps
	put(h.state, SMALL_SEGMENT + 7, 8);	  // a counter is in the low bits
	put(page_field(&h, SMALL_PAGE), 3, 4);	  // a free span
	put(page_field(&h, SMALL_PAGE + 28), 0, 4);
	f = walk(&h, &damage);
	CHECK(f.blocks == 0xf && f.n == 4 && damage == 0);
}

TEST(a_free_list_that_leads_back_is_damage)
{
	struct small_heap h;
	struct found f;
	uint64_t damage;

	make_heap(&h);
	put(page_field(&h, 16), SMALL_BLOCKS, 8);
	put(page_field(&h, 24), 2, 4);
	link_blocks(&h, 0, 1);
	link_blocks(&h, 1, 0);
	f = walk(&h, &damage);
	CHECK(f.blocks == 0xc && damage == 1);
}

TEST(lists_that_contradict_the_counts_are_damage)
{
	struct small_heap h;
	uint64_t damage;

	make_heap(&h);
	put(page_field(&h, 16), SMALL_BLOCKS, 8);
	CHECK(walk(&h, &damage).blocks == 0xe && damage == 1);
	make_heap(&h);
	put(page_field(&h, 24), 3, 4);
	CHECK(walk(&h, &damage).blocks == 0xf && damage == 1);
}

TEST(pages_that_cannot_be_are_damage_and_have_no_blocks)
{
	static const struct {
		uint64_t off, value;
		unsigned size;
	} lies[] = {
		{28, 0, 4},	// block size
		{28, 1023, 4},	// no multiple of a word
		{10, 65, 2},	// more blocks than fit
		{24, 5, 4},	// more in use than there are
		{0, 0, 4},	// no slice
		{8, 9 << 3, 1}, // a heap that does not exist
	};

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct small_heap h;
		uint64_t damage;

		make_heap(&h);
		put(page_field(&h, lies[i].off), lies[i].value, lies[i].size);
		CHECK(walk(&h, &damage).n == 0 && damage == 1);
	}
}

TEST(a_page_is_walked_once)
{
	struct small_heap h;
	struct found f;
	uint64_t damage;

	make_heap(&h);
	put(page_field(&h, 56), PAGE, 8);
	f = walk(&h, &damage);
	CHECK(f.n == 4 && damage == 1);
}
