// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unicorn's translator ends the process, with abort(), where it meets code that it was not made
 * for; and what the target has for code may be anything. While an emulator runs, SIGABRT of its
 * thread leads out of it; all others' goes where it went before.
 */
#include "emu/engine.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned running; // emulators
static struct sigaction before;
static _Thread_local sigjmp_buf *way_out;

static void on_abort(int signal, siginfo_t *info, void *context)
{
	if (way_out)
		siglongjmp(*way_out, 1);
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(signal, info, context);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(signal);
	// Whoever calls abort() ends when this returns.
}

// Neither can fail: the mutex is a plain one, the signal exists.
static void guard(void)
{
	struct sigaction action = {.sa_sigaction = on_abort, .sa_flags = SA_SIGINFO};

	(void)pthread_mutex_lock(&lock);
	if (!running++)
		(void)sigaction(SIGABRT, &action, &before);
	(void)pthread_mutex_unlock(&lock);
}

static void unguard(void)
{
	(void)pthread_mutex_lock(&lock);
	if (!--running)
		(void)sigaction(SIGABRT, &before, NULL);
	(void)pthread_mutex_unlock(&lock);
}

bool emu_start_guarded(struct emu *e, uint64_t from, uint64_t until, uc_err *ret)
{
	sigjmp_buf here;
	volatile bool ended = false; // it changes between the two returns of sigsetjmp()

	guard();
	if (sigsetjmp(here, 1) == 0) {
		way_out = &here;
		*ret = e->lib->uc_emu_start(e->uc, from, until, 0, 0);
		ended = true;
	}
	way_out = NULL;
	unguard();
	return ended;
}
