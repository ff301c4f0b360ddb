// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/straight_code.h"
#include "test.h"

// What CPython's trampolines are made of, Python/asm_trampoline.S.
static const uint8_t aligned[] = {
	0xf3, 0x0f, 0x1e, 0xfa, // endbr64
	0x48, 0x83, 0xec, 0x08, // sub $8,%rsp
	0xff, 0xd1,		// call *%rcx
	0x48, 0x83, 0xc4, 0x08, // add $8,%rsp
	0xc3,			// ret
};
static const uint8_t framed[] = {
	0x55,		  // push %rbp
	0x48, 0x89, 0xe5, // mov %rsp,%rbp
	0xff, 0xd1,	  // call *%rcx
	0x5d,		  // pop %rbp
	0xc3,		  // ret
};

static bool follow(const uint8_t *code, uint64_t size, uint64_t from, struct way_back *ret)
{
	*ret = (struct way_back){0};
	return straight_code_follow(code + from, size - from, ret);
}

TEST(trampolines_from_each_of_their_instructions)
{
	static const uint64_t in_aligned[][2] = {{0, 0}, {4, 0}, {8, 8}, {10, 8}, {14, 0}};
	struct way_back way;

	for (unsigned i = 0; i < 5; i++) {
		CHECK(follow(aligned, sizeof(aligned), in_aligned[i][0], &way));
		CHECK(way.return_off == in_aligned[i][1] && !way.has_rbp);
	}
	for (unsigned i = 0; i < 2; i++) {
		CHECK(follow(framed, sizeof(framed), i ? 7 : 0, &way));
		CHECK(way.return_off == 0 && !way.has_rbp);
	}
	for (unsigned from = 1; from < 7; from += from == 1 ? 3 : 2) {
		CHECK(follow(framed, sizeof(framed), from, &way));
		CHECK(way.return_off == 8 && way.has_rbp && way.rbp_off == 0);
	}
}

TEST(what_is_saved_on_the_way_is_still_in_the_register)
{
	// add $8,%rsp; push %rbp; pop %rbp; ret
	static const uint8_t code[] = {0x48, 0x83, 0xc4, 0x08, 0x55, 0x5d, 0xc3};
	struct way_back way;

	CHECK(follow(code, sizeof(code), 0, &way));
	CHECK(way.return_off == 8 && !way.has_rbp);
}

TEST(code_that_is_not_straight_is_not_followed)
{
	static const uint8_t leaves_rbp[] = {0x48, 0x89, 0xe5, 0xc3};
	static const uint8_t down[] = {0x48, 0x83, 0xec, 0x08, 0xc3};
	static const uint8_t negative[] = {0x48, 0x83, 0xc4, 0xf8, 0xc3};
	static const uint8_t jump[] = {0xeb, 0xfe, 0xc3};
	static const uint8_t pops_what_was_kept[] = {0x55, 0x48, 0x83, 0xec,
						     0x08, 0x5d, 0x5d, 0xc3};
	struct way_back way;

	CHECK(!follow(leaves_rbp, sizeof(leaves_rbp), 0, &way));
	CHECK(!follow(down, sizeof(down), 0, &way));
	CHECK(!follow(negative, sizeof(negative), 0, &way));
	CHECK(!follow(jump, sizeof(jump), 0, &way));
	CHECK(!follow(pops_what_was_kept, sizeof(pops_what_was_kept), 0, &way));
	for (uint64_t n = 0; n < sizeof(aligned); n++)
		CHECK(!straight_code_follow(aligned, n, &way));
}
