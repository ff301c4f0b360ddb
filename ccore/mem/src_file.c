// SPDX-License-Identifier: GPL-2.0-or-later
// Files, mapped: segments of an address space that lie in one.
#include "mem/src.h"
#include "util/checked.h"
#include "util/cleanup.h"
#include "util/parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

// Looks before it opens: opening a device can do things, and a core may name any path.
static int open_regular(const char *path, struct stat *st, struct ccore_error *err)
{
	int fd;

	if (stat(path, st) < 0)
		return err_set(err, CCORE_EIO, 0, "cannot open %s: %s", path, strerror(errno));
	if (S_ISDIR(st->st_mode))
		return err_set(err, CCORE_EIO, 0, "%s is a directory", path);
	if (S_ISFIFO(st->st_mode))
		return err_set(err, CCORE_EIO, 0,
			       "%s is a pipe: save what comes through it to a file first", path);
	if (!S_ISREG(st->st_mode))
		return err_set(err, CCORE_EIO, 0, "%s is not a regular file", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	(void)err_set(err, CCORE_EIO, 0, "cannot open %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd); // only opened
	return CCORE_EIO;
}

int file_map_open(const char *path, struct file_map *ret, struct stat *ret_st,
		  struct ccore_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	void *p = NULL;

	fd = open_regular(path, &st, err);
	if (fd < 0)
		return CCORE_EIO;
	if (st.st_size) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			return err_set(err, CCORE_EIO, 0, "cannot map %s: %s", path,
				       strerror(errno));
	}
	ret->data = p;
	ret->size = (uint64_t)st.st_size;
	if (ret_st)
		*ret_st = st;
	return 0;
}

#define PARALLEL_BYTES (64u << 20) // of which it is worth to start threads

static int forget_part(void *ctx, uint32_t i)
{
	const struct file_map *f = ctx;
	const uint64_t part = u64_align_down(f->size / parallel_processors(), 1u << 21);
	const uint64_t first = i * part;
	const uint64_t end = i + 1 == parallel_processors() ? f->size : first + part;

	if (end > first) // should it fail, munmap() has more to do
		(void)madvise((uint8_t *)f->data + first, end - first, MADV_DONTNEED);
	return 0;
}

// That millions of pages are mapped no more takes the kernel its time, and it can share the work.
void file_map_close(struct file_map *f)
{
	if (f->size > PARALLEL_BYTES)
		(void)parallel_run(parallel_processors(), forget_part, f); // 0 always
	if (f->data)
		(void)munmap((void *)f->data, f->size); // ours, so it cannot fail
	f->data = NULL;
	f->size = 0;
}

static void close_owned(void *ctx)
{
	file_map_close(ctx);
	free(ctx);
}

// No `read`: each of its segments has a base.
static const struct mem_source_ops file_ops = {"file", NULL, close_owned};

int file_map_own(struct mem *m, struct file_map f, struct ccore_error *err)
{
	struct file_map *own = malloc(sizeof(*own));
	struct mem_source *source;

	if (!own) {
		file_map_close(&f);
		return err_nomem(err);
	}
	*own = f;
	return mem_own_source(m, &file_ops, own, &source, err);
}
