// SPDX-License-Identifier: GPL-2.0-or-later
// Ctrl-C, and one line of progress on a terminal, at most once a second.
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

static volatile sig_atomic_t interrupted;

static struct {
	bool enabled, shown;
	struct timespec last;
} progress;

static void on_interrupt(int signal)
{
	(void)signal; // only one is caught
	interrupted = 1;
}

void interrupt_catch(void)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};

	// The second one finds the default action: it ends the program at once.
	action.sa_flags |= (int)SA_RESETHAND;
	(void)sigaction(SIGINT, &action, NULL); // cannot fail for SIGINT
}

bool interrupt_caught(void)
{
	return interrupted;
}

void progress_enable(bool enable)
{
	progress.enabled = enable;
	(void)clock_gettime(CLOCK_MONOTONIC, &progress.last); // cannot fail
}

void progress_erase(void)
{
	if (progress.shown)
		(void)fputs("\r\033[K", stderr); // only the terminal could complain
	progress.shown = false;
}

static bool is_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail
	if ((now.tv_sec - progress.last.tv_sec) * 1000 +
		    (now.tv_nsec - progress.last.tv_nsec) / 1000000 <
	    1000)
		return false;
	progress.last = now;
	return true;
}

int32_t progress_report(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	(void)ctx; // there is one terminal
	if (progress.enabled && is_time()) {
		if (total)
			(void)fprintf(stderr, "\r\033[K%s: %d %%", what,
				      (int)(100.0 * (double)done / (double)total));
		else
			(void)fprintf(stderr, "\r\033[K%s: %llu", what, (unsigned long long)done);
		progress.shown = true;
	}
	return !interrupted;
}
