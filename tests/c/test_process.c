// SPDX-License-Identifier: GPL-2.0-or-later
// A child of ours is read alive: its bytes are right, and afterwards it runs, or stays stopped.
#include "test.h"

#include "sym/target.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u
#define PAGES 64u

// In the child as in us: these pages lie at the same addresses.
static uint8_t *pages, *shared, *read_only;
static volatile sig_atomic_t signals;

static void on_signal(int signal)
{
	(void)signal; // counted, whichever
	signals++;
	shared[0] = (uint8_t)signals;
}

static void *map(int flags)
{
	return mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static _Noreturn void be_child(int ready)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t thread;

	(void)sigaction(SIGUSR1, &action, NULL); // valid arguments
	for (unsigned i = 0; i < PAGES; i += 2)
		memset(pages + i * PAGE, (int)i + 1, PAGE);
	memset(read_only, 9, PAGE);
	(void)mprotect(read_only, PAGES * PAGE, PROT_READ); // ours
	for (int i = 0; i < 3; i++)
		(void)pthread_create(&thread, NULL, idle, NULL); // the test counts them
	(void)write(ready, "", 1);				 // the parent waits for it
	for (;;)
		pause();
}

static pid_t start_child(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	pages = map(MAP_PRIVATE);
	shared = map(MAP_SHARED);
	read_only = map(MAP_PRIVATE);
	signals = 0;
	CHECK(pages != MAP_FAILED && shared != MAP_FAILED && read_only != MAP_FAILED);
	CHECK(pipe(ready) == 0);
	(void)fflush(stdout); // else the child prints it again
	pid = fork();
	if (pid == 0)
		be_child(ready[1]);
	CHECK(pid > 0 && read(ready[0], &byte, 1) == 1);
	(void)close(ready[0]); // only read
	(void)close(ready[1]); // only the child wrote
	return pid;
}

static void end_child(pid_t pid)
{
	int status;

	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	(void)munmap(pages, PAGES * PAGE);     // ours
	(void)munmap(shared, PAGES * PAGE);    // ours
	(void)munmap(read_only, PAGES * PAGE); // ours
}

static char state_of(pid_t pid)
{
	char path[64], text[256];
	const char *end;
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f); // only read
	}
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : '?';
}

static bool reaches_state(pid_t pid, char state)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	for (int i = 0; i < 2000 && state_of(pid) != state; i++)
		(void)nanosleep(&ms, NULL); // how long does not matter
	return state_of(pid) == state;
}

static int open_pid(struct target *t, pid_t pid, struct ccore_error *err)
{
	const struct target_opts opts = {0};

	return target_open_pid(t, pid, &opts, err);
}

static bool is_traceable(pid_t pid)
{
	struct ccore_error err;
	struct target t;

	if (open_pid(&t, pid, &err) == 0) {
		target_done(&t);
		return true;
	}
	(void)printf("not run: %s\n", err.text);
	return false;
}

static void check_bytes(const struct target *t)
{
	const addr_t at = (uintptr_t)pages;
	uint8_t buf[PAGE];

	for (unsigned i = 0; i < PAGES; i++) {
		CHECK(mem_read(&t->mem, at + i * PAGE, buf, PAGE) == 0);
		CHECK(buf[0] == (i % 2 ? 0 : i + 1) && buf[PAGE - 1] == buf[0]);
	}
	CHECK(mem_read(&t->mem, (uintptr_t)read_only, buf, 1) == 0 && buf[0] == 9);
	CHECK(mem_read(&t->mem, (uintptr_t)shared, buf, 1) == CCORE_EFAULT);
	// A constant of this program comes out of its file.
	CHECK(mem_read(&t->mem, (uintptr_t) "a constant", buf, 11) == 0);
	CHECK(memcmp(buf, "a constant", 11) == 0);
}

TEST(memory_is_copied_and_threads_run_on)
{
	const pid_t pid = start_child();
	struct ccore_error err;
	struct target t;

	if (is_traceable(pid)) {
		CHECK(open_pid(&t, pid, &err) == 0);
		CHECK(t.kind == TARGET_PROCESS && t.pid == pid && mem_is_direct(&t.mem));
		CHECK(t.threads.n == 4 && t.threads.data[0].tid == pid);
		for (unsigned i = 0; i < 4; i++)
			CHECK(t.threads.data[i].pc && t.threads.data[i].sp);
		check_bytes(&t);
		CHECK(t.modules.n > 1 && t.modules.data[0].is_main);
		CHECK(t.modules.data[0].file);
		CHECK(t.phdr >= t.modules.data[0].start && t.phdr < t.modules.data[0].end);
		CHECK(reaches_state(pid, 'S'));
		target_done(&t);
	}
	end_child(pid);
}

TEST(what_was_stopped_stays_stopped)
{
	const pid_t pid = start_child();
	struct ccore_error err;
	struct target t;

	if (is_traceable(pid)) {
		CHECK(kill(pid, SIGSTOP) == 0 && reaches_state(pid, 'T'));
		CHECK(open_pid(&t, pid, &err) == 0);
		check_bytes(&t);
		target_done(&t);
		CHECK(reaches_state(pid, 'T'));
		CHECK(kill(pid, SIGCONT) == 0 && reaches_state(pid, 'S'));
	}
	end_child(pid);
}

TEST(signals_are_delivered_once)
{
	const pid_t pid = start_child();
	const struct timespec ms = {.tv_nsec = 1000000};
	struct ccore_error err;
	struct target t;

	for (unsigned i = 1; is_traceable(pid) && i <= 50; i++) {
		CHECK(kill(pid, SIGUSR1) == 0);
		CHECK(open_pid(&t, pid, &err) == 0);
		target_done(&t);
		for (int k = 0; k < 2000 && shared[0] != i; k++)
			(void)nanosleep(&ms, NULL); // how long does not matter
		CHECK(shared[0] == i);
	}
	end_child(pid);
}

static int32_t refuse(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	(void)ctx;
	(void)what;
	(void)done;
	(void)total;
	return 0;
}

TEST(canceling_and_limits_let_it_run_on)
{
	const pid_t pid = start_child();
	struct target_opts opts = {.max_bytes = 16 * PAGE};
	struct ccore_error err;
	struct target t;
	int r;

	if (is_traceable(pid)) {
		CHECK(target_open_pid(&t, pid, &opts, &err) == CCORE_ENOMEM);
		CHECK(strstr(err.text, "limit"));
		CHECK(reaches_state(pid, 'S'));
		opts = (struct target_opts){.progress = {refuse, NULL}};
		r = target_open_pid(&t, pid, &opts, &err);
		CHECK(r == CCORE_ECANCELED || r == 0); // it may have been faster
		if (r == 0)
			target_done(&t);
		CHECK(reaches_state(pid, 'S'));
	}
	end_child(pid);
}

TEST(one_process_after_the_other)
{
	const pid_t pid = start_child();
	struct ccore_error err;
	struct target t;

	end_child(pid);
	CHECK(open_pid(&t, pid, &err) == CCORE_EIO);
	CHECK(strstr(err.text, "no process"));
	CHECK(open_pid(&t, getpid(), &err) == CCORE_EUNSUPPORTED);
	CHECK(open_pid(&t, 0, &err) == CCORE_EIO && open_pid(&t, -5, &err) == CCORE_EIO);
}
