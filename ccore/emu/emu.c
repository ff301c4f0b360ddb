// SPDX-License-Identifier: GPL-2.0-or-later
// Running calls: batches of them, each until it ends by itself or is ended.
#include "emu/engine.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

// As the stub has them in memory.
struct stub_control {
	uint64_t call, calls_end, out, out_end;
	uint64_t is_full; // the stub waits for room at `out`
};

struct stub_call {
	uint64_t function, args[EMU_ARGS], value, out;
};

_Static_assert(sizeof(struct stub_call) == 48, "the stub knows its size");

// Steps after which it is asked whether the same call is still running.
#define CHECK_STEPS (LIM_EMU_STEPS / 16)
#define CHECKS_MAX 8u

// A block longer than this is more than one step.
#define BLOCK_BYTES 16u

static struct stub_control *control(const struct emu *e)
{
	return (struct stub_control *)(e->data + (OURS_CONTROL - OURS_DATA));
}

static struct stub_call *stub_calls(const struct emu *e)
{
	return (struct stub_call *)(e->data + (OURS_CALLS - OURS_DATA));
}

static addr_t ours(const struct emu *e, uint64_t off)
{
	return e->env->base + off;
}

// Bytes the stub has written at `out`; 0 when the code has spoilt our data.
static uint64_t out_bytes(const struct emu *e, uint64_t out)
{
	const uint64_t n = out - ours(e, OURS_OUT);

	return n <= OURS_OUT_BYTES ? n & ~7ull : 0;
}

// -- called from the emulator

static void stop(struct emu *e, enum emu_status why)
{
	e->stopped = why;
	(void)e->lib->uc_emu_stop(e->uc); // it runs
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); // there is one
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// A call that visits much may also take long: it walks a large container.
static uint64_t visited(const struct emu *e)
{
	return e->drained - e->call_from + out_bytes(e, control(e)->out) / 8;
}

static bool takes_too_long(const struct emu *e)
{
	return now_ns() - e->began_ns > LIM_EMU_CALL_NS + visited(e) * LIM_EMU_VISIT_NS;
}

// What an object visits, it or something of its own has a word for.
static uint64_t allowed_visits(const struct emu *e)
{
	return u64_min(LIM_EMU_VISITED, e->env->target->mem.bytes / 8);
}

static bool has_taken_its_steps(struct emu *e)
{
	if (e->exact)
		return e->steps >= LIM_EMU_STEPS + visited(e) * LIM_EMU_STEPS_VISIT;
	if (control(e)->call != e->last_call) {
		e->last_call = control(e)->call;
		e->began_ns = now_ns();
		e->stuck = 0;
		return false;
	}
	return ++e->stuck >= CHECKS_MAX;
}

// Of `call_n` calls that ended and the one that runs: so much is not counted.
static uint64_t free_steps(uint64_t call_n)
{
	return (call_n + 1) * LIM_EMU_CALL_STEPS;
}

static bool has_taken_all_steps(const struct emu *e)
{
	const uint64_t taken = e->steps - e->told_steps + e->cost, free = free_steps(EMU_BATCH);

	return taken > free && (int64_t)(taken - free) > atomic_load(e->left);
}

