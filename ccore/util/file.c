// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/file.h"

#include "util/strbuf.h"

#include <errno.h>
#include <fcntl.h>
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

static bool is_replaced(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

static int open_file(struct file_writer *w)
{
	struct strbuf temporary = {0};
	int error;

	if (!is_replaced(w->path)) {
		w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
		return w->fd < 0 ? -errno : 0;
	}
	strbuf_printf(&temporary, "%s.XXXXXX", w->path);
	w->fd = temporary.failed ? -1 : mkostemp(temporary.data, O_CLOEXEC); // of mode 0600
	error = temporary.failed ? -ENOMEM : w->fd < 0 ? -errno : 0;
	if (error)
		strbuf_done(&temporary);
	else
		w->temporary = temporary.data;
	return error;
}

int file_begin(struct file_writer *w, const char *path)
{
	int error;

	*w = (struct file_writer){.path = strdup(path)};
	if (!w->path)
		return -ENOMEM;
	error = open_file(w);
	if (error) {
		free(w->path);
		*w = (struct file_writer){0};
	}
	return error;
}

int file_add(struct file_writer *w, const char *data, uint64_t n)
{
	return write_all(w->fd, data, n) < 0 ? -errno : 0;
}

int file_end(struct file_writer *w, int error)
{
	if (close(w->fd) < 0 && !error)
		error = -errno;
	if (!error && w->temporary && rename(w->temporary, w->path) < 0)
		error = -errno;
	if (error && w->temporary)
		(void)unlink(w->temporary); // the error is reported already
	free(w->temporary);
	free(w->path);
	*w = (struct file_writer){0};
	return error;
}

int file_replace(const char *path, const char *data, uint64_t n)
{
	struct file_writer w = {0};
	const int error = file_begin(&w, path);

	return error ? error : file_end(&w, file_add(&w, data, n));
}
