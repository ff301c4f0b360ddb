// SPDX-License-Identifier: GPL-2.0-or-later
// A file given with --layout: any bytes are a layout that is valid, or an error.
#include "layout/companions.h"
#include "layout/layout_text.h"
#include "layout/validate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct layout l;
	uint8_t build_id[LIM_BUILD_ID_BYTES];
	uint32_t build_id_n;
	struct ccore_error err;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (layout_text_read(text, size, &l, build_id, &build_id_n, &err) == 0) {
		companions_drop(&l);
		(void)validate_fields(&l, &err); // it may be wrong, or not
	}
	free(text);
	return 0;
}
