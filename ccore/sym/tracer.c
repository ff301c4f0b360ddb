// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/tracer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define REPORT_NS 50000000

struct tracer {
	tracer_fn fn;
	void *ctx;
	struct ccore_error err;
	pthread_mutex_t lock; // for what follows
	pthread_cond_t changed;
	bool ended, canceled;
	int result;
	const char *what;
	uint64_t done, total;
};

// The tracer's progress function: leaves word for the thread that waits.
static int32_t leave_word(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct tracer *t = ctx;
	bool canceled;

	pthread_mutex_lock(&t->lock);
	t->what = what;
	t->done = done;
	t->total = total;
	canceled = t->canceled;
	pthread_mutex_unlock(&t->lock);
	return !canceled;
}

static void *tracer_main(void *ctx)
{
	struct tracer *t = ctx;
	const struct progress progress = {leave_word, t};
	const int r = t->fn(t->ctx, &progress, &t->err);

	pthread_mutex_lock(&t->lock);
	t->result = r;
	t->ended = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void wait_a_little(struct tracer *t)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until); // there is one
	until.tv_nsec += REPORT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&t->changed, &t->lock, &until); // the caller looks why
}

static void wait_for_end(struct tracer *t, const struct progress *progress)
{
	pthread_mutex_lock(&t->lock);
	while (!t->ended) {
		const char *what;
		uint64_t done, total;

		wait_a_little(t);
		what = t->what;
		done = t->done;
		total = t->total;
		if (t->ended || !what || t->canceled)
			continue;
		pthread_mutex_unlock(&t->lock);
		if (progress_report(progress, what, done, total, NULL) < 0) {
			pthread_mutex_lock(&t->lock);
			t->canceled = true;
			continue;
		}
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
}

// Signals are for the caller's own threads.
static int start(pthread_t *thread, struct tracer *t)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); // valid arguments
	r = pthread_create(thread, NULL, tracer_main, t);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL); // valid arguments
	return r;
}

int tracer_run(tracer_fn fn, void *ctx, const struct progress *progress, struct ccore_error *err)
{
	struct tracer t = {.fn = fn, .ctx = ctx};
	pthread_t thread;
	int r;

	pthread_mutex_init(&t.lock, NULL);
	pthread_cond_init(&t.changed, NULL);
	r = start(&thread, &t);
	if (r == 0) {
		wait_for_end(&t, progress);
		(void)pthread_join(thread, NULL); // it exists
		r = t.result;
		if (r < 0 && err)
			*err = t.err;
	} else {
		r = err_set(err, CCORE_EIO, 0, "cannot start a thread: %s", strerror(r));
	}
	pthread_cond_destroy(&t.changed);
	pthread_mutex_destroy(&t.lock);
	return r;
}
