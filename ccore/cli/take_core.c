// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * core: gdb writes a core of a process, as gcore does, and while it holds the process its maps and
 * smaps are copied too. All three are made in a folder of their own beside the wanted name, where
 * no name needs quoting for gdb, and get their names in the end.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 4096u
#define FILTER_ALL 0x7fu // every kind of mapping, and whole ELF files

struct taking {
	const char *pid, *output;
	char path[PATH_BYTES], folder[PATH_BYTES];
	char *said; // by gdb
	double seconds;
};

static const struct {
	const char *in_folder, *suffix;
} files[] = {{"core", ""}, {"maps", ".maps"}, {"smaps", ".smaps"}};

#define FILE_N (sizeof(files) / sizeof(files[0]))

// -- the command line

static bool is_number(const char *s)
{
	return *s && strlen(s) < 10 && strspn(s, "0123456789") == strlen(s);
}

static int parse(struct taking *t, int argc, char **argv, struct ccore_error *err)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "-o") == 0 && i + 1 < argc)
			t->output = argv[++i];
		else if (strncmp(word, "-o", 2) == 0 && word[2])
			t->output = word + 2;
		else if (!t->pid && is_number(word))
			t->pid = word;
		else
			return usage_error(err, "core: %.100s is no option and no process id",
					   word);
	}
	if (!t->pid)
		return usage_error(err, "core needs a process id: necropy core PID -o FILE");
	if (t->output)
		(void)snprintf(t->path, sizeof(t->path), "%s", t->output);
	else
		(void)snprintf(t->path, sizeof(t->path), "core.%s", t->pid);
	if (strlen(t->path) > sizeof(t->path) - 64)
		return usage_error(err, "core: the name of the file is too long");
	return 0;
}

static int failed(struct ccore_error *err, const char *what, const char *path)
{
	err->code = CCORE_EIO;
	(void)snprintf(err->text, sizeof(err->text), "%s %.120s: %s", what, path, strerror(errno));
	return CCORE_EIO;
}

static int set_error(struct ccore_error *err, const char *text)
{
	err->code = CCORE_EIO;
	(void)snprintf(err->text, sizeof(err->text), "%s", text); // cut text is still a sentence
	return CCORE_EIO;
}

// -- what the kernel would save

// The process's coredump_filter; false when it cannot be read.
static bool read_filter(const char *pid, unsigned *ret)
{
	char path[64];
	bool ok;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%s/coredump_filter", pid); // fits
	f = fopen(path, "re");
	ok = f && fscanf(f, "%x", ret) == 1;
	if (f)
		(void)fclose(f); // only read
	return ok;
}

static void tell_filter(const struct taking *t)
{
	static const char *const kinds[] = {
		"private anonymous memory",  "shared anonymous memory, SysV, unlinked files",
		"private mappings of files", "shared mappings of files, /dev/shm/NAME",
		"the headers of ELF files",  "private huge pages",
		"shared huge pages",
	};
	const char *gap = " not saved: ";
	unsigned filter;

	if (!read_filter(t->pid, &filter))
		return; // it has ended since
	(void)printf("coredump_filter is 0x%x;", filter);
	for (unsigned bit = 0; bit < sizeof(kinds) / sizeof(kinds[0]); bit++) {
		if (filter >> bit & 1)
			continue;
		(void)printf("%s%s", gap, kinds[bit]);
		gap = "; ";
	}
	if ((filter & FILTER_ALL) == FILTER_ALL)
		(void)printf(" everything was saved\n");
	else
		(void)printf(
			" (echo 0x%x > /proc/%s/coredump_filter, and the next core has them)\n",
			filter | FILTER_ALL, t->pid);
}

// -- gdb

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); // there is one
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// All that `fd` gives, as text; NULL when memory is out.
static char *read_all(int fd)
{
	char *text = calloc(1, 1);
	size_t n = 0;
	char buf[4096];
	ssize_t got;

	while (text && ((got = read(fd, buf, sizeof(buf))) > 0 || (got < 0 && errno == EINTR))) {
		char *more = got > 0 ? realloc(text, n + (size_t)got + 1) : text;

		if (!more) {
			free(text);
			return NULL;
		}
		text = more;
		if (got > 0)
			memcpy(text + n, buf, (size_t)got);
		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
	}
	return text;
}

// In the child, before gdb: its files are their owner's alone.
static void become_gdb(const struct taking *t, int out)
{
	char maps[128], smaps[128];
	const char *words[] = {"gdb", "--batch", "-nx",
			       // Symbols are not needed to write a core.
			       "-iex", "set auto-solib-add off", "-iex",
			       "set debuginfod enabled off", "-iex", "set auto-load off", "-iex",
			       "set style enabled off", "-p", t->pid, "-ex", maps, "-ex", smaps,
			       "-ex", "set use-coredump-filter on", "-ex",
			       "generate-core-file core", NULL};

	(void)snprintf(maps, sizeof(maps), "shell cat /proc/%s/maps > maps", t->pid); // fits
	(void)snprintf(smaps, sizeof(smaps), "shell cat /proc/%s/smaps > smaps", t->pid);
	(void)umask(077);
	if (chdir(t->folder) == 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0)
		(void)execvp("gdb", (char *const *)(uintptr_t)words); // returns only in failure
	_exit(errno == ENOENT ? 127 : 126);
}

