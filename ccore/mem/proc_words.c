// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/proc_words.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int proc_words_open(struct proc_words *w, int64_t pid, struct ccore_error *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%lld/mem", (long long)pid); // fits
	w->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (w->fd >= 0)
		return 0;
	return err_set(
		err, CCORE_EIO, 0, "cannot read %s: %s%s", path, strerror(errno),
		errno == EACCES || errno == EPERM
			? " (be its owner or root; CAP_SYS_PTRACE is needed in containers, and "
			  "/proc/sys/kernel/yama/ptrace_scope may forbid it)"
			: "");
}

void proc_words_close(struct proc_words *w)
{
	if (w->fd >= 0)
		(void)close(w->fd); // only read
	w->fd = -1;
}

bool proc_words_read(const struct proc_words *w, addr_t addr, unsigned size, uint64_t *ret)
{
	uint64_t x = 0;

	assert(size == 4 || size == 8);
	if (addr > INT64_MAX || pread(w->fd, &x, size, (off_t)addr) != (ssize_t)size)
		return false;
	*ret = x;
	return true;
}
