// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of the command line tool. Like any other program it knows ccore.h only.
#ifndef NECROPY_CLI_H
#define NECROPY_CLI_H

#include "ccore.h"

#include <stdbool.h>

enum exit_status {
	EXIT_ANSWERED = 0,
	EXIT_USAGE = 1,	     // the user's mistake
	EXIT_UNREADABLE = 2, // the target, or an output file
	EXIT_INCOMPLETE = 3, // answered from what there is
	EXIT_SIGPIPE = 141,  // as shells say it
	EXIT_INTERRUPTED = 130
};

/** What the user typed, sorted. Text belongs to argv. */
struct line {
	const char *target; // NULL when --help or --version is asked for
	const char **argv;  // the command and its words, for ccore_run()
	uint64_t argc;
	struct ccore_open_opts opts;
	bool help, version, no_progress;
};

/** An option of the tool itself; a flag when `metavar` is NULL. */
struct tool_option {
	const char *name, *metavar, *help;
	int (*set)(struct line *line, const char *value, struct ccore_error *err);
};

/** All of them; a NULL name ends the list. */
extern const struct tool_option tool_options[];

/** Sort argv[1..]. CCORE_EUSAGE with a sentence; line_done() is needed in any case. */
int line_parse(int argc, char **argv, struct line *ret, struct ccore_error *err);
void line_done(struct line *line);

/** The index of the command called `name`; ccore_command_n() when there is none. */
uint64_t command_index(const char *name);

/** Help on all, and on one command. */
void help_print(void);
void help_print_command(uint64_t i);

/** From here on Ctrl-C cancels what the library does; a second one ends the program. */
void interrupt_catch(void);
bool interrupt_caught(void);

/** For struct ccore_open_opts: cancels after Ctrl-C, and shows progress on a terminal. */
int32_t progress_report(void *ctx, const char *what, uint64_t done, uint64_t total);

/** Whether progress is shown. Erases what was. */
void progress_enable(bool enable);
void progress_erase(void);

/** `necropy plot`: words after that one. It has no target, and is not the library's. */
int plot_main(int argc, char **argv);

/** `necropy core`: words after that one. */
int core_main(int argc, char **argv);

/** Print one sentence, the text of `err`, on standard error; returns the exit status for it. */
int complain(const struct ccore_error *err);

/** Fill `*err` and return CCORE_EUSAGE. */
int usage_error(struct ccore_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
