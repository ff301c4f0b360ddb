// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/proc_words.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int proc_words_open(struct proc_words *w, int mem_fd, struct ccore_error *err)
{
	w->fd = fcntl(mem_fd, F_DUPFD_CLOEXEC, 0);
	return w->fd >= 0 ? 0
			  : err_set(err, CCORE_EIO, 0, "cannot keep the process's memory open: %s",
				    strerror(errno));
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
