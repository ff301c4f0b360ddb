// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

struct job {
	int (*fn)(void *ctx, uint32_t i);
	void *ctx;
	uint32_t i;
	int status;
	bool started;
	pthread_t thread;
};

static void *run_job(void *arg)
{
	struct job *j = arg;

	j->status = j->fn(j->ctx, j->i);
	return NULL;
}

// Signals are for the threads of the program we are in (gdb), not for ours.
static bool start(struct job *j)
{
	sigset_t all, before;
	bool ok;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = pthread_create(&j->thread, NULL, run_job, j) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

int parallel_run(uint32_t n, int (*fn)(void *ctx, uint32_t i), void *ctx)
{
	struct job jobs[PARALLEL_MAX];

	assert(n >= 1 && n <= PARALLEL_MAX);
	for (uint32_t i = 0; i < n; i++)
		jobs[i] = (struct job){.fn = fn, .ctx = ctx, .i = i};
	for (uint32_t i = 1; i < n; i++)
		jobs[i].started = start(&jobs[i]);
	for (uint32_t i = 0; i < n; i++)
		if (!jobs[i].started)
			run_job(&jobs[i]);
	for (uint32_t i = 1; i < n; i++)
		if (jobs[i].started)
			pthread_join(jobs[i].thread, NULL);
	for (uint32_t i = 0; i < n; i++)
		if (jobs[i].status < 0)
			return jobs[i].status;
	return 0;
}

uint32_t parallel_processors(void)
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > (int)PARALLEL_MAX ? PARALLEL_MAX : (uint32_t)n;
}
