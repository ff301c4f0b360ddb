// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a compressed file: decoding ends, and gives no more than is allowed.
#include "mem/unpack.h"

#include <assert.h>
#include <stddef.h>

#define PIECE_BYTES 4096u
#define BYTES_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// As unpack() does it, without a file: the disk is not what is tested.
static void decode(const struct compression *format, const uint8_t *data, size_t size)
{
	uint8_t piece[PIECE_BYTES];
	uint64_t at = 0, total = 0;
	void *state = format->open();

	assert(state);
	while (total < BYTES_MAX) {
		const uint64_t before = at;
		const int64_t n = format->step(state, data, size, &at, piece, sizeof(piece));

		assert(n <= (int64_t)sizeof(piece) && at >= before && at <= size);
		if (n < 0 || (n == 0 && at == before))
			break;
		total += (uint64_t)n;
	}
	(void)format->is_at_end(state);
	format->close(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct compression *format = compression_of(data, size);

	if (format)
		decode(format, data, size);
	return 0;
}
