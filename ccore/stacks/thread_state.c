// SPDX-License-Identifier: GPL-2.0-or-later
#include "stacks/thread_state.h"

#include "stacks/merged_stack.h"

// Frames that tell what a thread does: waiting for the GIL takes some six, a collection may have
// called anything.
#define FRAMES_LOOKED_AT 200u
#define FRAMES_OF_WAITING 12u
#define FRAMES_OF_MUTEX 4u

// -- system calls by number, those in which programs wait

static const char *system_call(int64_t number)
{
	static const struct {
		uint16_t number;
		const char *name;
	} calls[] = {
		{0, "read"},
		{1, "write"},
		{7, "poll"},
		{17, "pread64"},
		{18, "pwrite64"},
		{19, "readv"},
		{20, "writev"},
		{23, "select"},
		{34, "pause"},
		{35, "nanosleep"},
		{42, "connect"},
		{43, "accept"},
		{44, "sendto"},
		{45, "recvfrom"},
		{46, "sendmsg"},
		{47, "recvmsg"},
		{61, "wait4"},
		{62, "kill"},
		{200, "tkill"},
		{234, "tgkill"},
		{65, "semop"},
		{72, "fcntl"},
		{73, "flock"},
		{74, "fsync"},
		{128, "rt_sigtimedwait"},
		{130, "rt_sigsuspend"},
		{202, "futex"},
		{219, "restart_syscall"},
		{220, "semtimedop"},
		{230, "clock_nanosleep"},
		{232, "epoll_wait"},
		{247, "waitid"},
		{270, "pselect6"},
		{271, "ppoll"},
		{281, "epoll_pwait"},
		{288, "accept4"},
		{299, "recvmmsg"},
		{441, "epoll_pwait2"},
		{449, "futex_waitv"},
	};

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].name;
	return NULL;
}

// -- what functions on the stack tell

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

// Whether one of `names` is among the first `max` frames, before any Python code runs.
static bool is_in(const struct native_stack *s, uint64_t max, const char *const *names)
{
	for (uint64_t i = 0; i < s->frames.n && i < max; i++) {
		const char *name = s->frames.data[i].function;

		if (is_eval_loop(name))
			return false;
		if (name && is_one_of(name, names))
			return true;
	}
	return false;
}

/*
 * take_gil() may be inlined into what calls it; then those tell. 2.7 and a bare build of it take
 * the lock in the evaluation loop itself.
 */
static bool waits_for_gil(const struct native_stack *s)
{
	static const char *const names[] = {
		"take_gil",
		"PyEval_RestoreThread",
		"PyEval_AcquireThread",
		"PyEval_AcquireLock",
		"eval_frame_handle_pending",
		"_Py_HandlePending",
		NULL,
	};

	if (is_in(s, FRAMES_OF_WAITING, names))
		return true;
	for (uint64_t i = 0; i + 1 < s->frames.n && i < FRAMES_OF_WAITING; i++) {
		const char *name = s->frames.data[i].function;
		const char *caller = s->frames.data[i + 1].function;

		if (name && caller && strcmp(name, "PyThread_acquire_lock") == 0)
			return is_eval_loop(caller);
	}
	return false;
}

static bool waits_for_mutex(const struct native_stack *s)
{
	static const char *const names[] = {"__lll_lock_wait",		 "pthread_mutex_lock",
					    "__pthread_mutex_lock",	 "___pthread_mutex_lock",
					    "__GI___pthread_mutex_lock", NULL};

	return is_in(s, FRAMES_OF_MUTEX, names);
}

static bool waits_for_end(const struct native_stack *s)
{
	static const char *const names[] = {"pthread_join", "__pthread_clockjoin_ex",
					    "__pthread_timedjoin_ex", "___pthread_join", NULL};

	return is_in(s, FRAMES_OF_MUTEX, names);
}

static bool is_collecting(const struct native_stack *s)
{
	static const char *const names[] = {"gc_collect_main",
					    "collect_generations",
					    "gc_collect_generations",
					    "gc_collect_with_callback",
					    "PyGC_Collect",
					    "_PyGC_Collect",
					    NULL};

	return is_in(s, FRAMES_LOOKED_AT, names);
}

// Also when finalizing runs Python code.
static bool is_finalizing(const struct native_stack *s)
{
	static const char *const names[] = {"Py_FinalizeEx", "Py_Finalize", "_Py_Finalize", NULL};

	for (uint64_t i = 0; i < s->frames.n; i++)
		if (s->frames.data[i].function && is_one_of(s->frames.data[i].function, names))
			return true;
	return false;
}

static const char *first_name(const struct native_stack *s)
{
	for (uint64_t i = 0; i < s->frames.n; i++)
		if (s->frames.data[i].function)
			return s->frames.data[i].function;
	return NULL;
}

static bool runs_eval_loop(const struct native_stack *s)
{
	return s->frames.n && is_eval_loop(s->frames.data[0].function);
}

// -- all of it

static void choose(struct thread_state *ret, const struct os_thread *os, enum gil_holder gil,
		   bool has_python, const struct native_stack *s)
{
	if (has_python && gil != GIL_HELD && waits_for_gil(s)) {
		ret->state = "waits for the GIL";
		ret->gil = "waits";
	} else if (is_finalizing(s)) {
		ret->state = "finalizing";
	} else if (is_collecting(s)) {
		ret->state = "collecting garbage";
	} else if (os->syscall >= 0) {
		ret->state = "in system call";
		ret->detail = system_call(os->syscall);
		ret->is_idle = gil != GIL_HELD;
	} else if (runs_eval_loop(s)) {
		ret->state = "runs Python";
	} else {
		ret->state = os->has_regs ? "runs native code" : NULL;
	}
	ret->is_idle_known = os->has_regs;
}

int thread_state_find(struct thread_state *ret, struct heap *h, const struct thread *t,
		      struct unwinder *u, struct ccore_error *err)
{
	const struct py_thread *state = thread_state(h, t);
	const struct os_thread *os = thread_os(h, t);
	const enum gil_holder gil = state ? gil_of(h, state) : GIL_UNKNOWN;
	struct native_stack stack = {0};

	*ret = (struct thread_state){0};
	if (gil == GIL_HELD)
		ret->gil = "holds";
	if (!os) {
		if (h->target->threads.n && !h->target->notes_lost)
			ret->state = "has ended";
		return 0;
	}
	if (u)
		TRY(unwinder_stack(u, os, FRAMES_LOOKED_AT, &stack, err));
	ret->native = first_name(&stack);
	ret->in_mutex = waits_for_mutex(&stack);
	ret->in_join = waits_for_end(&stack);
	choose(ret, os, gil, state, &stack);
	native_stack_done(&stack);
	return 0;
}
