// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/unpack.h"

#include "util/checked.h"
#include "util/cleanup.h"
#include "util/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#define PIECE_BYTES (1u << 20)

struct unpacking {
	const struct compression *format;
	const struct file_map *packed;
	const char *dir;
	const struct progress *progress;
	int fd;
	uint64_t size;	  // so far
	uint64_t written; // of them, to the disk: the rest is zeros
	uint64_t room;	  // bytes of the disk that may be used
};

// A file that vanishes when it is closed, however we end. With O_EXCL it can get no name.
static int open_nameless(const char *dir, struct ccore_error *err)
{
	int fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	const int error = errno;
	char path[LIM_PATH_BYTES];

	// Some file systems know no O_TMPFILE; in a sandbox nothing else is allowed.
	if (fd < 0 && (error == EOPNOTSUPP || error == EISDIR) &&
	    snprintf(path, sizeof(path), "%s/necropy-XXXXXX", dir) < (int)sizeof(path)) {
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(path); // left behind at worst
		else if (errno == EPERM)
			errno = error;
	}
	if (fd < 0)
		return err_set(err, CCORE_EIO, 0,
			       "cannot make a temporary file in %s: %s; --tmp-dir chooses another",
			       dir, strerror(errno));
	return fd;
}

// A tenth of what is free stays free: others may need it.
static uint64_t room_in(int fd)
{
	struct statvfs v;

	if (fstatvfs(fd, &v) < 0)
		return UINT64_MAX;
	return (uint64_t)v.f_bavail * v.f_frsize / 10 * 9;
}

static bool is_zero(const uint8_t *p, uint64_t n)
{
	static const uint8_t zeros[PAGE_BYTES];

	return memcmp(p, zeros, n) == 0;
}

static int no_room(const struct unpacking *u, struct ccore_error *err)
{
	return err_set(err, CCORE_EIO, 0,
		       "decompressed, it needs more than the %llu MiB that can be used in %s; "
		       "--tmp-dir chooses another place",
		       (unsigned long long)(u->room >> 20), u->dir);
}

static int write_page(struct unpacking *u, const uint8_t *p, uint64_t n, struct ccore_error *err)
{
	if (n > u->room - u->written)
		return no_room(u, err);
	for (uint64_t done = 0; done < n;) {
		const ssize_t w = pwrite(u->fd, p + done, n - done, (off_t)(u->size + done));

		if (w < 0 && errno == ENOSPC)
			return no_room(u, err);
		if (w < 0 && errno != EINTR)
			return err_set(err, CCORE_EIO, 0, "cannot write to %s: %s", u->dir,
				       strerror(errno));
		done += w > 0 ? (uint64_t)w : 0;
	}
	u->written += n;
	return 0;
}

// Pages of zeros are not written: cores are full of them.
static int keep(struct unpacking *u, const uint8_t *p, uint64_t n, struct ccore_error *err)
{
	for (uint64_t at = 0; at < n;) {
		const uint64_t part = u64_min(PAGE_BYTES - u->size % PAGE_BYTES, n - at);

		if (!is_zero(p + at, part))
			TRY(write_page(u, p + at, part, err));
		u->size += part;
		at += part;
	}
	if (u->size > LIM_UNPACK_BYTES && u->size / LIM_UNPACK_RATIO > u->packed->size)
		return err_set(err, CCORE_EIO, 0,
			       "it is not decompressed further: more than %llu bytes, and %u times "
			       "the file's size",
			       (unsigned long long)LIM_UNPACK_BYTES, LIM_UNPACK_RATIO);
	return 0;
}

static int decode(struct unpacking *u, void *state, uint8_t *piece, const char **ret_ended,
		  struct ccore_error *err)
{
	uint64_t at = 0;

	for (;;) {
		const uint64_t before = at;
		const int64_t n = u->format->step(state, u->packed->data, u->packed->size, &at,
						  piece, PIECE_BYTES);

		if (n < 0) {
			*ret_ended = "is corrupt";
			return 0;
		}
		TRY(keep(u, piece, (uint64_t)n, err));
		if (n == 0 && at == before) {
			*ret_ended = u->format->is_at_end(state) ? NULL : "is cut off";
			return 0;
		}
		TRY(progress_report(u->progress, "decompressing", at, u->packed->size, err));
	}
}

static int map_result(const struct unpacking *u, struct file_map *ret, struct ccore_error *err)
{
	void *p = NULL;

	if (ftruncate(u->fd, (off_t)u->size) < 0)
		return err_set(err, CCORE_EIO, 0, "cannot write to %s: %s", u->dir,
			       strerror(errno));
	if (u->size) {
		p = mmap(NULL, u->size, PROT_READ, MAP_PRIVATE, u->fd, 0);
		if (p == MAP_FAILED)
			return err_set(err, CCORE_EIO, 0, "cannot map a file in %s: %s", u->dir,
				       strerror(errno));
	}
	*ret = (struct file_map){.data = p, .size = u->size};
	return 0;
}

static int decode_all(struct unpacking *u, const char **ret_ended, struct ccore_error *err)
{
	uint8_t *piece = malloc(PIECE_BYTES);
	void *state = piece ? u->format->open() : NULL;
	const int r = state ? decode(u, state, piece, ret_ended, err) : err_nomem(err);

	if (state)
		u->format->close(state);
	free(piece);
	return r;
}

int unpack(struct unpacked *ret, const struct compression *format, const struct file_map *packed,
	   const char *dir, const struct progress *progress, struct ccore_error *err)
{
	_cleanup_close_ int fd = open_nameless(dir, err);
	struct unpacking u = {
		.format = format,
		.packed = packed,
		.dir = dir,
		.progress = progress,
		.fd = fd,
	};
	const char *ended = NULL;

	if (fd < 0)
		return CCORE_EIO;
	u.room = room_in(fd);
	TRY(decode_all(&u, &ended, err));
	TRY(map_result(&u, &ret->file, err));
	ret->ended = ended;
	return 0;
}
