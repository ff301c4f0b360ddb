// SPDX-License-Identifier: GPL-2.0-or-later
// One emulator, as the files of emu/ share it.
#ifndef NECROPY_ENGINE_H
#define NECROPY_ENGINE_H

#include "emu/emu.h"
#include "util/checked.h"
#include "util/hashmap.h"
#include "util/vec.h"

#include <unicorn/unicorn.h>

// What of Unicorn is used, by the names it has there.
#define EMU_FUNCTIONS(X)  \
	X(uc_version)     \
	X(uc_open)        \
	X(uc_close)       \
	X(uc_emu_start)   \
	X(uc_emu_stop)    \
	X(uc_hook_add)    \
	X(uc_mem_map_ptr) \
	X(uc_mem_unmap)   \
	X(uc_mem_protect) \
	X(uc_reg_read)    \
	X(uc_reg_write)

struct emu_library {
#define X(name) __typeof__(name) *name;
	EMU_FUNCTIONS(X)
#undef X
};

/** The library, or NULL and a sentence. Any thread. */
const struct emu_library *emu_library_get(const char **ret_why_not);

// -- our own part of the address space, from env->base on

#define OURS_CODE 0u	     // stub and plain routines
#define OURS_DATA 0x100000u  // the stack, growing down; control; calls; what is visited
#define OURS_STACK 0x100000u // bytes
#define OURS_CONTROL (OURS_DATA + OURS_STACK)
#define OURS_CALLS (OURS_CONTROL + PAGE_BYTES)
#define OURS_OUT (OURS_CALLS + EMU_BATCH * 48u)
#define OURS_OUT_BYTES 0x100000u
#define OURS_DATA_END (OURS_OUT + OURS_OUT_BYTES)
#define OURS_ZERO 0x400000u  // the thread pointer's page, when there is none
#define OURS_ROOM 0x1000000u // what mmap() gives
#define OURS_BYTES (OURS_ROOM + LIM_EMU_ROOM_BYTES)

#define EMU_BATCH 1024u // calls at a time

/** A part of the address space that the emulator sees. */
struct emu_region {
	addr_t addr;
	uint64_t size;
	uint8_t *copy; // ours to free; NULL: mapped from mem
	unsigned perms;
	bool written;  // a private copy, to be restored
	uint8_t *kept; // to this; NULL: to what the target has
};

/** A function of libc that needs instructions we have not: calls go to `to`. */
struct emu_patch {
	addr_t at, to;
};

struct emu {
	const struct emu_env *env;
	const struct emu_library *lib;
	bool reports;
	_Atomic int64_t *left; // steps that all calls may still take
	int64_t spent;	       // what was taken off it last
	uint64_t cost;	       // of what takes time besides steps, as steps; since `left` was told
	uc_engine *uc;
	VEC(struct emu_region) regions;
	uint64_t copied_bytes;
	bool is_full;	    // too many regions or copies: start anew
	addr_t write_to;    // the write that was refused; 0: none
	uint8_t *data;	    // OURS_DATA to OURS_DATA_END
	uint8_t *room;	    // OURS_ROOM
	uint8_t *zero;	    // OURS_ZERO
	uint8_t *code;	    // OURS_CODE
	uint64_t room_used; // bytes
	bool is_prepared;   // env->prepare has been called
	bool looked_for_patches;
	VEC(struct emu_patch) patches;
	addr_t fixup; // _dl_fixup() of the dynamic linker; 0: not found

	VEC(addr_t) referents;
	uint64_t drained;   // of them, those that have left the emulated buffer
	uint64_t call_from; // where those of the present call begin

	// Steps are blocks of instructions.
	uint64_t steps, check_at, last_call, stuck;
	uint64_t told_steps;	 // of them, those that have been taken off `left`
	uint64_t told_ns;	 // when
	struct hashmap endless;	 // by function: calls that did not end
	uint64_t wasted;	 // by calls that did not end
	uint64_t wasted_ns;	 // by them
	uint64_t began_ns;	 // when the present call did, or one not long before it
	bool exact;		 // one call is run, and its steps are counted
	enum emu_status stopped; // EMU_DONE: nothing stopped it
};