static void check_steps(struct emu *e)
{
	e->check_at = e->steps + CHECK_STEPS;
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
	if (e->reports && before / CHECK_STEPS != e->steps / CHECK_STEPS &&
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
	e->zero = zeros(EMU_PAGE);
	e->code = zeros(EMU_PAGE);
	if (!e->data || !e->room || !e->zero || !e->code)
		return false;
	emu_code(e->code);
	memcpy(e->code + PLAIN_FIXUP, &e->fixup, sizeof(e->fixup));
	return lib->uc_mem_map_ptr(e->uc, ours(e, OURS_CODE), EMU_PAGE, UC_PROT_READ | UC_PROT_EXEC,
				   e->code) == UC_ERR_OK &&
	       lib->uc_mem_map_ptr(e->uc, ours(e, OURS_DATA), OURS_DATA_END - OURS_DATA,
				   UC_PROT_READ | UC_PROT_WRITE, e->data) == UC_ERR_OK &&
	       lib->uc_mem_map_ptr(e->uc, ours(e, OURS_ZERO), EMU_PAGE, UC_PROT_READ, e->zero) ==
		       UC_ERR_OK &&
	       lib->uc_mem_map_ptr(e->uc, ours(e, OURS_ROOM), LIM_EMU_ROOM_BYTES,
				   UC_PROT_READ | UC_PROT_WRITE, e->room) == UC_ERR_OK;
}

static bool set_thread_pointer(struct emu *e)
{
	const uint64_t fs = e->env->thread_pointer ? e->env->thread_pointer : ours(e, OURS_ZERO);

	return e->lib->uc_reg_write(e->uc, UC_X86_REG_FS_BASE, &fs) == UC_ERR_OK;
}

// An emulated processor that has seen nothing: after a change of code as well.
static bool power_on(struct emu *e)
{
	return e->lib->uc_open(UC_ARCH_X86, UC_MODE_64, &e->uc) == UC_ERR_OK && add_hooks(e) &&
	       map_ours(e) && set_thread_pointer(e);
}

static void power_off(struct emu *e)
{
	emu_forget(e);
	if (e->uc)
		(void)e->lib->uc_close(e->uc); // what can fail of it?
	if (e->data)
		(void)munmap(e->data, OURS_DATA_END - OURS_DATA); // ours, so it cannot fail
	if (e->room)
		(void)munmap(e->room, LIM_EMU_ROOM_BYTES);
	if (e->zero)
		(void)munmap(e->zero, EMU_PAGE);
	if (e->code)
		(void)munmap(e->code, EMU_PAGE);
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
	if (power_on(e))
		return e;
	emu_free(e);
	return NULL;
}

void emu_free(struct emu *e)
{
	if (!e)
		return;
	power_off(e);
	vec_done(&e->regions);
	vec_done(&e->patches);
	vec_done(&e->referents);
	hashmap_done(&e->endless);
	free(e);
}

// -- a batch

// Take what the emulated code has visited out of its buffer.
static int drain(struct emu *e)
{
	const uint64_t n = out_bytes(e, control(e)->out) / 8;

	if (!vec_reserve(&e->referents, e->drained + n + 1))
		return CCORE_ENOMEM;
	memcpy(e->referents.data + e->drained, e->data + (OURS_OUT - OURS_DATA), n * 8);
	e->drained += n;
	control(e)->out = ours(e, OURS_OUT);
	return 0;
}

// Which of the batch's calls is being run: the stub says so, unless the code has spoilt it.
static bool present_call(const struct emu *e, uint64_t n, uint64_t *ret)
{
	const uint64_t off = control(e)->call - ours(e, OURS_CALLS);

	*ret = off / sizeof(struct stub_call);
	return off % sizeof(struct stub_call) == 0 && *ret <= n;
}

// Take the results of calls [from, to).
static bool collect(struct emu *e, struct emu_call *calls, uint64_t from, uint64_t to)
{
	const uint64_t base = e->drained;
	uint64_t at = e->call_from;

	for (uint64_t i = from; i < to; i++) {
		const struct stub_call *s = &stub_calls(e)[i];
		const uint64_t end = base + out_bytes(e, s->out) / 8;

		if (end < at)
			return false;
		calls[i].first = at;
		calls[i].n = end - at;
		calls[i].value = s->value;
		calls[i].status = EMU_DONE;
		if (calls[i].wants_bytes &&
		    emu_read(e, s->value, calls[i].bytes, sizeof(calls[i].bytes)) < 0)
			calls[i].status = EMU_FAULT;
		at = end;
	}
	e->call_from = at;
	return true;
}

static bool has_wasted_much(const struct emu *e)
{
	return e->wasted > LIM_EMU_WASTED_STEPS || e->wasted_ns > LIM_EMU_WASTED_NS;
}

static bool is_endless(const struct emu *e, addr_t function)
{
	uint32_t n;

	return hashmap_get(&e->endless, function, &n) && n >= LIM_EMU_ENDLESS;
}

static void note_endless(struct emu *e, addr_t function)
{
	uint32_t n = 0;

	(void)hashmap_get(&e->endless, function, &n); // 0 when it is the first
	if (!hashmap_put(&e->endless, function, n + 1))
		e->wasted = UINT64_MAX; // nothing is called any more
}

static void load_calls(struct emu *e, const struct emu_call *calls, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < n; i++) {
		struct stub_call *s = &stub_calls(e)[i];

		s->function =
			is_endless(e, calls[i].function) ? ours(e, STUB_STOP) : calls[i].function;
		memcpy(s->args, calls[i].args, sizeof(s->args));
	}
	control(e)->call = ours(e, OURS_CALLS + from * sizeof(struct stub_call));
	control(e)->calls_end = ours(e, OURS_CALLS + n * sizeof(struct stub_call));
	control(e)->out = ours(e, OURS_OUT);
	control(e)->out_end = ours(e, OURS_OUT + OURS_OUT_BYTES);
	control(e)->is_full = 0;
}

