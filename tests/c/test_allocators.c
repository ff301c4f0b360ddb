// SPDX-License-Identifier: GPL-2.0-or-later
// glibc's chunks and pymalloc's pools in memory made by hand; the fuzzers have the hostile ones.
#include "alloc/glibc_malloc.h"

#include "test.h"

#define DATA 0x10000u
#define HEAP 0x100000u
#define STATE (DATA + 64u)
#define TOP_AT (STATE + 96u)
#define WORDS 1024u

static uint64_t data[WORDS], heap[WORDS], mapped[WORDS];
static struct mapping maps[3];
static struct module libc;
static struct target target;

// Chunks of 48, 32 (in a tcache), 64 bytes; a free one of 96; one of 32; the top.
static void put_chunk(uint64_t at, uint64_t size, bool previous_used)
{
	heap[at / 8 + 1] = size | previous_used;
}

#define TCACHE 0x290u

static void make_heap(void)
{
	memset(heap, 0, sizeof(heap));
	put_chunk(0, TCACHE, true);
	heap[2] = 1;				     // one chunk in the first list
	heap[2 + 128 / 8] = HEAP + TCACHE + 48 + 16; // which is there
	put_chunk(TCACHE, 48, true);
	put_chunk(TCACHE + 48, 32, true);
	heap[(TCACHE + 48 + 16) / 8] = (HEAP + TCACHE + 48 + 16) >> 12; // the end, protected
	put_chunk(TCACHE + 80, 64, true);
	put_chunk(TCACHE + 144, 96, true);
	put_chunk(TCACHE + 240, 32, false);
	put_chunk(TCACHE + 272, sizeof(heap) - TCACHE - 272, true);
}

static void make_state(void)
{
	uint64_t *state = data + 64 / 8;

	memset(data, 0, sizeof(data));
	state[12] = HEAP + TCACHE + 272; // top
	for (unsigned i = 0; i < 127; i++)
		state[14 + 2 * i] = state[15 + 2 * i] = TOP_AT + i * 16;
	state[270] = STATE; // next
	state[273] = sizeof(heap);
}

static void open_target(void)
{
	make_heap();
	make_state();
	memset(mapped, 0, sizeof(mapped));
	mapped[1] = 4096 | 2;
	maps[0] = (struct mapping){.start = DATA,
				   .end = DATA + sizeof(data),
				   .flags = MAPPING_W,
				   .name = "/libc.so.6"};
	maps[1] = (struct mapping){
		.start = HEAP, .end = HEAP + sizeof(heap), .flags = MAPPING_W, .name = "[heap]"};
	maps[2] = (struct mapping){.start = 0x200000,
				   .end = 0x200000 + sizeof(mapped),
				   .flags = MAPPING_W,
				   .name = ""};
	libc = (struct module){.name = "/libc.so.6", .start = DATA, .end = maps[0].end};
	target = (struct target){.mappings = {.data = maps, .n = 3}};
	CHECK(vec_push(&target.modules, libc));
	CHECK(mem_add(&target.mem, DATA, sizeof(data), (uint8_t *)data, NULL, 0, NULL) == 0);
	CHECK(mem_add(&target.mem, HEAP, sizeof(heap), (uint8_t *)heap, NULL, 0, NULL) == 0);
	CHECK(mem_add(&target.mem, 0x200000, sizeof(mapped), (uint8_t *)mapped, NULL, 0, NULL) ==
	      0);
	CHECK(mem_freeze(&target.mem, NULL) == 0);
}

static void close_target(void)
{
	vec_done(&target.modules);
	mem_done(&target.mem);
}

struct found {
	struct malloc_chunk chunks[16];
	unsigned n;
};

static int keep(void *ctx, const struct malloc_chunk *c)
{
	struct found *f = ctx;

	if (f->n < 16)
		f->chunks[f->n++] = *c;
	return 0;
}

static void walk_all(const struct glibc_malloc *m, struct found *f, struct damage *damage)
{
	*f = (struct found){.n = 0};
	for (uint64_t i = 0; i < m->ranges.n; i++)
		CHECK(glibc_malloc_walk(m, &target.mem, i, keep, f, damage) == 0);
}

TEST(chunks_of_a_heap_are_told_apart)
{
	static const struct malloc_chunk want[] = {
		{HEAP + 16, TCACHE - 8, CHUNK_USED},
		{HEAP + TCACHE + 16, 40, CHUNK_USED},
		{HEAP + TCACHE + 64, 16 + 8, CHUNK_TCACHE},
		{HEAP + TCACHE + 96, 56, CHUNK_USED},
		{HEAP + TCACHE + 160, 80, CHUNK_FREE},
		{HEAP + TCACHE + 256, 24, CHUNK_USED},
		{HEAP + TCACHE + 288, sizeof(heap) - TCACHE - 272 - 16, CHUNK_TOP},
		{0x200010, 4080, CHUNK_MMAPPED},
	};
	struct damage damage = {0};
	struct glibc_malloc m;
	struct found f;

	open_target();
	CHECK(glibc_malloc_find(&m, &target, NULL, 0, &damage, NULL) == 0);
	CHECK(m.known && m.ranges.n == 2);
	walk_all(&m, &f, &damage);
	CHECK(f.n == sizeof(want) / sizeof(want[0]));
	for (unsigned i = 0; i < f.n; i++) {
		CHECK(f.chunks[i].addr == want[i].addr);
		CHECK(f.chunks[i].size == want[i].size);
		CHECK(f.chunks[i].state == want[i].state);
	}
	CHECK(!damage_any(&damage));
	CHECK(glibc_malloc_owns(&m, HEAP) && glibc_malloc_owns(&m, 0x200fff));
	CHECK(!glibc_malloc_owns(&m, HEAP - 1) && !glibc_malloc_owns(&m, 0x201000));
	glibc_malloc_done(&m);
	close_target();
}

TEST(a_chunk_of_impossible_size_ends_the_heap_with_damage)
{
	struct damage damage = {0};
	struct glibc_malloc m;
	struct found f;

	open_target();
	CHECK(glibc_malloc_find(&m, &target, NULL, 0, &damage, NULL) == 0);
	heap[(TCACHE + 80) / 8 + 1] = 1 << 20 | 1;
	walk_all(&m, &f, &damage);
	CHECK(f.n == 4 && f.chunks[3].state == CHUNK_MMAPPED);
	CHECK(damage.count[DAMAGE_BAD_POOL] == 1);
	CHECK(damage.first[DAMAGE_BAD_POOL] == HEAP + TCACHE + 80);
	glibc_malloc_done(&m);
	close_target();
}

TEST(memory_without_a_malloc_state_is_someone_elses)
{
	struct damage damage = {0};
	struct glibc_malloc m;

	open_target();
	data[64 / 8 + 14 + 40] = 1; // five bins that are not even bins
	data[64 / 8 + 14 + 42] = data[64 / 8 + 14 + 44] = data[64 / 8 + 14 + 46] = 1;
	data[64 / 8 + 14 + 48] = 1;
	CHECK(glibc_malloc_find(&m, &target, NULL, 0, &damage, NULL) == 0);
	CHECK(!m.known && m.ranges.n == 0 && !damage_any(&damage));
	glibc_malloc_done(&m);
	close_target();
}
