// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/hashmap.h"

#include <assert.h>
#include <stdlib.h>

static void put_in_table(struct hashmap *m, uint64_t key, uint32_t value)
{
	uint64_t i = hash_u64(key) & m->mask;

	while (m->keys[i] && m->keys[i] != key)
		i = (i + 1) & m->mask;
	if (!m->keys[i])
		m->n++;
	m->keys[i] = key;
	m->values[i] = value;
}

static bool grow(struct hashmap *m)
{
	uint64_t slots = m->keys ? (m->mask + 1) * 2 : 64;
	struct hashmap old = *m;
	struct hashmap bigger = {
		.keys = calloc(slots, sizeof(*bigger.keys)),
		.values = calloc(slots, sizeof(*bigger.values)),
		.mask = slots - 1,
	};

	if (!bigger.keys || !bigger.values) {
		hashmap_done(&bigger);
		return false;
	}
	for (uint64_t i = 0; m->keys && i <= m->mask; i++)
		if (m->keys[i])
			put_in_table(&bigger, m->keys[i], m->values[i]);
	*m = bigger;
	hashmap_done(&old);
	return true;
}

bool hashmap_put(struct hashmap *m, uint64_t key, uint32_t value)
{
	assert(key);
	if ((!m->keys || m->n * 2 > m->mask) && !grow(m))
		return false;
	put_in_table(m, key, value);
	return true;
}

void hashmap_done(struct hashmap *m)
{
	free(m->keys);
	free(m->values);
	*m = (struct hashmap){0};
}
