// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/source_text.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>

// Seconds that clocks are rounded by.
#define CLOCK_SLACK 2

// The first bytes of a file of the kernel's, as text.
static void read_text(const char *path, char *buf, uint64_t cap)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);

	buf[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		(void)close(fd); // it was only read
}

// When process `pid` started: that many of the kernel's ticks after the machine; 0: not known.
static time_t started(int64_t pid)
{
	enum { TICKS_FIELD = 22, AFTER_NAME = 2 };
	char path[64], text[32768];
	uint64_t ticks;
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	read_text(path, text, sizeof(text));
	p = strrchr(text, ')'); // the name, in parentheses, may have any character in it
	for (unsigned i = AFTER_NAME; p && i < TICKS_FIELD; i++)
		p = strchr(p + 1, ' ');
	ticks = p ? strtoull(p, NULL, 10) : 0;
	read_text("/proc/stat", text, sizeof(text));
	p = strstr(text, "\nbtime ");
	if (!p || !ticks)
		return 0;
	return (time_t)(strtoull(p + 7, NULL, 10) + ticks / (uint64_t)sysconf(_SC_CLK_TCK));
}

void source_text_init(struct source_text *s, const struct target *t)
{
	struct stat st;

	*s = (struct source_text){.target = t};
	if (t->kind == TARGET_CORE && t->path && stat(t->path, &st) == 0)
		s->taken = st.st_mtime;
	else if (t->kind == TARGET_PROCESS)
		s->taken = started(t->pid);
}

void source_text_done(struct source_text *s)
{
	free(s->path);
	free(s->data);
	*s = (struct source_text){0};
}

static bool read_all(int fd, char *data, uint64_t n)
{
	uint64_t done = 0;

	while (done < n) {
		const ssize_t got = read(fd, data + done, n - done);

		if (got <= 0)
			return false;
		done += (uint64_t)got;
	}
	return true;
}

// A name from the target may be that of a device, or of a pipe no one writes to.
static bool load(struct source_text *s, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *data;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > (off_t)LIM_SOURCE_BYTES)
		return false;
	data = malloc((uint64_t)st.st_size);
	if (!data || !read_all(fd, data, (uint64_t)st.st_size)) {
		free(data);
		return false;
	}
	s->data = data;
	s->n = (uint64_t)st.st_size;
	s->changed = s->taken && st.st_mtime > s->taken + CLOCK_SLACK;
	return true;
}

// Where the file may be: below the sysroot, in the process's own root, where it says.
static void find(struct source_text *s, const char *path)
{
	const struct target *t = s->target;
	char full[2 * LIM_PATH_BYTES];

	if (strlen(path) >= LIM_PATH_BYTES)
		return;
	if (path[0] != '/') { // from the directory it was started in, which a core does not tell
		if (t->kind == TARGET_PROCESS &&
		    snprintf(full, sizeof(full), "/proc/%lld/cwd/%s", (long long)t->pid, path) <
			    (int)sizeof(full))
			(void)load(s, full); // it is there or it is not
		return;
	}
	if (t->sysroot &&
	    snprintf(full, sizeof(full), "%s%s", t->sysroot, path) < (int)sizeof(full) &&
	    load(s, full))
		return;
	if (t->kind == TARGET_PROCESS &&
	    snprintf(full, sizeof(full), "/proc/%lld/root%s", (long long)t->pid, path) <
		    (int)sizeof(full) &&
	    load(s, full))
		return;
	if (!t->sysroot)
		(void)load(s, path); // it is here or it is not
}

static bool open_file(struct source_text *s, const char *path)
{
	if (s->path && strcmp(s->path, path) == 0)
		return s->data;
	free(s->path);
	free(s->data);
	s->data = NULL;
	s->n = 0;
	s->changed = false;
	s->path = strdup(path);
	if (s->path)
		find(s, path);
	return s->data;
}

const char *source_text_line(struct source_text *s, const char *path, int64_t line, uint64_t *ret_n)
{
	const char *p, *end, *nl;

	if (line < 1 || !open_file(s, path))
		return NULL;
	p = s->data;
	end = s->data + s->n;
	while (--line > 0) {
		p = memchr(p, '\n', (uint64_t)(end - p));
		if (!p || ++p == end)
			return NULL;
	}
	nl = memchr(p, '\n', (uint64_t)(end - p));
	*ret_n = (uint64_t)((nl ? nl : end) - p);
	if (*ret_n && p[*ret_n - 1] == '\r')
		(*ret_n)--;
	return p;
}