static bool prepare_registers(struct emu *e)
{
	const uint64_t sp = ours(e, OURS_CONTROL) - EMU_PAGE, flags = 2;

	return e->lib->uc_reg_write(e->uc, UC_X86_REG_RSP, &sp) == UC_ERR_OK &&
	       e->lib->uc_reg_write(e->uc, UC_X86_REG_EFLAGS, &flags) == UC_ERR_OK;
}

// Begin with call `from` of `n`.
static int begin(struct emu *e, const struct emu_call *calls, uint64_t from, uint64_t n)
{
	e->drained = e->call_from; // what a call that is begun again has visited before
	e->stuck = 0;
	e->last_call = 0;
	e->steps = e->told_steps = 0;
	e->check_at = CHECK_STEPS;
	e->began_ns = now_ns();
	load_calls(e, calls, from, n);
	return prepare_registers(e) ? 0 : CCORE_ENOMEM;
}

static uc_err start(struct emu *e, uint64_t pc)
{
	uc_err err;

	e->write_to = 0;
	e->stopped = EMU_DONE;
	if (emu_start_guarded(e, ours(e, pc), ours(e, STUB_DONE), &err))
		return err;
	// It cannot even be closed. That no other is lost so, nothing is called any more.
	e->uc = NULL;
	e->wasted = UINT64_MAX;
	e->stopped = EMU_INSTRUCTION;
	return UC_ERR_INSN_INVALID;
}

static int run_batch(struct emu *e, struct emu_call *calls, uint64_t n);

// In place of a call that failed: it may have been for want of a current thread.
static bool prepare(struct emu *e)
{
	struct emu_call call = {.function = e->env->prepare, .args = {e->env->prepare_arg}};
	const bool exact = e->exact;
	int status;

	if (!call.function || e->is_prepared)
		return false;
	e->is_prepared = true; // also while it runs, so that it is not prepared for itself
	e->drained = e->call_from;
	emu_reset(e);
	status = run_batch(e, &call, 1);
	e->exact = exact;
	e->stopped = EMU_DONE;
	return status == 0 && call.status == EMU_DONE && emu_keep(e);
}

// Whether what ended the call can be helped: it is then begun again.
static bool can_go_on(struct emu *e, uc_err err)
{
	if (e->stopped == EMU_LIMIT && !e->exact) {
		e->wasted_ns += now_ns() - e->began_ns;
		atomic_fetch_add(e->left, e->spent); // they are counted once
		e->exact = true;
		return true;
	}
	if (e->stopped == EMU_SYSCALL) // perhaps to say that there is no current thread
		return prepare(e);
	if (e->stopped != EMU_DONE)
		return false;
	if (e->write_to && !e->is_full && !emu_make_private(e, e->write_to) && !e->is_full)
		return false;
	if (e->is_full) {
		emu_forget(e);
		return true;
	}
	if (e->write_to)
		return true;
	if (err == UC_ERR_INSN_INVALID && emu_find_patches(e)) {
		power_off(e);
		return power_on(e);
	}
	return err != UC_ERR_INSN_INVALID && prepare(e);
}

static enum emu_status why_ended(const struct emu *e, uc_err err)
{
	if (e->stopped != EMU_DONE)
		return e->stopped;
	if (e->is_full)
		return EMU_LIMIT;
	return err == UC_ERR_INSN_INVALID ? EMU_INSTRUCTION : EMU_FAULT;
}

// Calls [from, n) are not run any more.
static int give_up(struct emu_call *calls, uint64_t from, uint64_t n, enum emu_status why)
{
	for (uint64_t i = from; i < n; i++) {
		calls[i].status = why;
		calls[i].first = calls[i].n = 0;
	}
	return 0;
}

