// SPDX-License-Identifier: GPL-2.0-or-later
// Segments: order, overlaps, gaps, and both ends of the address space.
#include "test.h"

#include "mem/mem.h"

static uint8_t low[64], high[64];

static void fill(void)
{
	for (unsigned i = 0; i < 64; i++) {
		low[i] = (uint8_t)i;
		high[i] = (uint8_t)(100 + i);
	}
}

static void add(struct mem *m, addr_t addr, uint64_t size, const uint8_t *base)
{
	CHECK(mem_add(m, addr, size, base, NULL, 0, NULL) == 0);
}

static const uint8_t *span(const struct mem *m, addr_t addr, uint64_t n)
{
	struct mem_lens lens;

	mem_lens_init(&lens, m);
	return mem_lens_span(&lens, addr, n);
}

TEST(segments_are_sorted_and_read_across)
{
	struct mem m = {0};
	uint8_t buf[128];

	fill();
	add(&m, 0x1040, 64, high);
	add(&m, 0x1000, 64, low);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(m.segments.n == 2 && m.segments.data[0].min == 0x1000);
	CHECK(mem_read(&m, 0x1000, buf, 128) == 0 && buf[0] == 0 && buf[64] == 100);
	CHECK(mem_read(&m, 0x103f, buf, 2) == 0 && buf[0] == 63 && buf[1] == 100);
	CHECK(mem_read(&m, 0x1000, buf, 129) == CCORE_EFAULT);
	CHECK(mem_read(&m, 0xfff, buf, 2) == CCORE_EFAULT);
	CHECK(mem_read(&m, 0x9999, buf, 0) == 0);
	CHECK(mem_readable(&m, 0x1001, 1000) == 127);
	CHECK(span(&m, 0x103f, 1) == low + 63 && !span(&m, 0x103f, 2));
	mem_done(&m);
}

TEST(neighbours_with_contiguous_bytes_become_one)
{
	struct mem m = {0};

	add(&m, 0x1020, 32, low + 32);
	add(&m, 0x1000, 32, low);
	add(&m, 0x1040, 16, NULL);
	add(&m, 0x1050, 16, NULL);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(m.segments.n == 2);
	CHECK(span(&m, 0x1000, 64) == low);
	mem_done(&m);
}

TEST(the_later_segment_wins)
{
	struct mem m = {0};
	uint8_t buf[64];

	fill();
	add(&m, 0x1000, 64, low);
	add(&m, 0x1010, 16, high);
	add(&m, 0x1018, 4, NULL);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(m.segments.n == 5);
	CHECK(mem_read(&m, 0x1000, buf, 24) == 0 && buf[15] == 15 && buf[16] == 100);
	CHECK(mem_read(&m, 0x1018, buf, 1) == CCORE_EFAULT);
	CHECK(mem_read(&m, 0x101c, buf, 36) == 0 && buf[0] == 112 && buf[4] == 32);
	mem_done(&m);
}

TEST(freezing_again_keeps_what_was_there_below)
{
	struct mem m = {0};
	uint8_t byte;

	fill();
	add(&m, 0x1000, 64, NULL);
	add(&m, 0x1000, 32, low);
	CHECK(mem_freeze(&m, NULL) == 0);
	add(&m, 0x1020, 32, high);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(mem_read(&m, 0x1001, &byte, 1) == 0 && byte == 1);
	CHECK(mem_read(&m, 0x1020, &byte, 1) == 0 && byte == 100);
	CHECK(m.segments.n == 2);
	mem_done(&m);
}

// Every byte of many random layouts, against a table.
TEST(overlaps_agree_with_a_table)
{
	static uint8_t bytes[256];
	uint32_t seed = 12345;

	for (unsigned round = 0; round < 300; round++) {
		const uint8_t *want[256] = {0};
		struct mem m = {0};
		bool same = true;

		for (unsigned k = 0; k < 12; k++) {
			const unsigned at = (seed = seed * 1664525 + 1013904223) >> 24;
			const unsigned n =
				((seed = seed * 1664525 + 1013904223) >> 24) % (257 - at);
			const bool saved = (seed = seed * 1664525 + 1013904223) >> 31;

			add(&m, 0x5000 + at, n, saved ? bytes + k : NULL);
			for (unsigned i = 0; i < n; i++)
				want[at + i] = saved ? bytes + k + i : NULL;
		}
		CHECK(mem_freeze(&m, NULL) == 0);
		for (unsigned i = 0; i < 256; i++)
			same &= span(&m, 0x5000 + i, 1) == want[i];
		CHECK(same);
		mem_done(&m);
	}
}

