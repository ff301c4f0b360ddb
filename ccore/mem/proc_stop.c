// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/proc_stop.h"

#include "util/cleanup.h"
#include "util/limits.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

// A thread in the kernel stops when it comes out; one that waits for a dead disk does not.
#define STOP_SECONDS 10
#define POLL_NS_MIN 20000
#define POLL_NS_MAX 2000000

bool proc_tids(int64_t pid, struct tid_vec *ret)
{
	const struct dirent *e;
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%lld/task", (long long)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	ret->n = 0;
	while ((e = readdir(dir)) && ret->n < LIM_OS_THREADS) {
		const int32_t tid = (int32_t)strtol(e->d_name, NULL, 10);

		if (tid > 0 && !vec_push(ret, tid))
			break;
	}
	(void)closedir(dir); // only read
	return true;
}

// Whether a thread is dead but for its exit status, which nobody can trace.
static bool is_zombie(int64_t pid, int32_t tid)
{
	char path[64], text[512], *state;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%lld/task/%d/stat", (long long)pid, tid);
	f = fopen(path, "re");
	if (!f)
		return true;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f); // only read
	text[n] = '\0';
	state = strrchr(text, ')');
	return !state || !state[1] || strchr("ZXx", state[2]);
}

static int64_t tracer_of(int64_t pid)
{
	char path[64], line[256];
	int64_t tracer = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!tracer && fgets(line, sizeof(line), f))
		if (strncmp(line, "TracerPid:", 10) == 0)
			tracer = strtoll(line + 10, NULL, 10);
	(void)fclose(f); // only read
	return tracer;
}

static int not_permitted(int64_t pid, struct ccore_error *err)
{
	const int64_t tracer = tracer_of(pid);

	if (tracer)
		return err_set(err, CCORE_EIO, 0,
			       "process %lld is already traced by process %lld, a debugger perhaps",
			       (long long)pid, (long long)tracer);
	return err_set(err, CCORE_EIO, 0,
		       "not permitted to trace process %lld: be its owner or root; containers need "
		       "CAP_SYS_PTRACE, and /proc/sys/kernel/yama/ptrace_scope may forbid it",
		       (long long)pid);
}

static int seize(struct proc_stop *s, int64_t pid, int32_t tid, struct ccore_error *err)
{
	const struct proc_thread th = {.tid = tid};

	if (!hashmap_put(&s->known, (uint64_t)tid, (uint32_t)s->threads.n) ||
	    !vec_reserve(&s->threads, s->threads.n + 1))
		return err_nomem(err);
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		const int e = errno;

		if (e == ESRCH || is_zombie(pid, tid))
			return 0;
		if (e == EPERM)
			return not_permitted(pid, err);
		return err_set(err, CCORE_EIO, 0, "cannot trace thread %d: %s", tid, strerror(e));
	}
	(void)vec_push(&s->threads, th); // there is room
	// Fails only when the thread is gone, which waiting for it will tell.
	(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return 0;
}

// Returns how many threads were not known before.
static int64_t seize_new(struct proc_stop *s, int64_t pid, struct ccore_error *err)
{
	struct tid_vec tids = {0};
	int64_t found = 0;
	uint32_t known;
	int r = 0;

	if (!proc_tids(pid, &tids))
		return err_set(err, CCORE_EIO, 0, "process %lld is gone", (long long)pid);
	for (uint64_t i = 0; r == 0 && i < tids.n; i++) {
		if (hashmap_get(&s->known, (uint64_t)tids.data[i], &known))
			continue;
		found++;
		r = seize(s, pid, tids.data[i], err);
	}
	vec_done(&tids);
	return r < 0 ? r : found;
}

// Look once whether `th` has stopped; false when it has not.
static bool has_stopped(struct proc_thread *th)
{
	int status;
	pid_t r = waitpid(th->tid, &status, __WALL | WNOHANG);

	if (r == 0 || (r < 0 && errno == EINTR))
		return false;
	th->stopped = r > 0 && WIFSTOPPED(status);
	// A plain stop is a signal on its way to the process, which we hand on; an event stop is
	// our own interrupt, or that the process was stopped before.
	if (th->stopped && status >> 16 == 0)
		th->signal = WSTOPSIG(status);
	if (!th->stopped)
		th->tid = 0; // gone
	return true;
}

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); // there is one
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int wait_for(struct proc_thread *th, int64_t deadline, const struct progress *progress,
		    struct ccore_error *err)
{
	struct timespec pause = {.tv_nsec = POLL_NS_MIN};
	const int32_t tid = th->tid;

	while (!has_stopped(th)) {
		TRY(progress_report(progress, "stopping threads", 0, 0, err));
		if (now_ns() > deadline)
			return err_set(
				err, CCORE_EIO, 0,
				"thread %d does not stop: it may hang in the kernel (state D)",
				tid);
		(void)nanosleep(&pause, NULL); // how long does not matter
		if (pause.tv_nsec < POLL_NS_MAX)
			pause.tv_nsec *= 2;
	}
	return 0;
}

int proc_stop_all(struct proc_stop *s, int64_t pid, const struct progress *progress,
		  struct ccore_error *err)
{
	const int64_t deadline = now_ns() + STOP_SECONDS * 1000000000ll;
	uint64_t stopped = 0;
	int64_t found;

	// A thread that still runs may start others: until a look at all of them finds none.
	do {
		found = seize_new(s, pid, err);
		if (found < 0)
			return (int)found;
		for (; stopped < s->threads.n; stopped++)
			TRY(wait_for(&s->threads.data[stopped], deadline, progress, err));
	} while (found);
	if (!stopped)
		return err_set(err, CCORE_EIO, 0, "process %lld has ended", (long long)pid);
	return 0;
}

bool proc_stop_regs(int32_t tid, struct proc_regs *ret)
{
	struct user_regs_struct regs;
	struct iovec iov = {&regs, sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, tid, (unsigned long)NT_PRSTATUS, &iov) < 0 ||
	    iov.iov_len != sizeof(regs))
		return false;
	ret->pc = regs.rip;
	ret->sp = regs.rsp;
	ret->fs_base = regs.fs_base;
	memcpy(ret->general, &regs, sizeof(ret->general));
	return true;
}

void proc_stop_resume(struct proc_stop *s)
{
	for (uint64_t i = 0; i < s->threads.n; i++) {
		const struct proc_thread *th = &s->threads.data[i];

		// One that has not stopped cannot be detached from; the end of our thread does it.
		if (th->stopped)
			(void)ptrace(PTRACE_DETACH, th->tid, 0ul, (unsigned long)th->signal);
	}
	vec_done(&s->threads);
	hashmap_done(&s->known);
}
