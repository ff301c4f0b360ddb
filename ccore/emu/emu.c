// SPDX-License-Identifier: GPL-2.0-or-later
// Running calls: batches of them, each until it ends by itself or is ended.
#include "emu/engine.h"

#include <stdatomic.h>

// Take what the emulated code has visited out of its buffer.
static int drain(struct emu *e)
{
	const uint64_t n = emu_out_bytes(e, emu_control(e)->out) / 8;

	if (!vec_reserve(&e->referents, e->drained + n + 1))
		return CCORE_ENOMEM;
	memcpy(e->referents.data + e->drained, e->data + (OURS_OUT - OURS_DATA), n * 8);
	e->drained += n;
	emu_control(e)->out = emu_ours(e, OURS_OUT);
	return 0;
}

// Which of the batch's calls is being run: the stub says so, unless the code has spoilt it.
static bool present_call(const struct emu *e, uint64_t n, uint64_t *ret)
{
	const uint64_t off = emu_control(e)->call - emu_ours(e, OURS_CALLS);

	*ret = off / sizeof(struct stub_call);
	return off % sizeof(struct stub_call) == 0 && *ret <= n;
}

// Take the results of calls [from, to).
static bool collect(struct emu *e, struct emu_call *calls, uint64_t from, uint64_t to)
{
	const uint64_t base = e->drained;
	uint64_t at = e->call_from;

	for (uint64_t i = from; i < to; i++) {
		const struct stub_call *s = &emu_stub_calls(e)[i];
		const uint64_t end = base + emu_out_bytes(e, s->out) / 8;

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
		struct stub_call *s = &emu_stub_calls(e)[i];

		s->function = is_endless(e, calls[i].function) ? emu_ours(e, STUB_STOP)
							       : calls[i].function;
		memcpy(s->args, calls[i].args, sizeof(s->args));
	}
	emu_control(e)->call = emu_ours(e, OURS_CALLS + from * sizeof(struct stub_call));
	emu_control(e)->calls_end = emu_ours(e, OURS_CALLS + n * sizeof(struct stub_call));
	emu_control(e)->out = emu_ours(e, OURS_OUT);
	emu_control(e)->out_end = emu_ours(e, OURS_OUT + OURS_OUT_BYTES);
	emu_control(e)->is_full = 0;
}

static bool prepare_registers(struct emu *e)
{
	const uint64_t sp = emu_ours(e, OURS_CONTROL) - PAGE_BYTES, flags = 2;

	return e->lib->uc_reg_write(e->uc, UC_X86_REG_RSP, &sp) == UC_ERR_OK &&
	       e->lib->uc_reg_write(e->uc, UC_X86_REG_EFLAGS, &flags) == UC_ERR_OK;
}

// Begin with call `from` of `n`. All tries of a call have its time together.
static int begin(struct emu *e, const struct emu_call *calls, uint64_t from, uint64_t n, bool again)
{
	e->drained = e->call_from; // what a call that is begun again has visited before
	e->stuck = 0;
	e->last_call = 0;
	e->steps = e->told_steps = 0;
	e->check_at = EMU_CHECK_STEPS;
	if (!again)
		e->began_ns = emu_now_ns();
	load_calls(e, calls, from, n);
	return prepare_registers(e) ? 0 : CCORE_ENOMEM;
}

static uc_err start(struct emu *e, uint64_t pc)
{
	uc_err err;

	e->write_to = 0;
	e->stopped = EMU_DONE;
	e->told_ns = emu_now_ns();
	if (emu_start_guarded(e, emu_ours(e, pc), emu_ours(e, STUB_DONE), &err))
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
	const uint64_t began_ns = e->began_ns;
	const bool exact = e->exact;
	int status;

	if (!call.function || e->is_prepared)
		return false;
	e->is_prepared = true; // also while it runs, so that it is not prepared for itself
	e->drained = e->call_from;
	emu_reset(e);
	status = run_batch(e, &call, 1);
	e->began_ns = began_ns;
	e->exact = exact;
	e->stopped = EMU_DONE;
	return status == 0 && call.status == EMU_DONE && emu_keep(e);
}

// Whether what ended the call can be helped: it is then begun again.
static bool can_go_on(struct emu *e, uc_err err)
{
	uint64_t now;

	if (e->stopped == EMU_LIMIT && !e->exact) {
		now = emu_now_ns();
		e->wasted_ns += now - e->began_ns;
		e->began_ns = now;
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
		emu_power_off(e);
		return emu_power_on(e);
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
	e->spent = emu_taken(e, call_n);
	atomic_fetch_sub(e->left, e->spent);
	e->told_steps = e->steps;
	e->cost = 0;
}

// What an object visits, it or something of its own has a word for.
static uint64_t allowed_visits(const struct emu *e)
{
	return u64_min(LIM_EMU_VISITED, e->env->target->mem.bytes / 8);
}

static int run_batch(struct emu *e, struct emu_call *calls, uint64_t n)
{
	uint64_t at = 0, now, tries = 0, pc = STUB_START;

	e->exact = false;
	e->call_from = e->drained;
	TRY(begin(e, calls, 0, n, false));
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
		if (at && emu_control(e)->is_full && e->call_from >= LIM_EMU_BATCH_VISITED)
			return give_up(calls, at, n, EMU_LATER);
		if (sound && err == UC_ERR_OK && e->stopped == EMU_DONE && at < end &&
		    emu_control(e)->is_full && e->drained - e->call_from < allowed_visits(e)) {
			emu_control(e)->is_full = 0;
			pc = STUB_RESUME;
			continue;
		}
		if (at < end && !(sound && can_go_on(e, err) && tries++ < LIM_EMU_TRIES)) {
			e->wasted += e->steps;
			e->wasted_ns += emu_now_ns() - e->began_ns;
			e->cost += LIM_EMU_FAIL_STEPS;
			(void)give_up(calls, at, at + 1, why_ended(e, err)); // 0 it returns
			if (is_endless(e, calls[at].function))
				calls[at].status = EMU_LIMIT;
			else if (calls[at].status == EMU_LIMIT)
				note_endless(e, calls[at].function);
			if (e->stopped == EMU_CANCELED || has_wasted_much(e))
				return give_up(calls, at, n, why_ended(e, err));
			at++;
			tries = 0;
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
		TRY(begin(e, calls, at, e->exact ? at + 1 : n, tries > 0));
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
		.args = {object, emu_ours(e, STUB_VISIT), 0},
	};
}

const addr_t *emu_referents(const struct emu *e)
{
	return e->referents.data;
}
