// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * block: whether a block of memory that an allocator has given out holds an object. The
 * allocator does not know; what is in the block must prove it:
 *
 *   - at the place of ob_type, after the prefix that this type's objects have (GC head, words
 *     of a managed dict), stands the address of a type
 *   - ob_refcnt is a number that a refcount can be, and no address of an object, as it would be
 *     in an array of references
 *   - the block is of the size that CPython would have asked for
 *
 * The debug allocator puts a header of its own before what was asked for, and pads it with
 * bytes that nothing else has: its blocks are known by that, one by one.
 */
#ifndef NECROPY_BLOCK_H
#define NECROPY_BLOCK_H

#include "py/families.h"

#define BLOCK_PREFIXES 4u

/** How objects may lie in blocks of this CPython. */
struct block_rules {
	uint32_t prefixes[BLOCK_PREFIXES]; // the likely ones first
	uint32_t prefix_n;
	uint32_t header_n; // PyObject's, and where it has its type
	uint32_t type_off;
	uint32_t refcount_off;
	uint64_t refcount_max; // of what is not immortal: each reference takes 8 bytes, too
	bool plain; // the refcount is all that is to be told from the header's other words
};

#define BLOCK_VIEW 256u

// More references than this take 32 GiB; what immortal objects count is below it, and text and
// addresses of shared libraries are not.
#define REFCOUNT_MAX (1ull << 32)

/** Whether `n` is a refcount, and can be no address. */
static inline bool refcount_is_ordinary(uint64_t n)
{
	return n && n < REFCOUNT_MAX && (n < 4096 || n % 8);
}

/** A block in use: `size` bytes at `addr`. */
struct block {
	addr_t addr;
	const uint8_t *p; // the first BLOCK_VIEW bytes of it, or all
	uint64_t size;
	uint64_t slack; // by which it may be larger than what was asked for, rounded up to 16
};

enum block_kind {
	BLOCK_OTHER,  // no object, or none that can be proved
	BLOCK_OBJECT, // a live object
	BLOCK_DEAD    // an object whose refcount is 0: kept for reuse, or about to be freed
};

void block_rules_init(struct block_rules *ret, const struct py *py);

/** What `b` holds; of an object *ret and *ret_type are set. A debug header is cut off `b`. */
enum block_kind block_classify(struct py_reader *r, const struct block_rules *rules,
			       struct block *b, addr_t *ret, const struct py_type **ret_type);

#define BLOCK_DEBUG_HEAD 16u // size, big-endian; 'o', 'm' or 'r'; seven bytes of padding

/** Whether the block at `p` begins with a header of the debug allocator, Objects/obmalloc.c. */
static inline bool block_has_debug_header(const uint8_t *p, uint64_t size)
{
	const uint64_t word = size >= BLOCK_DEBUG_HEAD + 8 ? load_u64(p + 8) : 0;

	return word >> 8 == 0xfdfdfdfdfdfdfd || word >> 8 == 0xfbfbfbfbfbfbfb;
}

/** Whether ob_size counts what the block has room for; basicsize may count one item, too. */
bool block_counts_items(const struct py_type *t);

/** Whether the items of tuple `addr` are objects, or not yet set. */
bool tuple_is_sound(struct py_reader *r, addr_t addr);

/** Whether the type at `type` has references. */
bool type_is_alive(struct py_reader *r, addr_t type);

/**
 * The refcount in the header at `p`; 0 also when the header of no object looks so, that is in a
 * module's data or in memory of an allocator which does not know what is an object.
 */
uint64_t header_plausible_refcount(const struct layout *l, const uint8_t *p);

/** Whether `n` may be an ob_refcnt: no more than memory has room for, and no address. */
bool refcount_is_plausible(struct py_reader *r, uint64_t n);

#endif
