// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/file.h"

#include "util/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, uint64_t n)
{
	while (n) {
		const ssize_t written = write(fd, data, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return -1;
		data += written;
		n -= (uint64_t)written;
	}
	return 0;
}

// mkstemp() makes files that only their owner reads.
static int open_temporary(char *path, bool shared)
{
	mode_t mask;
	int fd;

	if (!shared)
		return mkstemp(path);
	mask = umask(0);
	fd = mkstemp(path);
	umask(mask);
	if (fd >= 0 && fchmod(fd, 0666 & ~mask) < 0) {
		const int error = errno;

		(void)close(fd); // the first error is the one to report
		(void)unlink(path);
		errno = error;
		return -1;
	}
	return fd;
}

int file_begin(struct file_writer *w, const char *path, bool shared)
{
	struct strbuf temporary = {0};
	int fd, error;

	strbuf_printf(&temporary, "%s.XXXXXX", path);
	w->path = strdup(path);
	if (temporary.failed || !w->path) {
		free(w->path);
		strbuf_done(&temporary);
		return -ENOMEM;
	}
	fd = open_temporary(temporary.data, shared);
	error = fd < 0 ? -errno : 0;
	if (error) {
		free(w->path);
		strbuf_done(&temporary);
		return error;
	}
	w->fd = fd;
	w->temporary = temporary.data;
	return 0;
}

int file_add(struct file_writer *w, const char *data, uint64_t n)
{
	return write_all(w->fd, data, n) < 0 ? -errno : 0;
}

int file_end(struct file_writer *w, int error)
{
	if (close(w->fd) < 0 && !error)
		error = -errno;
	if (!error && rename(w->temporary, w->path) < 0)
		error = -errno;
	if (error)
		(void)unlink(w->temporary); // the error is reported already
	free(w->temporary);
	free(w->path);
	*w = (struct file_writer){0};
	return error;
}

int file_replace(const char *path, const char *data, uint64_t n, bool shared)
{
	struct file_writer w = {0};
	const int error = file_begin(&w, path, shared);

	return error ? error : file_end(&w, file_add(&w, data, n));
}
