// SPDX-License-Identifier: GPL-2.0-or-later
// The emulated processor: what it is given, what it calls, and how long it may run.
#include "emu/engine.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#define CHECKS_MAX 8u // that one call may see, unless it is run alone

// A block longer than this is more than one step.
#define BLOCK_BYTES 16u

// -- called from the emulator

static void stop(struct emu *e, enum emu_status why)
{
	e->stopped = why;
	(void)e->lib->uc_emu_stop(e->uc); // it runs
}

uint64_t emu_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); // there is one
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// A call that visits much may also take long: it walks a large container.
static uint64_t visited(const struct emu *e)
{
	return e->drained - e->call_from + emu_out_bytes(e, emu_control(e)->out) / 8;
}

static bool takes_too_long(const struct emu *e)
{
	return emu_now_ns() - e->began_ns > LIM_EMU_CALL_NS + visited(e) * LIM_EMU_VISIT_NS;
}

static bool has_taken_its_steps(struct emu *e)
{
	if (e->exact)
		return e->steps >= LIM_EMU_STEPS + visited(e) * LIM_EMU_STEPS_VISIT;
	if (emu_control(e)->call != e->last_call) {
		e->last_call = emu_control(e)->call;
		e->began_ns = emu_now_ns();
		e->stuck = 0;
		return false;
	}
	return ++e->stuck >= CHECKS_MAX;
}

int64_t emu_taken(const struct emu *e, uint64_t call_n)
{
	const uint64_t free = (call_n + 1) * LIM_EMU_CALL_STEPS, free_ns = free * LIM_EMU_STEP_NS;
	const uint64_t steps = e->steps - e->told_steps + e->cost;
	const uint64_t ns = emu_now_ns() - e->told_ns;
	const uint64_t over = steps > free ? steps - free : 0;
	const uint64_t late = ns > free_ns ? (ns - free_ns) / LIM_EMU_SLOW_STEP_NS : 0;

	return (int64_t)(over > late ? over : late);
}

static bool has_taken_all_steps(const struct emu *e)
{
	return emu_taken(e, EMU_BATCH) > atomic_load(e->left);
}

static void check_steps(struct emu *e)
{
	e->check_at = e->steps + EMU_CHECK_STEPS;
	if (has_taken_all_steps(e))
		stop(e, EMU_SPENT);
	else if (has_taken_its_steps(e) || takes_too_long(e))
		stop(e, EMU_LIMIT);
}

static void on_block(uc_engine *uc, uint64_t addr, uint32_t size, void *ctx)
{
	struct emu *e = ctx;
	const uint64_t before = e->steps;

	(void)uc;
	(void)addr;
	e->steps += 1 + size / BLOCK_BYTES;
	if (e->steps >= e->check_at)
		check_steps(e);
	if (e->reports && before / EMU_CHECK_STEPS != e->steps / EMU_CHECK_STEPS &&
	    progress_report(&e->env->progress, "emulating", 0, 0, NULL) < 0)
		stop(e, EMU_CANCELED);
}

static bool on_invalid(uc_engine *uc, uc_mem_type type, uint64_t addr, int size, int64_t value,
		       void *ctx)
{
	struct emu *e = ctx;

	(void)uc;
	(void)value;
	if (type == UC_MEM_READ_UNMAPPED || type == UC_MEM_WRITE_UNMAPPED ||
	    type == UC_MEM_FETCH_UNMAPPED)
		return emu_map(e, addr, size > 0 ? (uint64_t)size : 1);
	if (type == UC_MEM_WRITE_PROT)
		e->write_to = addr;
	return false;
}

// mmap() of memory, munmap() and madvise(): an allocator may ask for them. Anything else ends
// the call.
static void on_syscall(uc_engine *uc, void *ctx)
{
	enum { SYS_MMAP = 9, SYS_MUNMAP = 11, SYS_BRK = 12, SYS_MADVISE = 28 };
	enum { NO_MEMORY = -12, ANONYMOUS = 0x20 };
	struct emu *e = ctx;
	uint64_t number = 0, size = 0, flags = 0, result = 0;

	(void)e->lib->uc_reg_read(uc, UC_X86_REG_RAX, &number); // registers can always be read
	(void)e->lib->uc_reg_read(uc, UC_X86_REG_RSI, &size);
	(void)e->lib->uc_reg_read(uc, UC_X86_REG_R10, &flags);
	if (number == SYS_MMAP && flags & ANONYMOUS) {
		result = emu_room(e, size);
		result = result ? result : (uint64_t)NO_MEMORY;
	} else if (number == SYS_BRK) {
		result = 0; // no change: the allocator falls back to mmap()
	} else if (number != SYS_MUNMAP && number != SYS_MADVISE) {
		stop(e, EMU_SYSCALL);
		return;
	}
	(void)e->lib->uc_reg_write(uc, UC_X86_REG_RAX, &result); // nor can writing fail
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *ctx)
{
	(void)uc;
	stop(ctx, number == 0x80 ? EMU_SYSCALL : EMU_FAULT);
}

// -- opening

