// SPDX-License-Identifier: GPL-2.0-or-later
// Cleanup attributes: a local marked with one is released on every way out of its scope.
#ifndef NECROPY_CLEANUP_H
#define NECROPY_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); // nothing was written through it
}

#define _cleanup_free_ _cleanup_(cleanup_freep)
#define _cleanup_close_ _cleanup_(cleanup_closep)

#endif
