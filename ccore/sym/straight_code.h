// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * straight_code: the way back out of code that no unwind table is for, where it leads straight to
 * its return: the trampolines that CPython 3.12 and later copy into anonymous memory for perf
 * (`-X perf`, sys.activate_stack_trampoline()), one for each code object.
 */
#ifndef NECROPY_STRAIGHT_CODE_H
#define NECROPY_STRAIGHT_CODE_H

#include "util/checked.h"

#include <stdbool.h>
#include <stdint.h>

// Bytes of code that are worth reading.
#define STRAIGHT_CODE_BYTES 32u

struct way_back {
	uint64_t return_off; // of the return address above the stack pointer, in bytes
	bool has_rbp;	     // the caller's rbp is saved on the stack, else it is in the register
	uint64_t rbp_off;    // where, above the stack pointer
};

/**
 * Follow `n` bytes of x86-64 `code` from an instruction that runs, or is returned to, to `ret`.
 * False when it is not there soon, or on its way does what is not understood.
 */
bool straight_code_follow(const uint8_t *code, uint64_t n, struct way_back *ret);

#endif
