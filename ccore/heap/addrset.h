// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * addrset: a set of 8-aligned addresses below 2^47, that afterwards numbers its members in
 * address order. One bit for 8 bytes of the target, in chunks made as needed: some 3 % of
 * the memory that objects lie in, and one cache line for a test.
 *
 * Adding is safe from several threads. addrset_number() ends the adding; after it ids are
 * dense from 0, and sorted like the addresses.
 */
#ifndef NECROPY_ADDRSET_H
#define NECROPY_ADDRSET_H

#include "util/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define ADDRSET_CHUNK_SHIFT 20u // bytes of the target in a chunk, as a power of two
#define ADDRSET_SLOT_SHIFT 9u	// and in a slot: a bit for 8 bytes
#define ADDRSET_SLOTS (1u << (ADDRSET_CHUNK_SHIFT - ADDRSET_SLOT_SHIFT))
#define ADDRSET_BITS 47u
#define ADDRSET_INNER_SHIFT 13u
#define ADDRSET_INNER (1u << ADDRSET_INNER_SHIFT)
#define ADDRSET_OUTER (1u << (ADDRSET_BITS - ADDRSET_CHUNK_SHIFT - ADDRSET_INNER_SHIFT))

/** 64 possible addresses: which are members, and the id of the first that is. */
struct addrset_slot {
	_Atomic uint64_t bits;
	uint64_t first_id;
};

struct addrset_chunk {
	struct addrset_slot slots[ADDRSET_SLOTS];
};

struct addrset_inner {
	struct addrset_chunk *_Atomic chunks[ADDRSET_INNER];
};

struct addrset {
	struct addrset_inner *_Atomic *outer; // ADDRSET_OUTER of them
	pthread_mutex_t lock;		      // for making chunks
	uint64_t bytes;			      // of the chunks, and of the tables that lead to them
	uint64_t n;			      // members, after addrset_number()
	uint64_t max_bytes;		      // addrset_add() fails beyond
};

/** An empty set that may take `max_bytes`. CCORE_ENOMEM. */
int addrset_init(struct addrset *s, uint64_t max_bytes, struct ccore_error *err);
void addrset_done(struct addrset *s);

/** The slot of `addr`, or NULL when its chunk was never made. */
static inline struct addrset_slot *addrset_slot(const struct addrset *s, addr_t addr)
{
	struct addrset_inner *inner;
	struct addrset_chunk *chunk;

	if (addr >> ADDRSET_BITS || addr % 8)
		return NULL;
	inner = atomic_load_explicit(&s->outer[addr >> (ADDRSET_CHUNK_SHIFT + ADDRSET_INNER_SHIFT)],
				     memory_order_acquire);
	if (!inner)
		return NULL;
	chunk = atomic_load_explicit(
		&inner->chunks[addr >> ADDRSET_CHUNK_SHIFT & (ADDRSET_INNER - 1)],
		memory_order_acquire);
	return chunk ? &chunk->slots[addr >> ADDRSET_SLOT_SHIFT & (ADDRSET_SLOTS - 1)] : NULL;
}

static inline bool addrset_has(const struct addrset *s, addr_t addr)
{
	const struct addrset_slot *slot = addrset_slot(s, addr);

	return slot &&
	       atomic_load_explicit(&slot->bits, memory_order_relaxed) >> (addr >> 3 & 63) & 1;
}

/** The bit that stands for `addr` in its slot. */
static inline uint64_t addrset_bit(addr_t addr)
{
	return 1ull << (addr >> 3 & 63);
}

/**
 * Add those of the slot of `addr` that `bits` say; *ret_new are the new ones. 0, also when `addr`
 * cannot be a member, or CCORE_ENOMEM.
 */
int addrset_add_bits(struct addrset *s, addr_t addr, uint64_t bits, uint64_t *ret_new);

/** 1 when `addr` is new, 0 when it was there or cannot be a member, else CCORE_ENOMEM. */
int addrset_add(struct addrset *s, addr_t addr);

/** Give every member its id. Not while others add. */
void addrset_number(struct addrset *s);

/** The id of `addr`, or false when it is no member. After addrset_number(). */
static inline bool addrset_id(const struct addrset *s, addr_t addr, uint32_t *ret)
{
	const struct addrset_slot *slot = addrset_slot(s, addr);
	const unsigned bit = addr >> 3 & 63;
	uint64_t bits;

	if (!slot)
		return false;
	bits = atomic_load_explicit(&slot->bits, memory_order_relaxed);
	if (!(bits >> bit & 1))
		return false;
	*ret = (uint32_t)(slot->first_id +
			  (uint64_t)__builtin_popcountll(bits & ((1ull << bit) - 1)));
	return true;
}

/** Call `fn` for every chunk in address order; `first` is the address of its first bit. */
int addrset_each_chunk(const struct addrset *s,
		       int (*fn)(void *ctx, addr_t first, const struct addrset_chunk *chunk),
		       void *ctx);

#endif
