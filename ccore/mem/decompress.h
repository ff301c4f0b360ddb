// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Streams of compressed bytes: zstd, xz, gzip and lz4, by the libraries of those names. Knows
 * nothing of what is in them.
 */
#ifndef NECROPY_DECOMPRESS_H
#define NECROPY_DECOMPRESS_H

#include "util/error.h"

#include <stdbool.h>

/** A compressed format, found by the first bytes of a file. */
struct compression {
	const char *name; // "zstd"
	const char *magic;
	uint32_t magic_n;
	// Make a decoder; NULL: memory is out.
	void *(*open)(void);
	/*
	 * Decode some of in[*in_at .. in_n) into out[0 .. out_n): advances *in_at, and returns how
	 * many bytes of `out` it has filled; negative when the stream is corrupt. 0 without any
	 * input taken: it wants more than there is.
	 */
	int64_t (*step)(void *state, const uint8_t *in, uint64_t in_n, uint64_t *in_at,
			uint8_t *out, uint64_t out_n);
	// Whether the stream ends here as it should.
	bool (*is_at_end)(const void *state);
	void (*close)(void *state);
};

/** The format that a file which begins with `data` has, or NULL. */
const struct compression *compression_of(const uint8_t *data, uint64_t size);

#endif