static bool add_hooks(struct emu *e)
{
	const struct {
		int type;
		void *fn;
	} hooks[] = {
		{UC_HOOK_BLOCK, (void *)on_block},
		{UC_HOOK_MEM_INVALID, (void *)on_invalid},
		{UC_HOOK_INTR, (void *)on_interrupt},
	};
	uc_hook id;

	for (unsigned i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (e->lib->uc_hook_add(e->uc, &id, hooks[i].type, hooks[i].fn, e, 1, 0) !=
		    UC_ERR_OK)
			return false;
	return e->lib->uc_hook_add(e->uc, &id, UC_HOOK_INSN, (void *)on_syscall, e, 1, 0,
				   UC_X86_INS_SYSCALL) == UC_ERR_OK;
}

static void *zeros(uint64_t size)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	// cppcheck-suppress invalidFunctionArg ; -1 is what anonymous memory wants
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	// cppcheck-suppress memleak ; the caller's
	return p == MAP_FAILED ? NULL : p;
}

static bool map_ours(struct emu *e)
{
	const struct emu_library *lib = e->lib;

	e->data = zeros(OURS_DATA_END - OURS_DATA);
	e->room = zeros(LIM_EMU_ROOM_BYTES);
	e->zero = zeros(PAGE_BYTES);
	e->code = zeros(PAGE_BYTES);
	if (!e->data || !e->room || !e->zero || !e->code)
		return false;
	emu_code(e->code);
	memcpy(e->code + PLAIN_FIXUP, &e->fixup, sizeof(e->fixup));
	return lib->uc_mem_map_ptr(e->uc, emu_ours(e, OURS_CODE), PAGE_BYTES,
				   UC_PROT_READ | UC_PROT_EXEC, e->code) == UC_ERR_OK &&
	       lib->uc_mem_map_ptr(e->uc, emu_ours(e, OURS_DATA), OURS_DATA_END - OURS_DATA,
				   UC_PROT_READ | UC_PROT_WRITE, e->data) == UC_ERR_OK &&
	       lib->uc_mem_map_ptr(e->uc, emu_ours(e, OURS_ZERO), PAGE_BYTES, UC_PROT_READ,
				   e->zero) == UC_ERR_OK &&
	       lib->uc_mem_map_ptr(e->uc, emu_ours(e, OURS_ROOM), LIM_EMU_ROOM_BYTES,
				   UC_PROT_READ | UC_PROT_WRITE, e->room) == UC_ERR_OK;
}

static bool set_thread_pointer(struct emu *e)
{
	const uint64_t fs =
		e->env->thread_pointer ? e->env->thread_pointer : emu_ours(e, OURS_ZERO);

	return e->lib->uc_reg_write(e->uc, UC_X86_REG_FS_BASE, &fs) == UC_ERR_OK;
}

bool emu_power_on(struct emu *e)
{
	return e->lib->uc_open(UC_ARCH_X86, UC_MODE_64, &e->uc) == UC_ERR_OK && add_hooks(e) &&
	       map_ours(e) && set_thread_pointer(e);
}

void emu_power_off(struct emu *e)
{
	emu_forget(e);
	if (e->uc)
		(void)e->lib->uc_close(e->uc); // what can fail of it?
	if (e->data)
		(void)munmap(e->data, OURS_DATA_END - OURS_DATA); // ours, so it cannot fail
	if (e->room)
		(void)munmap(e->room, LIM_EMU_ROOM_BYTES);
	if (e->zero)
		(void)munmap(e->zero, PAGE_BYTES);
	if (e->code)
		(void)munmap(e->code, PAGE_BYTES);
	e->uc = NULL;
	e->data = e->room = e->zero = e->code = NULL;
}

struct emu *emu_new(const struct emu_env *env, bool reports, _Atomic int64_t *left)
{
	struct emu *e = emu_is_available(env) ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	e->env = env;
	e->lib = env->library;
	e->reports = reports;
	e->left = left;
	if (emu_power_on(e))
		return e;
	emu_free(e);
	return NULL;
}

void emu_free(struct emu *e)
{
	if (!e)
		return;
	emu_power_off(e);
	vec_done(&e->regions);
	vec_done(&e->patches);
	vec_done(&e->referents);
	hashmap_done(&e->endless);
	free(e);
}

// -- what a target's emulators share

// Room for what is ours, where the target has nothing.
static addr_t free_range(const struct target *t)
{
	for (addr_t at = 0x100000000ull; at < 1ull << 46; at += 0x100000000ull) {
		const struct mem_segment *s = mem_from(&t->mem, at);

		if (!s || (s->min > at && s->min - at >= 2ull * OURS_BYTES))
			return at;
	}
	return 0;
}

void emu_env_init(struct emu_env *env, const struct target *t, const struct progress *progress)
{
	*env = (struct emu_env){.target = t, .progress = *progress};
	env->library = emu_library_get(&env->why_not);
	if (!env->library)
		return;
	env->base = free_range(t);
	if (!env->base)
		env->why_not = "the target leaves no room for it";
	else if (t->threads.n && mem_readable(&t->mem, t->threads.data[0].fs_base, 64) == 64)
		env->thread_pointer = t->threads.data[0].fs_base;
}
