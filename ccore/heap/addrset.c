// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/addrset.h"

#include "util/checked.h"

#include <stdlib.h>
#include <string.h>

int addrset_init(struct addrset *s, uint64_t max_bytes, struct ccore_error *err)
{
	*s = (struct addrset){.max_bytes = max_bytes};
	s->outer = calloc(ADDRSET_OUTER, sizeof(*s->outer));
	if (!s->outer || pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s->outer);
		s->outer = NULL;
		return err_nomem(err);
	}
	return 0;
}

void addrset_done(struct addrset *s)
{
	if (!s->outer)
		return;
	for (uint64_t i = 0; i < ADDRSET_OUTER; i++) {
		struct addrset_inner *inner = s->outer[i];

		for (uint64_t k = 0; inner && k < ADDRSET_INNER; k++)
			free(inner->chunks[k]);
		free(inner);
	}
	free(s->outer);
	s->outer = NULL;
	pthread_mutex_destroy(&s->lock);
}

// Zeroed memory, within what the set may use. It is written to here: pages that are read first, as
// calloc()'s may be, are made anew when they are written to, which interrupts all other threads.
// And the compiler makes calloc() of malloc() and memset().
static void *take(struct addrset *s, uint64_t size)
{
	void *p = size <= s->max_bytes - u64_min(s->bytes, s->max_bytes) ? aligned_alloc(64, size)
									 : NULL;

	if (!p)
		return NULL;
	s->bytes += size;
	return memset(p, 0, size);
}

// Under the lock.
static bool make_chunk_locked(struct addrset *s, addr_t addr)
{
	struct addrset_inner *_Atomic *at =
		&s->outer[addr >> (ADDRSET_CHUNK_SHIFT + ADDRSET_INNER_SHIFT)];
	struct addrset_inner *inner = atomic_load(at);
	struct addrset_chunk *_Atomic *chunk_at;
	struct addrset_chunk *chunk;

	if (!inner) {
		inner = take(s, sizeof(*inner));
		if (!inner)
			return false;
		atomic_store_explicit(at, inner, memory_order_release);
	}
	chunk_at = &inner->chunks[addr >> ADDRSET_CHUNK_SHIFT & (ADDRSET_INNER - 1)];
	if (atomic_load(chunk_at))
		return true;
	chunk = take(s, sizeof(*chunk));
	if (!chunk)
		return false;
	atomic_store_explicit(chunk_at, chunk, memory_order_release);
	return true;
}

int addrset_add_bits(struct addrset *s, addr_t addr, uint64_t bits, uint64_t *ret_new)
{
	struct addrset_slot *slot;

	*ret_new = 0;
	if (addr >> ADDRSET_BITS || addr % 8)
		return 0;
	slot = addrset_slot(s, addr);
	if (!slot) {
		bool ok;

		pthread_mutex_lock(&s->lock);
		ok = make_chunk_locked(s, addr);
		pthread_mutex_unlock(&s->lock);
		if (!ok)
			return CCORE_ENOMEM;
		slot = addrset_slot(s, addr);
	}
	*ret_new = bits & ~atomic_fetch_or_explicit(&slot->bits, bits, memory_order_relaxed);
	return 0;
}

int addrset_add(struct addrset *s, addr_t addr)
{
	uint64_t fresh;

	TRY(addrset_add_bits(s, addr, addrset_bit(addr), &fresh));
	return fresh != 0;
}

int addrset_each_chunk(const struct addrset *s,
		       int (*fn)(void *ctx, addr_t first, const struct addrset_chunk *chunk),
		       void *ctx)
{
	for (uint64_t i = 0; i < ADDRSET_OUTER; i++) {
		const struct addrset_inner *inner = s->outer[i];

		for (uint64_t k = 0; inner && k < ADDRSET_INNER; k++) {
			const addr_t first = ((i << ADDRSET_INNER_SHIFT) + k)
					     << ADDRSET_CHUNK_SHIFT;

			if (inner->chunks[k])
				TRY(fn(ctx, first, inner->chunks[k]));
		}
	}
	return 0;
}

static int number_chunk(void *ctx, addr_t first, const struct addrset_chunk *chunk)
{
	// The chunks are ours: const only for those who walk them.
	struct addrset_chunk *mine = (struct addrset_chunk *)(uintptr_t)chunk;
	struct addrset *s = ctx;

	(void)first; // ids follow the order of the walk
	for (unsigned i = 0; i < ADDRSET_SLOTS; i++) {
		mine->slots[i].first_id = s->n;
		s->n += (uint64_t)__builtin_popcountll(mine->slots[i].bits);
	}
	return 0;
}

void addrset_number(struct addrset *s)
{
	s->n = 0;
	(void)addrset_each_chunk(s, number_chunk, s); // number_chunk cannot fail
}