static int run_gdb(struct taking *t, struct ccore_error *err)
{
	const double from = now();
	int out[2], status = 0;
	pid_t child;

	if (pipe2(out, O_CLOEXEC) < 0)
		return set_error(err, "no pipe to gdb can be made");
	child = fork();
	if (child == 0)
		become_gdb(t, out[1]);
	(void)close(out[1]); // the child's
	t->said = child > 0 ? read_all(out[0]) : NULL;
	(void)close(out[0]); // only read
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	t->seconds = now() - from;
	if (child < 0 || !t->said)
		return set_error(err, "gdb cannot be started: out of memory");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return set_error(err,
				 "core needs gdb, which is not here (Debian: apt install gdb)");
	return 0;
}

// -- what came of it

static void name_in_folder(const struct taking *t, unsigned i, char ret[PATH_BYTES])
{
	(void)snprintf(ret, PATH_BYTES, "%.4060s/%s", t->folder, files[i].in_folder);
}

// Why there is no core, by what gdb has said.
static int why_no_core(const struct taking *t, struct ccore_error *err)
{
	char text[240], *line, *end;

	if (strstr(t->said, "No such process"))
		(void)snprintf(text, sizeof(text), "there is no process %s", t->pid);
	else if (strstr(t->said, "not permitted"))
		(void)snprintf(
			text, sizeof(text),
			"not permitted to trace process %s: be its owner or root; containers "
			"need CAP_SYS_PTRACE, and /proc/sys/kernel/yama/ptrace_scope may "
			"forbid it",
			t->pid);
	else if (strstr(t->said, "No space left"))
		(void)snprintf(text, sizeof(text), "no space left for %.150s", t->path);
	else {
		line = t->said;
		for (char *c = t->said; *c; c++)
			if (c > t->said && c[-1] == '\n')
				line = c;
		end = strchr(line, '\n');
		(void)snprintf(text, sizeof(text), "gdb has written no core: %.*s",
			       (int)(end ? end - line : 150), line);
	}
	return set_error(err, text);
}

// Memory that gdb could not read, but for the kernel's own page that nobody can.
static bool missed_memory(const char *said)
{
	static const char miss[] = "Memory read failed for corefile section, ";

	for (const char *at = strstr(said, miss); at; at = strstr(at + 1, miss)) {
		const char *where = strstr(at, " at 0x");

		if (!where || strncmp(where + 4, "0xffffffffff600000", 18) != 0)
			return true;
	}
	return false;
}

static int give_names(const struct taking *t, struct ccore_error *err)
{
	char from[PATH_BYTES], to[PATH_BYTES + 8];
	struct stat st;

	name_in_folder(t, 0, from);
	if (stat(from, &st) < 0 || !st.st_size || strstr(t->said, "No space left"))
		return why_no_core(t, err);
	for (unsigned i = 0; i < FILE_N; i++) {
		name_in_folder(t, i, from);
		(void)snprintf(to, sizeof(to), "%s%s", t->path, files[i].suffix); // fits
		if (rename(from, to) < 0)
			return failed(err, "cannot write", to);
	}
	(void)printf("%s (%.1f MiB), %s.maps, %s.smaps\n", t->path, (double)st.st_size / (1 << 20),
		     t->path, t->path); // main() looks at stdout
	return 0;
}

static void remove_folder(const struct taking *t)
{
	char path[PATH_BYTES];

	for (unsigned i = 0; i < FILE_N; i++) {
		name_in_folder(t, i, path);
		(void)unlink(path); // it is gone when all went well
	}
	(void)rmdir(t->folder); // what cannot be removed is harmless
}

// A core is good when it can be read: that is tried at once, while the process is still there.
static int try_core(const struct taking *t, bool *ret_complete, struct ccore_error *err)
{
	const struct ccore_open_opts opts = {.size = sizeof(opts)};
	static const char *const info[] = {"info"};
	struct ccore_session *session;
	struct ccore_result *result;
	int status = ccore_open_core(t->path, &opts, &session, err);

	if (status < 0)
		return status;
	status = ccore_run(session, info, 1, &result, err);
	ccore_close(session);
	if (status < 0)
		return status;
	*ret_complete = ccore_result_complete(result);
	ccore_result_free(result);
	return 0;
}

static int take(struct taking *t, struct ccore_error *err)
{
	struct stat st;
	int status;

	// A device, say, would be replaced.
	if (stat(t->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return failed(err, "cannot write", t->path);
	}
	(void)snprintf(t->folder, sizeof(t->folder), "%.4060s.XXXXXX", t->path);
	if (!mkdtemp(t->folder))
		return failed(err, "cannot write", t->path);
	status = run_gdb(t, err);
	if (status == 0)
		status = give_names(t, err);
	remove_folder(t);
	return status;
}

int core_main(int argc, char **argv)
{
	struct ccore_error err = {0};
	struct taking t = {0};
	bool complete = true;
	int status;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0)
			continue;
		(void)printf("%s", ccore_command_help(command_index("core"))); // main() looks
		return EXIT_ANSWERED;
	}
	interrupt_catch();
	status = parse(&t, argc, argv, &err);
	if (status == 0)
		status = take(&t, &err);
	if (status == 0) {
		tell_filter(&t);
		(void)printf("the process was stopped for less than %.1f s\n", t.seconds);
		status = try_core(&t, &complete, &err);
	}
	if (status == 0 && missed_memory(t.said)) {
		(void)fprintf(stderr, "necropy: gdb could not read all of the memory: some of it "
				      "is zeros in the core\n"); // no one is left to tell
		complete = false;
	}
	free(t.said);
	if (status < 0) {
		err.code = status;
		return complain(&err);
	}
	return complete ? EXIT_ANSWERED : EXIT_INCOMPLETE;
}
