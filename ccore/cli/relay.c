// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/relay.h"

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536

enum { ANSWER, MESSAGES };

static int failed(struct ccore_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int failed(struct ccore_error *err, const char *fmt, ...)
{
	va_list ap;

	err->code = CCORE_EIO;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap); // cut text is still a sentence
	va_end(ap);
	return CCORE_EIO;
}

// -- terminals

// Whether `s` begins a character or sequence that terminals act upon; `*ret_whole`: is all of it.
static bool is_special(const char *s, unsigned n, bool *ret_whole)
{
	const unsigned char last = (unsigned char)s[n - 1];

	*ret_whole = false;
	if (s[0] == '\033') {
		if (n <= 2)
			return n == 1 || last == '[';
		*ret_whole = last == 'm' || last == 'K';
		return *ret_whole || (last >= '0' && last <= '9') || last == ';';
	}
	if ((unsigned char)s[0] == 0xc2) { // U+0080 to U+009f are controls as well
		*ret_whole = n == 2 && last >= 0xa0;
		return n == 1 || *ret_whole;
	}
	*ret_whole = last >= ' ' ? last != 0x7f : strchr("\n\r\t", last) && last;
	return *ret_whole;
}

// Of `n` bytes those that may go to a terminal; `ret` has room for n + sizeof(f->sequence).
static size_t filter_bytes(struct terminal_filter *f, const char *data, size_t n, char *ret)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		bool whole = false, known;

		f->sequence[f->n++] = data[i];
		known = is_special(f->sequence, f->n, &whole);
		if (!known || (!whole && f->n == sizeof(f->sequence))) {
			ret[out++] = '?';
			f->n = 0;
		} else if (whole) {
			memcpy(ret + out, f->sequence, f->n);
			out += f->n;
			f->n = 0;
		}
	}
	return out;
}

// -- to where it goes

static int write_file(const struct relay *r, const char *data, size_t n, struct ccore_error *err)
{
	while (n) {
		const ssize_t written = write(r->fd, data, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return failed(err, "cannot write %.200s: %s", r->path, strerror(errno));
		data += written;
		n -= (size_t)written;
	}
	return 0;
}

static int pass_on(struct relay *r, int which, const char *data, size_t n, struct ccore_error *err)
{
	char shown[PIECE_BYTES + sizeof(r->filter[0].sequence)];

	if (which == ANSWER && r->path)
		return write_file(r, data, n, err);
	if (r->to_terminal[which]) {
		n = filter_bytes(&r->filter[which], data, n, shown);
		data = shown;
	}
	// Whether standard output takes it is looked at in the end; of messages no one is told.
	(void)fwrite(data, 1, n, which == ANSWER ? stdout : stderr);
	return 0;
}

// 1: there may be more; 0: it has ended.
static int receive(struct relay *r, int which, int fd, struct ccore_error *err)
{
	char piece[PIECE_BYTES];
	const ssize_t n = read(fd, piece, sizeof(piece));
	int status;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return 0;
	status = pass_on(r, which, piece, (size_t)n, err);
	return status < 0 ? status : 1;
}

int relay_run(struct relay *r, int out, int err_fd, pid_t child, struct ccore_error *err)
{
	struct pollfd fds[2] = {{.fd = out, .events = POLLIN}, {.fd = err_fd, .events = POLLIN}};
	bool told = false;

	while (fds[ANSWER].fd >= 0 || fds[MESSAGES].fd >= 0) {
		if (interrupt_caught() && !told) {
			told = true;
			(void)kill(child, SIGINT); // it may have ended
		}
		if (poll(fds, 2, -1) < 0) {
			if (errno != EINTR)
				return failed(err, "cannot wait for the isolated reader: %s",
					      strerror(errno));
			continue;
		}
		for (int i = 0; i < 2; i++) {
			const int status = fds[i].revents ? receive(r, i, fds[i].fd, err) : 1;

			if (status < 0)
				return status;
			if (status == 0)
				fds[i].fd = -1;
		}
	}
	return 0;
}

// -- the file

// What is no plain file, such as /dev/null, is written to and not replaced.
static bool is_replaced(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

int relay_begin(struct relay *r, const char *path, struct ccore_error *err)
{
	*r = (struct relay){
		.path = path,
		.fd = -1,
		.to_terminal = {isatty(STDOUT_FILENO), isatty(STDERR_FILENO)},
	};
	if (!path)
		return 0;
	if (!is_replaced(path)) {
		r->fd = open(path, O_WRONLY | O_CLOEXEC);
	} else if (asprintf(&r->temporary, "%s.XXXXXX", path) < 0) {
		r->temporary = NULL;
		return failed(err, "out of memory");
	} else {
		r->fd = mkostemp(r->temporary, O_CLOEXEC); // for its owner only
	}
	if (r->fd >= 0)
		return 0;
	free(r->temporary);
	r->temporary = NULL;
	return failed(err, "cannot write %.200s: %s", path, strerror(errno));
}

int relay_end(struct relay *r, bool whole, struct ccore_error *err)
{
	int status = 0;

	if (r->fd >= 0 && close(r->fd) < 0)
		status = failed(err, "cannot write %.200s: %s", r->path, strerror(errno));
	if (r->temporary && whole && status == 0 && rename(r->temporary, r->path) < 0)
		status = failed(err, "cannot write %.200s: %s", r->path, strerror(errno));
	if (r->temporary && (!whole || status < 0))
		(void)unlink(r->temporary); // left behind at worst
	free(r->temporary);
	*r = (struct relay){.fd = -1};
	return status;
}
