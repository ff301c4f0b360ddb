// SPDX-License-Identifier: GPL-2.0-or-later
// Files of ours that appear whole, or not at all.
#ifndef NECROPY_FILE_H
#define NECROPY_FILE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Make `n` bytes at `data` the contents of the file at `path`, by way of a temporary file
 * beside it. Only its owner may read it: it says what was in a process's memory. What is no plain
 * file, such as /dev/null, is written to and not replaced. Returns 0, or a negative errno, and
 * then nothing is left behind.
 */
int file_replace(const char *path, const char *data, uint64_t n);

/** The same, of contents that come in pieces. Zeroed, it is none. */
struct file_writer {
	int fd;		 // 0: none
	char *temporary; // NULL: it is written to itself
	char *path;
};

int file_begin(struct file_writer *w, const char *path);

/** Returns 0, or a negative errno; file_end() is needed in any case. */
int file_add(struct file_writer *w, const char *data, uint64_t n);

/** Give the file its name when `error` is 0, else remove it. Returns `error`, or a new one. */
int file_end(struct file_writer *w, int error);

#endif
