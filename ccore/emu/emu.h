// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * emu: runs the target's own machine code in an emulated processor (Unicorn, found at run time),
 * over the target's memory. A type knows exactly what its objects refer to: its tp_traverse calls
 * a function for each. Nothing runs in the target, no system call is made, and whatever the code
 * writes lands in private copies of pages that are thrown away.
 *
 * struct emu_env is one target's, shared by its threads; struct emu is one thread's emulated
 * processor and its view of memory. Memory appears in the emulator when code touches it: parts of
 * mem that are mapped here without a copy and read-only, else copies. A part that is written to
 * is replaced by a private copy. At most LIM_EMU_REGIONS of them and LIM_EMU_COPY_BYTES of copies
 * are held at a time.
 *
 * Calls come in batches, because starting an emulated processor costs as much as ten short
 * functions. A call ends by itself, or by a fault, a system call, an instruction that is not
 * known, or a limit on its steps; it is then marked, what it wrote is undone, and the next one
 * is run. Whether it does depends on that call alone: not on the batch, nor on the machine, but
 * for code whose steps take a hundred times as long as those of honest code, which is ended after
 * some processor time.
 */
#ifndef NECROPY_EMU_H
#define NECROPY_EMU_H

#include "sym/target.h"

struct emu_library;

struct emu_env {
	const struct target *target;
	const struct emu_library *library; // NULL: there is none
	const char *why_not;		   // a sentence; NULL: it can be used
	addr_t base;			   // of what is ours in the address space
	uint64_t thread_pointer;	   // fs_base of the calls; 0: a page of zeros
	// A call made before others, whose writes stay: it makes a thread the current one. Only
	// when a call has failed without.
	addr_t prepare;
	uint64_t prepare_arg;
	struct progress progress; // asked by emulators with `reports`
};

struct emu;

enum emu_status {
	EMU_DONE,	 // `value` and the referents are the answer
	EMU_FAULT,	 // it touched memory that is not there
	EMU_LIMIT,	 // it does not end
	EMU_SYSCALL,	 // it asked the kernel for something
	EMU_INSTRUCTION, // one that the emulator does not know
	EMU_SPENT,	 // all calls together have taken the steps that they may
	EMU_LATER,	 // not run: those before it have visited too much to be kept together
	EMU_CANCELED	 // the user said stop
};

#define EMU_ARGS 3u
#define EMU_VALUE_BYTES 64u

struct emu_call {
	addr_t function;
	uint64_t args[EMU_ARGS]; // the next two are 0
	bool wants_bytes;	 // the value is an address: of what is there when the call ends
	// Out:
	enum emu_status status;
	uint64_t value;	   // what it returned
	uint64_t first, n; // its referents, in emu_referents()
	uint8_t bytes[EMU_VALUE_BYTES];
};

/** Look for the library, once in a process. `env` may be used whatever comes out. */
void emu_env_init(struct emu_env *env, const struct target *t, const struct progress *progress);

static inline bool emu_is_available(const struct emu_env *env)
{
	return env->library && !env->why_not;
}

/**
 * An emulator; NULL when memory is out or the library refuses. `reports`: asks for Ctrl-C. What its
 * calls take is taken off `left`, which is the caller's, and of several if he likes; at 0 and less
 * they end (EMU_SPENT).
 */
struct emu *emu_new(const struct emu_env *env, bool reports, _Atomic int64_t *left);
void emu_free(struct emu *e);

/**
 * Run `calls` one after the other, from memory as the target has it. Referents of earlier runs
 * are forgotten. At least the first is run, or there is a reason; calls from some on may be left
 * for another time (EMU_LATER). Fails only when our own memory is out.
 */
int emu_run(struct emu *e, struct emu_call *calls, uint64_t n);

/** Make a call of `traverse`, a traverseproc, for `object`: its referents are what it visits. */
void emu_traverse(const struct emu *e, struct emu_call *call, addr_t traverse, addr_t object);

/** What the calls of the last emu_run() visited. */
const addr_t *emu_referents(const struct emu *e);

#endif
