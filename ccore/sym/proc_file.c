// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/proc_file.h"

#include "util/cleanup.h"
#include "util/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool exists(int64_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%lld", (long long)pid);
	return access(path, F_OK) == 0;
}

int proc_no_memory(int64_t pid, struct ccore_error *err)
{
	return err_set(err, CCORE_EIO, 0,
		       "process %lld has no memory: it has ended, or is the kernel's own",
		       (long long)pid);
}

int proc_file_read(int64_t pid, const char *name, struct strbuf *ret, struct ccore_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[64], buf[16384];
	ssize_t n = -1;

	(void)snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0)
			break;
		strbuf_add(ret, buf, (uint64_t)n);
		if (ret->n > LIM_MAPS_BYTES)
			return err_set(err, CCORE_EIO, 0, "%s is longer than %u bytes", path,
				       LIM_MAPS_BYTES);
	}
	if (n == 0)
		return ret->failed ? err_nomem(err) : 0;
	if (!exists(pid))
		return err_set(err, CCORE_EIO, 0, "there is no process %lld", (long long)pid);
	if (errno == ENOENT || errno == ESRCH)
		return proc_no_memory(pid, err);
	return err_set(err, CCORE_EIO, 0, "cannot read %s: %s%s", path, strerror(errno),
		       errno == EACCES || errno == EPERM
			       ? " (be its owner or root, or have CAP_SYS_PTRACE)"
			       : "");
}
