// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/straight_code.h"

#include <string.h>

enum op { OP_NOTHING, OP_SUB_RSP, OP_ADD_RSP, OP_SET_RBP, OP_PUSH_RBP, OP_POP_RBP, OP_RET };

static const struct instruction {
	uint8_t n; // bytes that tell it
	uint8_t bytes[4];
	uint8_t mask; // of the last of them
	enum op op;
} instructions[] = {
	{4, {0xf3, 0x0f, 0x1e, 0xfa}, 0xff, OP_NOTHING}, // endbr64
	{1, {0x90}, 0xff, OP_NOTHING},			 // nop
	{3, {0x48, 0x89, 0xe5}, 0xff, OP_SET_RBP},	 // mov %rsp,%rbp
	{2, {0xff, 0xd0}, 0xf8, OP_NOTHING},	   // call *register: leaves the stack as it was
	{3, {0x48, 0x83, 0xec}, 0xff, OP_SUB_RSP}, // and a byte: how much
	{3, {0x48, 0x83, 0xc4}, 0xff, OP_ADD_RSP},
	{1, {0x55}, 0xff, OP_PUSH_RBP},
	{1, {0x5d}, 0xff, OP_POP_RBP},
	{1, {0xc3}, 0xff, OP_RET},
};

static const struct instruction *instruction_at(const uint8_t *code, uint64_t n)
{
	for (unsigned i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		const struct instruction *in = &instructions[i];
		const unsigned last = in->n - 1u;

		if (n >= in->n && memcmp(code, in->bytes, last) == 0 &&
		    (code[last] & in->mask) == in->bytes[last])
			return in;
	}
	return NULL;
}

bool straight_code_follow(const uint8_t *code, uint64_t n, struct way_back *ret)
{
	struct way_back way = {0};
	int64_t sp = 0, pushed_at = 0;
	bool is_pushed = false; // at `pushed_at`, on the way
	bool is_set = false;	// the register has something else than the caller's
	const struct instruction *in;

	for (uint64_t at = 0; (in = instruction_at(code + at, n - at)); at += in->n) {
		const bool has_amount = in->op == OP_SUB_RSP || in->op == OP_ADD_RSP;
		const int64_t amount = has_amount && n - at > in->n ? (int8_t)code[at + in->n] : 0;

		if (has_amount && (amount <= 0 || amount % 8))
			return false;
		at += has_amount;
		switch (in->op) {
		case OP_NOTHING:
			break;
		case OP_SET_RBP:
			is_set = true;
			break;
		case OP_SUB_RSP:
			sp -= amount;
			break;
		case OP_ADD_RSP:
			sp += amount;
			break;
		case OP_PUSH_RBP:
			sp -= 8;
			pushed_at = sp;
			is_pushed = true;
			break;
		case OP_POP_RBP:
			if (is_pushed ? sp != pushed_at : sp < 0)
				return false;
			if (!is_pushed) {
				way.has_rbp = true;
				way.rbp_off = (uint64_t)sp;
			}
			is_pushed = false;
			is_set = false;
			sp += 8;
			break;
		case OP_RET:
			way.return_off = (uint64_t)sp;
			if (sp < 0 || is_set)
				return false;
			*ret = way;
			return true;
		}
	}
	return false;
}
