// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hashmap: nonzero u64 -> u32, open addressing. Used for addresses of types, modules and
 * the like; the objects themselves are found through heap/addrset.h.
 */
#ifndef NECROPY_HASHMAP_H
#define NECROPY_HASHMAP_H

#include <stdbool.h>
#include <stdint.h>

/** Zeroed, it is an empty map. */
struct hashmap {
	uint64_t *keys; // 0 marks an empty slot
	uint32_t *values;
	uint64_t n, mask;
};

static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ull;
	return x ^ (x >> 29);
}

/** The value of `key` in `*ret`, or false. */
static inline bool hashmap_get(const struct hashmap *m, uint64_t key, uint32_t *ret)
{
	uint64_t i;

	if (!m->n || !key)
		return false;
	for (i = hash_u64(key) & m->mask; m->keys[i]; i = (i + 1) & m->mask) {
		if (m->keys[i] == key) {
			*ret = m->values[i];
			return true;
		}
	}
	return false;
}

/** Set `key` (not 0) to `value`; false when memory is out. */
bool hashmap_put(struct hashmap *m, uint64_t key, uint32_t value);

void hashmap_done(struct hashmap *m);

#endif
