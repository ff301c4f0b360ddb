// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as two saved /proc/PID/maps, one over the other: the lists stay in order.
#include "sym/mappings.h"

#include <assert.h>
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(const struct mapping_vec *v)
{
	for (uint64_t i = 0; i < v->n; i++) {
		assert(v->data[i].start < v->data[i].end);
		assert(i == 0 || v->data[i - 1].end <= v->data[i].start);
		assert(mappings_find(v, v->data[i].start) == &v->data[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	const size_t first = nul ? (size_t)(nul - data) : size;
	struct mapping_vec lower = {0}, upper = {0};
	struct arena arena = {0};

	if (maps_text_parse((const char *)data, first, &arena, &lower, NULL) == 0 &&
	    maps_text_parse((const char *)data + first, size - first, &arena, &upper, NULL) == 0 &&
	    mappings_overlay(&lower, &upper, NULL) == 0) {
		mappings_infer_shared(&lower);
		check_order(&lower);
	}
	vec_done(&lower);
	vec_done(&upper);
	arena_done(&arena);
	return 0;
}
