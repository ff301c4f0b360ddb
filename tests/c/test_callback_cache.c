// SPDX-License-Identifier: GPL-2.0-or-later
// The cache over a caller's read function: few calls, no byte wrong, faults exact.
#include "test.h"

#include "mem/src.h"

#define KIB 1024ull

static struct {
	unsigned calls;
	uint64_t bytes;
	addr_t hole, hole_end; // cannot be read
} fake;

static uint8_t byte_at(addr_t addr)
{
	return (uint8_t)(addr * 7 + (addr >> 12));
}

static int64_t fake_read(void *ctx, uint64_t addr, void *buf, uint64_t n)
{
	uint8_t *p = buf;

	(void)ctx; // not used
	fake.calls++;
	fake.bytes += n;
	for (uint64_t i = 0; i < n; i++) {
		if (addr + i >= fake.hole && addr + i < fake.hole_end)
			return 12474448; // what an interpreter left in the register
		p[i] = byte_at(addr + i);
	}
	return (int64_t)n;
}

static void open_fake(struct mem *m, uint64_t size, uint64_t cache_bytes)
{
	struct mem_source *source;

	memset(&fake, 0, sizeof(fake));
	memset(m, 0, sizeof(*m));
	CHECK(src_callback_new(m, fake_read, NULL, cache_bytes, &source, NULL) == 0);
	CHECK(mem_add(m, 0x100000, size, NULL, source, 0x100000, NULL) == 0);
	CHECK(mem_freeze(m, NULL) == 0);
}

static bool reads_right(const struct mem *m, addr_t addr, uint64_t n)
{
	uint8_t buf[256];

	if (mem_read(m, addr, buf, n) != 0)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (buf[i] != byte_at(addr + i))
			return false;
	return true;
}

TEST(a_block_is_asked_for_once)
{
	struct mem m;

	open_fake(&m, 1024 * KIB, 0);
	for (addr_t a = 0x100000; a < 0x110000; a += 64)
		CHECK(reads_right(&m, a, 64));
	CHECK(fake.calls == 1 && fake.bytes == 64 * KIB);
	CHECK(m.allocated_bytes == 64 * KIB && !mem_is_direct(&m));
	mem_done(&m);
}

TEST(reads_cross_pages_and_blocks)
{
	struct mem m;

	open_fake(&m, 1024 * KIB, 0);
	CHECK(reads_right(&m, 0x110000 - 100, 200));
	CHECK(reads_right(&m, 0x101000 - 100, 200));
	CHECK(fake.calls == 2);
	mem_done(&m);
}

TEST(a_hole_costs_only_itself)
{
	struct mem m;
	uint8_t byte;

	open_fake(&m, 1024 * KIB, 0);
	fake.hole = 0x104800;
	fake.hole_end = 0x104900;
	CHECK(reads_right(&m, 0x103ff0, 32));
	CHECK(reads_right(&m, 0x104700, 256));
	CHECK(mem_read(&m, 0x104800, &byte, 1) == CCORE_EFAULT);
	CHECK(mem_read(&m, 0x1047ff, &byte, 1) == 0);
	CHECK(!reads_right(&m, 0x1047ff, 2));
	CHECK(reads_right(&m, 0x104900, 256));
	CHECK(reads_right(&m, 0x105000, 256));
	mem_done(&m);
}

TEST(a_full_cache_forgets_the_oldest_and_stays_right)
{
	struct mem m;
	uint64_t seed = 1;

	open_fake(&m, 64 * 1024 * KIB, 1); // the smallest: 16 blocks
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		CHECK(reads_right(&m, 0x100000 + (seed >> 20) % (63 * 1024 * KIB), 100));
	}
	CHECK(m.allocated_bytes == 16 * 64 * KIB);
	mem_done(&m);
}

TEST(all_faults)
{
	struct mem m;
	char text[64];

	open_fake(&m, 1024 * KIB, 0);
	fake.hole = 0;
	fake.hole_end = UINT64_MAX;
	CHECK(!reads_right(&m, 0x100000, 8));
	CHECK(mem_read_cstr(&m, 0x100000, text, sizeof(text)) == CCORE_EFAULT);
	mem_done(&m);
}
