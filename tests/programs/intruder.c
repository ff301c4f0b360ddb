// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Code that runs inside of an isolated reader, as if a core had taken it over: it tries what such
 * code would like to do, and says on standard error what it could. It is loaded in the place of
 * the emulator's library.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static void report(const char *what, int succeeded)
{
	(void)fprintf(stderr, "intruder: %s: %s\n", what, succeeded ? "DONE" : strerror(errno));
}

#define TRY_IT(what, call) (errno = 0, report(what, (long)(call) >= 0))

static int write_through(int fd)
{
	const int r = fd < 0 ? -1 : (int)write(fd, "x", 1);

	return r;
}

static void try_files(const char *dir)
{
	char path[512], other[512];

	(void)snprintf(path, sizeof(path), "%s/made", dir);
	(void)snprintf(other, sizeof(other), "%s/there", dir);
	TRY_IT("create", open(path, O_CREAT | O_RDONLY, 0600));
	TRY_IT("write", write_through(open(other, O_WRONLY)));
	TRY_IT("append", write_through(open(other, O_RDWR | O_APPEND)));
	TRY_IT("open for both", open(other, 3));
	TRY_IT("truncate by open", open(other, O_RDONLY | O_TRUNC));
	TRY_IT("truncate", truncate(other, 0));
	TRY_IT("unlink", unlink(other));
	TRY_IT("rename", rename(other, path));
	TRY_IT("link", link(other, path));
	TRY_IT("symlink", symlink(other, path));
	TRY_IT("mkdir", mkdir(path, 0700));
	TRY_IT("mknod", mknod(path, S_IFIFO | 0600, 0));
	TRY_IT("chmod", chmod(other, 0777));
	TRY_IT("chown", chown(other, 1, 1));
	TRY_IT("nameless file that can get a name",
	       open("/var/tmp", O_TMPFILE | O_RDWR, 0600));
	TRY_IT("openat2", syscall(437, AT_FDCWD, other, (char[24]){2}, 24));
	TRY_IT("io_uring", syscall(425, 1, (char[120]){0}));
	TRY_IT("memfd", syscall(319, "x", 0));
}

static void try_processes(void)
{
	pid_t pid;

	TRY_IT("inet socket", socket(AF_INET, SOCK_STREAM, 0));
	TRY_IT("unix socket", socket(AF_UNIX, SOCK_STREAM, 0));
	TRY_IT("netlink socket", socket(AF_NETLINK, SOCK_RAW, 0));
	TRY_IT("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
	errno = 0;
	pid = fork();
	if (pid == 0)
		_exit(0);
	report("fork", pid > 0);
	errno = 0;
	pid = vfork();
	if (pid == 0)
		_exit(0);
	report("vfork", pid > 0);
}

// What would do harm if it could be done.
static void try_harm(void)
{
	const struct rlimit limit = {1 << 20, 1 << 20};
	char own[8], theirs[8];
	struct iovec local = {own, 8}, remote = {theirs, 8};

	TRY_IT("kill the parent", kill(getppid(), SIGTERM));
	TRY_IT("kill all", syscall(__NR_kill, -1, 0));
	TRY_IT("trace the parent", ptrace(PTRACE_SEIZE, getppid(), 0, 0));
	TRY_IT("read the parent", process_vm_readv(getppid(), &local, 1, &remote, 1, 0));
	TRY_IT("type into the terminal", syscall(__NR_ioctl, 0, 0x5412, "x"));
	TRY_IT("set a limit", setrlimit(RLIMIT_NOFILE, &limit));
	TRY_IT("mount", syscall(__NR_mount, "none", "/mnt", "tmpfs", 0, NULL));
	TRY_IT("namespace", syscall(__NR_unshare, 0x10000000));
	TRY_IT("execute", execl("/bin/true", "true", (char *)NULL));
}

__attribute__((constructor)) static void intrude(void)
{
	const char *dir = getenv("INTRUDER_DIR"), *crash = getenv("INTRUDER_CRASH");
	char path[512], byte;
	int fd;

	if (crash && !strcmp(crash, "SEGV"))
		*(volatile int *)8 = 1;
	if (crash && !strcmp(crash, "ABRT"))
		abort();
	if (crash && !strcmp(crash, "KILL"))
		(void)raise(SIGKILL);
	if (crash && !strcmp(crash, "exit"))
		_exit(99);
	if (crash && !strcmp(crash, "title")) {
		(void)fprintf(stdout, "\033]0;forged\007 \033[31mred\033[m \302\233 \302\265\n");
		(void)fflush(stdout);
		return;
	}
	if (!dir)
		return;
	try_files(dir);
	try_processes();
	if (!getenv("INTRUDER_IS_TAME"))
		try_harm();
	(void)snprintf(path, sizeof(path), "%s/there", dir);
	fd = open(path, O_RDONLY);
	(void)fprintf(stderr, "intruder: reads: %s\n",
		      fd >= 0 && read(fd, &byte, 1) == 1 ? "DONE" : strerror(errno));
}