// -- what we and the stub tell each other

// As the stub has them in memory.
struct stub_control {
	uint64_t call, calls_end, out, out_end;
	uint64_t is_full; // the stub waits for room at `out`
};

struct stub_call {
	uint64_t function, args[EMU_ARGS], value, out;
};

_Static_assert(sizeof(struct stub_call) == 48, "the stub knows its size");

static inline struct stub_control *emu_control(const struct emu *e)
{
	return (struct stub_control *)(e->data + (OURS_CONTROL - OURS_DATA));
}

static inline struct stub_call *emu_stub_calls(const struct emu *e)
{
	return (struct stub_call *)(e->data + (OURS_CALLS - OURS_DATA));
}

static inline addr_t emu_ours(const struct emu *e, uint64_t off)
{
	return e->env->base + off;
}

// Bytes the stub has written at `out`; 0 when the code has spoilt our data.
static inline uint64_t emu_out_bytes(const struct emu *e, uint64_t out)
{
	const uint64_t n = out - emu_ours(e, OURS_OUT);

	return n <= OURS_OUT_BYTES ? n & ~7ull : 0;
}

#define EMU_CHECK_STEPS (LIM_EMU_STEPS / 16) // after which it is asked whether a call ends

/** Processor time of this thread. */
uint64_t emu_now_ns(void);

/** What to take off `left`: since it was told last `call_n` calls have ended, and one runs. */
int64_t emu_taken(const struct emu *e, uint64_t call_n);

/** An emulated processor that has seen nothing: after a change of code as well. */
bool emu_power_on(struct emu *e);
void emu_power_off(struct emu *e);

/** Map what is missing of [addr, addr + size); false when that is not all there. */
bool emu_map(struct emu *e, addr_t addr, uint64_t size);

/** Let writes to `addr` through, into a private copy; false when there is no such memory. */
bool emu_make_private(struct emu *e, addr_t addr);

/** Forget all memory but ours; patches stay. Without e->uc, what it had is freed. */
void emu_forget(struct emu *e);

/** uc_emu_start(), its result in *ret; false when it has aborted: then e->uc is of no use. */
bool emu_start_guarded(struct emu *e, uint64_t from, uint64_t until, uc_err *ret);

/** Undo all writes since emu_keep(). */
void emu_reset(struct emu *e);

/** Make what has been written stay; false when memory is out. */
bool emu_keep(struct emu *e);

/** Copy `n` bytes of the memory as the emulated code sees it. 0 or CCORE_EFAULT. */
int emu_read(struct emu *e, addr_t addr, void *buf, uint64_t n);

/** `size` bytes for mmap(); 0: no more. */
addr_t emu_room(struct emu *e, uint64_t size);

/** Find the functions of libc that have plain routines; true when that changes something. */
bool emu_find_patches(struct emu *e);

/** Write the patches that lie in [addr, addr + size) into `copy`, the bytes there. */
void emu_patch(const struct emu *e, addr_t addr, uint64_t size, uint8_t *copy);

/** Whether emu_patch() would write there. */
bool emu_has_patch(const struct emu *e, addr_t addr, uint64_t size);

/** Functions of libc ('|'-separated) that have a plain routine at that offset of our code. */
struct emu_plain {
	const char *names;
	uint32_t off;
};
extern const struct emu_plain emu_plains[]; // names NULL: the end

/** Our code. */
void emu_code(uint8_t page[PAGE_BYTES]);

#define STUB_START 0x0u
#define STUB_DONE 0x43u
#define STUB_VISIT 0x50u
#define STUB_RESUME 0x7au
#define STUB_STOP 0xf0u		       // hlt: what is called in place of what does not end
#define PLAIN 0x100u		       // offset of the plain routines
#define PLAIN_RESOLVE (PLAIN + 0x220u) // in place of _dl_runtime_resolve()
#define PLAIN_FIXUP (PLAIN + 0xe00u)   // where it finds the address of _dl_fixup()

#endif