TEST(the_last_byte_of_the_address_space_can_be_read)
{
	struct mem m = {0};
	struct mem_lens lens;
	uint8_t buf[65];

	fill();
	add(&m, UINT64_MAX - 63, 64, low);
	add(&m, 0, 64, high);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(mem_read(&m, UINT64_MAX, buf, 1) == 0 && buf[0] == 63);
	CHECK(mem_read(&m, UINT64_MAX - 63, buf, 64) == 0);
	CHECK(mem_read(&m, UINT64_MAX - 63, buf, 65) == CCORE_EFAULT);
	CHECK(mem_readable(&m, UINT64_MAX - 1, 100) == 2);
	mem_lens_init(&lens, &m);
	CHECK(mem_lens_span(&lens, UINT64_MAX, 1) == low + 63);
	CHECK(!mem_lens_span(&lens, UINT64_MAX, 2));
	CHECK(mem_lens_span(&lens, 0, 64) == high);
	mem_done(&m);
}

TEST(a_segment_past_the_end_is_refused)
{
	struct ccore_error err;
	struct mem m = {0};

	CHECK(mem_add(&m, UINT64_MAX - 3, 5, low, NULL, 0, &err) == CCORE_EFORMAT);
	CHECK(mem_add(&m, 7, 0, low, NULL, 0, &err) == 0 && m.segments.n == 0);
	CHECK(mem_freeze(&m, NULL) == 0 && !mem_find(&m, 7));
	mem_done(&m);
}

TEST(errors_tell_unmapped_from_unsaved)
{
	struct ccore_error err;
	struct mem m = {0};
	uint8_t buf[64];

	add(&m, 0x1000, 32, low);
	add(&m, 0x1020, 32, NULL);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(mem_read_err(&m, 0x1010, buf, 32, "the type", &err) == CCORE_EFAULT);
	CHECK_TEXT(err.text, "cannot read the type at 0x1020: mapped, but not saved in the core");
	CHECK(err.addr == 0x1020);
	CHECK(mem_read_err(&m, 0x2000, buf, 8, "the type", &err) == CCORE_EFAULT);
	CHECK_TEXT(err.text, "cannot read the type at 0x2000: not mapped");
	mem_done(&m);
}

TEST(strings_end_at_their_nul_or_fail)
{
	static const uint8_t text[] = "hello\0world"; // its own NUL follows
	struct mem m = {0};
	char buf[16];

	add(&m, 0x103e, sizeof(text), text);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(mem_read_cstr(&m, 0x103e, buf, sizeof(buf)) == 0);
	CHECK_TEXT(buf, "hello");
	CHECK(mem_read_cstr(&m, 0x1044, buf, 6) == 0 || buf[0] == 'w');
	CHECK(mem_read_cstr(&m, 0x103e, buf, 5) == CCORE_EFAULT);
	CHECK(mem_read_cstr(&m, 0x5000, buf, 5) == CCORE_EFAULT);
	CHECK(mem_read_cstr(&m, 0x103e, buf, 0) == CCORE_EFAULT);
	mem_done(&m);
}

TEST(a_lens_forgets_what_does_not_fit)
{
	struct mem m = {0};
	struct mem_lens lens;
	uint8_t scratch[64];

	fill();
	add(&m, 0x1000, 32, low);
	add(&m, 0x1020, 32, high);
	add(&m, 0x4001000, 32, high); // the same slot
	CHECK(mem_freeze(&m, NULL) == 0);
	mem_lens_init(&lens, &m);
	CHECK(mem_lens_span(&lens, 0x1000, 32) == low);
	CHECK(!mem_lens_span(&lens, 0x1010, 32));
	CHECK(mem_lens_get(&lens, 0x1010, 32, scratch) == scratch && scratch[16] == 100);
	CHECK(mem_lens_span(&lens, 0x4001000, 8) == high);
	CHECK(mem_lens_span(&lens, 0x1008, 8) == low + 8);
	CHECK(!mem_lens_get(&lens, 0x1030, 32, scratch));
	CHECK(!mem_lens_span(&lens, 0xfff, 1));
	mem_done(&m);
}

TEST(bytes_that_are_mapped_twice_count_once)
{
	struct mem m = {0};

	add(&m, 0x1000, 64, low);
	add(&m, 0x9000, 64, low);
	add(&m, 0x20000, 32, low + 32);
	add(&m, 0x28000, 16, high);
	add(&m, 0x30000, 64, NULL);
	CHECK(mem_freeze(&m, NULL) == 0);
	CHECK(m.bytes == 64 + 16);
	mem_done(&m);
}
