// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a line table of each kind: the first byte chooses it, two more are the offset.
#include "py/line_table.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct code_position at;
	struct line_table t;
	uint8_t *copy;

	if (size < 3)
		return 0;
	copy = malloc(size - 2); // so that a read past the end is seen
	if (!copy)
		return 0;
	memcpy(copy, data + 3, size - 3);
	t = (struct line_table){
		.kind = (enum line_table_kind)(data[0] % 4),
		.data = copy,
		.n = size - 3,
		.first_line = data[0] & 0x80 ? INT32_MAX : 1,
	};
	if (line_table_find(&t, data[1] | data[2] << 8, &at) && (at.line < -1 || at.column < -1))
		abort();
	free(copy);
	return 0;
}
