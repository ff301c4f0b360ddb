// SPDX-License-Identifier: GPL-2.0-or-later
// necropy COMMAND TARGET [ARGUMENT] [OPTION]...
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool has_written; // a part of an answer that is streamed
static int write_error;	 // errno of the write that ended it

int complain(const struct ccore_error *err)
{
	if (err->code == CCORE_ECANCELED && interrupt_caught()) {
		(void)fprintf(stderr, "necropy: interrupted%s\n",
			      has_written ? ": what was written is not the whole answer" : "");
		return EXIT_INTERRUPTED;
	}
	(void)fprintf(stderr, "necropy: %s\n", err->text); // no one is left to tell
	return err->code == CCORE_EUSAGE || err->code == CCORE_ENOTFOUND ? EXIT_USAGE
									 : EXIT_UNREADABLE;
}

// Flush standard output, on which everything was written without looking.
static int finish_output(int status)
{
	const bool failed = ferror(stdout) || fflush(stdout) != 0;

	if (!failed)
		return status;
	errno = write_error ? write_error : errno;
	if (errno == EPIPE)
		return EXIT_SIGPIPE; // the reader has seen enough
	(void)fprintf(stderr, "necropy: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_UNREADABLE;
}

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       !(term && !strcmp(term, "dumb"));
}

static uint32_t terminal_width(void)
{
	struct winsize size = {0};

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int print_result(const struct line *line, struct ccore_result *r, struct ccore_error *err)
{
	const char *text;
	uint64_t n;
	int status;

	status = ccore_result_render(r, line->width, line->render_flags, &text, &n, err);
	if (status < 0)
		return status;
	if (n > 4 && !memcmp(text, "\x89PNG", 4) && line->on_terminal)
		return usage_error(err, "a PNG picture is not for the terminal; add -o FILE");
	(void)fwrite(text, 1, n, stdout); // finish_output() looks at stdout
	return 0;
}

static int no_process(struct ccore_error *err, const char *pid)
{
	err->code = CCORE_EIO;
	(void)snprintf(err->text, sizeof(err->text), "%.100s is no process id", pid); // fits
	return CCORE_EIO;
}

static int open_target(const struct line *line, struct ccore_session **ret, struct ccore_error *err)
{
	struct ccore_open_opts opts = line->opts;
	const char *t = line->target;
	int64_t pid = 0;

	for (const char *c = t; *c >= '0' && *c <= '9'; c++) {
		if (__builtin_mul_overflow(pid, 10, &pid) ||
		    __builtin_add_overflow(pid, *c - '0', &pid))
			return no_process(err, t);
	}
	if (*t && strspn(t, "0123456789") == strlen(t)) {
		if (strcmp(line->argv[0], "record") == 0)
			opts.flags |= CCORE_OPEN_RUNNING;
		return ccore_open_pid(pid, &opts, ret, err);
	}
	if (strcmp(line->argv[0], "layout") == 0)
		opts.flags |= CCORE_OPEN_PROGRAM;
	return ccore_open_core(t, &opts, ret, err);
}

static int32_t write_output(void *ctx, const void *data, uint64_t n)
{
	(void)ctx; // there is one standard output
	progress_erase();
	has_written = true;
	if (fwrite(data, 1, n, stdout) == n)
		return true;
	write_error = errno;
	return false;
}

// An answer that may be larger than memory is written while it is made.
static int stream(const struct line *line, struct ccore_session *session, struct ccore_error *err,
		  bool *ret_complete)
{
	struct ccore_result *result;
	const char *text;
	uint64_t n;
	const int status =
		ccore_run_to(session, line->argv, line->argc, write_output, NULL, &result, err);

	ccore_close(session);
	if (status < 0)
		return status;
	*ret_complete = ccore_result_complete(result);
	// The lines have no place for what is missing.
	if (!*ret_complete && ccore_result_render(result, 0, 0, &text, &n, err) == 0)
		(void)fwrite(text, 1, n, stderr); // no one is left to tell
	ccore_result_free(result);
	return 0;
}

static int answer(const struct line *line, struct ccore_error *err, bool *ret_complete)
{
	struct ccore_session *session;
	struct ccore_result *result;
	const char *path;
	int status;

	status = open_target(line, &session, err);
	if (status < 0)
		return status;
	if (ccore_command_streams(command_index(line->argv[0])))
		return stream(line, session, err, ret_complete);
	status = ccore_run(session, line->argv, line->argc, &result, err);
	ccore_close(session);
	progress_erase();
	if (status < 0)
		return status;
	path = ccore_result_output(result);
	status = path ? ccore_result_write(result, path, err) : print_result(line, result, err);
	*ret_complete = ccore_result_complete(result);
	ccore_result_free(result);
	return status;
}

static int read_target(struct line *line)
{
	struct ccore_error err = {0};
	bool complete = true;
	int status;

	progress_enable(line->shows_progress);
	line->opts.progress = progress_report;
	status = answer(line, &err, &complete);
	progress_erase();
	if (write_error)
		return finish_output(EXIT_UNREADABLE);
	if (status < 0) {
		err.code = status;
		return finish_output(complain(&err));
	}
	return finish_output(complete ? EXIT_ANSWERED : EXIT_INCOMPLETE);
}

static int run(struct line *line)
{
	line->on_terminal = isatty(STDOUT_FILENO);
	line->width = terminal_width();
	line->render_flags = wants_color() ? CCORE_RENDER_COLOR : 0;
	line->shows_progress = !line->no_progress && isatty(STDERR_FILENO);
	interrupt_catch();
	return line->isolate ? finish_output(isolate(line, read_target)) : read_target(line);
}

int main(int argc, char **argv)
{
	struct ccore_error err = {0};
	struct line line;
	int status;

	(void)signal(SIGXFSZ, SIG_IGN); // where `ulimit -f` ends a file, write() says so
	if (argc > 1 && strcmp(argv[1], "plot") == 0)
		return finish_output(plot_main(argc - 2, argv + 2));
	if (argc > 1 && strcmp(argv[1], "core") == 0)
		return finish_output(core_main(argc - 2, argv + 2));
	if (line_parse(argc, argv, &line, &err) < 0) {
		status = complain(&err);
	} else if (line.version) {
		(void)printf("necropy %s\n", ccore_version()); // finish_output() looks at stdout
		status = finish_output(EXIT_ANSWERED);
	} else if (line.help) {
		if (line.argc)
			help_print_command(command_index(line.argv[0]));
		else
			help_print();
		status = finish_output(EXIT_ANSWERED);
	} else {
		status = run(&line);
	}
	line_done(&line);
	return status;
}
