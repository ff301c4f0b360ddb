// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's struct user_regs_struct of x86-64, whatever machine we run on.
#include "sym/target.h"

enum { R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP };
enum { RSP = 19, FS_BASE = 21, USER_REG_N = 27 };

void os_thread_set_regs(struct os_thread *th, const uint8_t *user_regs)
{
	static const uint8_t by_dwarf_number[OS_THREAD_REGS] = {
		RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP,
	};
	uint64_t regs[USER_REG_N];

	_Static_assert(sizeof(regs) == USER_REGS_BYTES, "all of them");
	memcpy(regs, user_regs, sizeof(regs));
	th->has_regs = true;
	th->pc = regs[RIP];
	th->sp = regs[RSP];
	th->fs_base = regs[FS_BASE];
	th->syscall = (int64_t)regs[ORIG_RAX];
	if (th->syscall < 0)
		th->syscall = -1;
	for (unsigned i = 0; i < OS_THREAD_REGS; i++)
		th->regs[i] = regs[by_dwarf_number[i]];
}