// Take off what was taken since the last time, in which `call_n` calls have ended.
static void spend(struct emu *e, uint64_t call_n)
{
	const uint64_t taken = e->steps - e->told_steps + e->cost, free = free_steps(call_n);

	e->spent = taken > free ? (int64_t)(taken - free) : 0;
	atomic_fetch_sub(e->left, e->spent);
	e->told_steps = e->steps;
	e->cost = 0;
}

static int run_batch(struct emu *e, struct emu_call *calls, uint64_t n)
{
	uint64_t at = 0, now, tries = 0, pc = STUB_START;

	e->exact = false;
	e->call_from = e->drained;
	TRY(begin(e, calls, 0, n));
	for (;;) {
		const uint64_t end = e->exact ? at + 1 : n;
		const uc_err err = start(e, pc);
		bool sound = present_call(e, end, &now) && now >= at && collect(e, calls, at, now);

		spend(e, sound ? now - at : 0);
		TRY(drain(e));
		if (sound && now > at) {
			at = now;
			tries = 0;
		}
		if (at >= n)
			return 0;
		if (atomic_load(e->left) <= 0)
			return give_up(calls, at, n,
				       e->stopped == EMU_CANCELED ? EMU_CANCELED : EMU_SPENT);
		// What one call alone visits has another limit.
		if (at && control(e)->is_full && e->call_from >= LIM_EMU_BATCH_VISITED)
			return give_up(calls, at, n, EMU_LATER);
		if (sound && err == UC_ERR_OK && e->stopped == EMU_DONE && at < end &&
		    control(e)->is_full && e->drained - e->call_from < allowed_visits(e)) {
			control(e)->is_full = 0;
			pc = STUB_RESUME;
			continue;
		}
		if (at < end && !(sound && can_go_on(e, err) && tries++ < LIM_EMU_TRIES)) {
			e->wasted += e->steps;
			e->wasted_ns += now_ns() - e->began_ns;
			e->cost += LIM_EMU_FAIL_STEPS;
			(void)give_up(calls, at, at + 1, why_ended(e, err)); // 0 it returns
			if (is_endless(e, calls[at].function))
				calls[at].status = EMU_LIMIT;
			else if (calls[at].status == EMU_LIMIT)
				note_endless(e, calls[at].function);
			if (e->stopped == EMU_CANCELED || has_wasted_much(e))
				return give_up(calls, at, n, why_ended(e, err));
			at++;
			e->exact = false;
		} else if (at >= end) {
			e->exact = false;
		}
		if (at >= n)
			return 0;
		if (!e->uc)
			return CCORE_ENOMEM;
		emu_reset(e);
		pc = STUB_START;
		TRY(begin(e, calls, at, e->exact ? at + 1 : n));
	}
}

int emu_run(struct emu *e, struct emu_call *calls, uint64_t n)
{
	e->drained = 0;
	if (!e->uc || has_wasted_much(e))
		return give_up(calls, 0, n, EMU_LIMIT);
	if (atomic_load(e->left) <= 0)
		return give_up(calls, 0, n, EMU_SPENT);
	emu_reset(e);
	for (uint64_t i = 0; i < n; i += EMU_BATCH) {
		if (e->drained >= LIM_EMU_BATCH_VISITED)
			return give_up(calls, i, n, EMU_LATER);
		TRY(run_batch(e, calls + i, u64_min(n - i, EMU_BATCH)));
	}
	return 0;
}

void emu_traverse(const struct emu *e, struct emu_call *call, addr_t traverse, addr_t object)
{
	*call = (struct emu_call){
		.function = traverse,
		.args = {object, ours(e, STUB_VISIT), 0},
	};
}

const addr_t *emu_referents(const struct emu *e)
{
	return e->referents.data;
}

int emu_call(struct emu *e, addr_t function, const uint64_t args[EMU_ARGS], uint64_t *ret)
{
	struct emu_call call = {.function = function};

	memcpy(call.args, args, sizeof(call.args));
	TRY(emu_run(e, &call, 1));
	if (call.status != EMU_DONE)
		return CCORE_EFAULT;
	*ret = call.value;
	return 0;
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
