// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as an expression of `print`.
#include "command/expression.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1); // so that a read past the end is seen
	struct ccore_error err;
	struct expression e;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (expression_parse(text, &e, &err) == 0) {
		if (!e.steps.n || e.steps.data[e.steps.n - 1].end != strlen(text))
			abort();
		for (uint64_t i = 0; i < e.steps.n; i++)
			if ((e.steps.data[i].kind <= STEP_ADDRESS) != (i == 0))
				abort();
		expression_done(&e);
	}
	free(text);
	return 0;
}
