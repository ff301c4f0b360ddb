// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pictures, drawn by graphviz's dot in a process of its own. Runs inside gdb too: no signal
 * handler or mask of ours changes, and gdb may have reaped our child before we do.
 */
#include "render/render.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

extern char **environ;

#define READ_BYTES 65536u

static int start_dot(const char *type, int in, int out, pid_t *ret)
{
	char *const argv[] = {(char[]){"dot"}, (char *)type, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, dfl;
	int r;

	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	sigemptyset(&none);
	sigemptyset(&dfl);
	sigaddset(&dfl, SIGPIPE);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &dfl);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (!r) // its warnings are about fonts
		r = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY,
						     0);
	if (!r)
		r = posix_spawnp(ret, "dot", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

// Takes what `fd` has; false at its end.
static bool receive(int fd, struct strbuf *out)
{
	char buf[READ_BYTES];
	const ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		strbuf_add(out, buf, (uint64_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

// Writes and reads as dot is ready to, so that neither waits for the other. A socket takes
// the place of the pipe to it because send() can do without SIGPIPE.
static void converse(int to, int from, const struct strbuf *dot, struct strbuf *out)
{
	uint64_t sent = 0;
	bool open = true;

	while (open) {
		struct pollfd fds[2] = {
			{.fd = sent < dot->n ? to : -1, .events = POLLOUT},
			{.fd = from, .events = POLLIN},
		};

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents) {
			const ssize_t n = send(to, dot->data + sent, dot->n - sent,
					       MSG_NOSIGNAL | MSG_DONTWAIT);

			if (n > 0)
				sent += (uint64_t)n;
			else if (n < 0 && errno != EAGAIN && errno != EINTR)
				sent = dot->n; // it reads no more; what it says now is its answer
			if (sent == dot->n)
				(void)shutdown(to,
					       SHUT_WR); // fails only when the other end is gone
		}
		if (fds[1].revents)
			open = receive(from, out);
	}
}

static bool ended_well(pid_t pid)
{
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	// ECHILD: someone else took the status; whether there is a picture must tell.
	return r < 0 ? errno == ECHILD : WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int picture_draw(const struct strbuf *dot, const char *format, struct strbuf *out,
		 struct ccore_error *err)
{
	_cleanup_close_ int to = -1, from = -1;
	int sockets[2], pipes[2], r;
	const uint64_t before = out->n;
	pid_t pid;

	if (dot->failed)
		return err_nomem(err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_set(err, CCORE_EIO, 0, "cannot start graphviz: %s", strerror(errno));
	to = sockets[0];
	if (pipe2(pipes, O_CLOEXEC) < 0) {
		(void)close(sockets[1]); // nothing was written through it
		return err_set(err, CCORE_EIO, 0, "cannot start graphviz: %s", strerror(errno));
	}
	from = pipes[0];
	r = start_dot(!strcmp(format, "svg") ? "-Tsvg" : "-Tpng", sockets[1], pipes[1], &pid);
	(void)close(sockets[1]); // dot's ends are dot's alone, else there is no end of file
	(void)close(pipes[1]);
	if (r == ENOENT)
		return err_set(err, CCORE_EIO, 0,
			       "drawing %s needs graphviz's 'dot', which is not installed "
			       "(Debian: apt install graphviz); --format dot does without",
			       format);
	if (r)
		return err_set(err, CCORE_EIO, 0, "cannot start graphviz's dot: %s", strerror(r));
	converse(to, from, dot, out);
	if (!ended_well(pid) || out->n == before)
		return err_set(
			err, CCORE_EIO, 0,
			"graphviz's dot failed; --format dot gives what it was asked to draw");
	return 0;
}
