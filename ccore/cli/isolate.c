// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --isolate: all that looks at the target's bytes is done by a child in a sandbox. What it says
 * goes through two pipes to this process, which knows nothing of targets, and writes it where the
 * user wants it.
 */
#include "cli/cli.h"
#include "cli/relay.h"
#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct pipes {
	int out[2], err[2];
};

static int cannot(struct ccore_error *err, const char *what, const char *why)
{
	err->code = CCORE_EIO;
	(void)snprintf(err->text, sizeof(err->text), "cannot %s: %.200s", what, why); // fits
	return CCORE_EIO;
}

// -- the child

// Where memory runs out, no one else shall be killed for it.
static void offer_to_oom_killer(void)
{
	const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "1000", 4); // it is a courtesy
	(void)close(fd);
}

// A core may be standard input: a file that is only read. All else there is taken away.
static bool settle_input(void)
{
	const int flags = fcntl(STDIN_FILENO, F_GETFL);
	struct stat st;
	int null;

	if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && fstat(STDIN_FILENO, &st) == 0 &&
	    S_ISREG(st.st_mode))
		return true;
	null = open("/dev/null", O_RDONLY);
	if (null < 0)
		return false;
	if (null != STDIN_FILENO && dup2(null, STDIN_FILENO) < 0) {
		(void)close(null);
		return false;
	}
	return null == STDIN_FILENO || close(null) == 0;
}

// Only the pipes stay open, and nothing of it outlives the parent or is dumped.
static bool settle(const struct pipes *p, pid_t parent)
{
	static const struct rlimit no_core = {0, 0};

	if (!settle_input() || dup2(p->out[1], STDOUT_FILENO) < 0 ||
	    dup2(p->err[1], STDERR_FILENO) < 0)
		return false;
	if (syscall(__NR_close_range, STDERR_FILENO + 1, ~0u, 0) < 0)
		for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
			(void)close(fd);	// most of them are not open
	(void)setpgid(0, 0);			// Ctrl-C is for the parent, who hands it on
	(void)setrlimit(RLIMIT_CORE, &no_core); // less is always allowed
	offer_to_oom_killer();
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static bool is_process(const char *target)
{
	return *target && strspn(target, "0123456789") == strlen(target);
}

static _Noreturn void be_child(struct line *line, int (*read_target)(struct line *),
			       const struct pipes *p, pid_t parent)
{
	const char *tmp_dir = line->opts.tmp_dir ? line->opts.tmp_dir : getenv("TMPDIR");
	const char *why_not = "its pipes cannot be had";
	struct ccore_error err = {0};
	int status = EXIT_UNREADABLE;

	if (settle(p, parent))
		why_not = sandbox_enter(tmp_dir && *tmp_dir ? tmp_dir : "/var/tmp",
					is_process(line->target));
	if (why_not) {
		(void)cannot(&err, "isolate the reader", why_not);
		(void)complain(&err);
	} else {
		status = read_target(line);
	}
	(void)fflush(stdout); // read_target() has looked whether it fails
	_exit(status);
}

// -- the parent

// What wants more than to read and to answer.
static int refuse(const struct line *line, struct ccore_error *err)
{
	const char *format = ccore_line_format(line->argv, line->argc);

	if (line->opts.flags & CCORE_OPEN_DEBUGINFOD)
		return usage_error(err, "--isolate has no network, which --debuginfod needs: "
					"leave out one of them");
	if (!strcmp(line->argv[0], "record"))
		return usage_error(err, "record writes while it reads, which --isolate forbids");
	if (!strcmp(line->argv[0], "graph") && (!strcmp(format, "svg") || !strcmp(format, "png")))
		return usage_error(err,
				   "--isolate draws no %s: that is graphviz's work; "
				   "--format dot gives what it draws",
				   format);
	return 0;
}

// The file of -o is written here: the child's answer is without it.
static void take_output(struct line *line, const char **ret)
{
	const char *format = ccore_line_format(line->argv, line->argc), *path;

	*ret = ccore_line_output(line->argv, line->argc);
	while ((path = ccore_line_output(line->argv, line->argc)))
		line_drop_value(line, path);
	if (strcmp(ccore_line_format(line->argv, line->argc), format) != 0)
		line_add_option(line, "--format", format);
}

static bool has_crashed(int status)
{
	if (!WIFEXITED(status))
		return true;
	switch (WEXITSTATUS(status)) {
	case EXIT_ANSWERED:
	case EXIT_USAGE:
	case EXIT_UNREADABLE:
	case EXIT_INCOMPLETE:
	case EXIT_INTERRUPTED:
		return false;
	default:
		return true;
	}
}

static int report_crash(const struct line *line, int status)
{
	struct ccore_error err = {.code = CCORE_EIO};
	const char *signal = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : NULL;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) // which no program does to itself
		(void)snprintf(err.text, sizeof(err.text),
			       "%.100s: the isolated reader was killed, as the kernel does where "
			       "memory runs out: --max-memory says what it may use",
			       line->target); // fits
	else
		(void)snprintf(err.text, sizeof(err.text),
			       "%.100s: the isolated reader has crashed (%s): the target's bytes "
			       "have found a mistake of necropy's; what it has said is not to be "
			       "trusted",
			       line->target,
			       signal ? signal : "it has ended as it never does"); // fits
	return complain(&err);
}

static int await(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int be_parent(const struct line *line, struct relay *relay, struct pipes *p, pid_t child)
{
	struct ccore_error err = {0};
	int status, r;

	(void)close(p->out[1]); // the child's alone
	(void)close(p->err[1]);
	r = relay_run(relay, p->out[0], p->err[0], child, &err);
	if (r < 0)
		(void)kill(child, SIGKILL); // no one hears it any more
	(void)close(p->out[0]);		    // only read
	(void)close(p->err[0]);
	status = await(child);
	if (r < 0) {
		relay_end(relay, false, &err);
		return complain(&err);
	}
	if (interrupt_caught() || has_crashed(status)) {
		relay_end(relay, false, &err);
		return interrupt_caught() ? EXIT_INTERRUPTED : report_crash(line, status);
	}
	status = WEXITSTATUS(status);
	r = relay_end(relay, status == EXIT_ANSWERED || status == EXIT_INCOMPLETE, &err);
	return r < 0 ? complain(&err) : status;
}

int isolate(struct line *line, int (*read_target)(struct line *))
{
	const pid_t self = getpid();
	struct ccore_error err = {0};
	struct relay relay = {0};
	const char *output;
	struct pipes p;
	pid_t child;

	if (refuse(line, &err) < 0)
		return complain(&err);
	take_output(line, &output);
	if (relay_begin(&relay, output, &err) < 0)
		return complain(&err);
	if (pipe2(p.out, O_CLOEXEC) < 0 || pipe2(p.err, O_CLOEXEC) < 0) {
		(void)cannot(&err, "make a pipe", strerror(errno));
		return complain(&err);
	}
	child = fork();
	if (child == 0)
		be_child(line, read_target, &p, self);
	if (child < 0) {
		(void)cannot(&err, "start the isolated reader", strerror(errno));
		return complain(&err);
	}
	return be_parent(line, &relay, &p, child);
}
