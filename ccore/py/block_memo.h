// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * block_memo: what block_classify() found in blocks of the same shape: the same type, block size,
 * and words that the size of an object depends on. A heap of millions of objects has some hundred
 * shapes. Only for rules that are `plain`.
 */
#ifndef NECROPY_BLOCK_MEMO_H
#define NECROPY_BLOCK_MEMO_H

#include "py/block.h"

#define BLOCK_MEMO_TYPES 64u
#define BLOCK_MEMO_SHAPES 512u
#define BLOCK_MEMO_WORDS 3u

/**
 * The words of an object, besides its type, that say whether it fits its block and how large it is.
 */
struct block_memo_type {
	addr_t addr; // 0: none
	uint32_t at[BLOCK_MEMO_WORDS];
	uint64_t mask[BLOCK_MEMO_WORDS]; // of the word there; 0: not asked for
	uint32_t read_n;		 // bytes of the object up to the last of them
};

struct block_shape {
	addr_t type_addr;
	uint64_t words[BLOCK_MEMO_WORDS];
	uint32_t block_bytes, prefix;
	const struct py_type *type;
	uint64_t size; // as py_sizeof() has it, and certain; 0: it must be asked
	uint64_t n;    // how many had it: the caller's
};

struct block_memo {
	struct block_memo_type types[BLOCK_MEMO_TYPES];
	struct block_shape shapes[BLOCK_MEMO_SHAPES];
	// What was found last, which neighbours often have; NULL: nothing.
	const struct block_memo_type *last_type;
	struct block_shape *last;
};

#define BLOCK_MEMO_MIX 0x9e3779b97f4a7c15ull // 2^64 / golden ratio: spreads what is similar

static inline uint32_t block_memo_type_slot(addr_t type)
{
	return (uint32_t)(type * BLOCK_MEMO_MIX >> 58) % BLOCK_MEMO_TYPES;
}

static inline uint32_t block_memo_shape_slot(addr_t type, uint64_t size,
					     const uint64_t words[BLOCK_MEMO_WORDS])
{
	const uint64_t x = type ^ size << 40 ^ words[0] << 24 ^ words[1] << 52;

	return (uint32_t)(x * BLOCK_MEMO_MIX >> 55) % BLOCK_MEMO_SHAPES;
}

static inline bool block_memo_has_words(const struct block_memo_type *t, const uint8_t *object,
					const struct block_shape *s)
{
	return (load_u64(object + t->at[0]) & t->mask[0]) == s->words[0] &&
	       (load_u64(object + t->at[1]) & t->mask[1]) == s->words[1] &&
	       (load_u64(object + t->at[2]) & t->mask[2]) == s->words[2];
}

// A word that is not asked for is loaded from the object's head, and dropped.
static inline void block_memo_words(const struct block_memo_type *t, const uint8_t *object,
				    uint64_t ret[BLOCK_MEMO_WORDS])
{
	ret[0] = load_u64(object + t->at[0]) & t->mask[0];
	ret[1] = load_u64(object + t->at[1]) & t->mask[1];
	ret[2] = load_u64(object + t->at[2]) & t->mask[2];
}

/**
 * The shape of the object in the block of `size` bytes at `p`, or NULL: block_classify() is to say.
 */
static inline struct block_shape *block_recall(struct block_memo *m,
					       const struct block_rules *rules, const uint8_t *p,
					       uint32_t size)
{
	const struct block_memo_type *t;
	struct block_shape *s;
	uint64_t refcount, words[BLOCK_MEMO_WORDS];
	uint32_t prefix = 0;
	addr_t type;

	if (size < rules->header_n)
		return NULL;
	refcount = load_u64(p + rules->refcount_off);
	if (!refcount || refcount >= REFCOUNT_MAX) { // no object of its own: perhaps a GC head
		prefix = rules->prefixes[1];
		if (size < prefix + rules->header_n || block_has_debug_header(p, size))
			return NULL;
		refcount = load_u64(p + prefix + rules->refcount_off);
	}
	if (!refcount_is_ordinary(refcount) || refcount > rules->refcount_max)
		return NULL;
	type = load_u64(p + prefix + rules->type_off);
	s = m->last;
	if (s && s->type_addr == type && s->block_bytes == size && s->prefix == prefix &&
	    block_memo_has_words(m->last_type, p + prefix, s))
		return s;
	t = &m->types[block_memo_type_slot(type)];
	if (t->addr != type || size - prefix < t->read_n)
		return NULL;
	block_memo_words(t, p + prefix, words);
	s = &m->shapes[block_memo_shape_slot(type, size, words)];
	if (!s->type || s->type_addr != type || s->block_bytes != size || s->prefix != prefix ||
	    s->words[0] != words[0] || s->words[1] != words[1] || s->words[2] != words[2])
		return NULL;
	m->last = s;
	m->last_type = t;
	return s;
}

/**
 * Remember that `b` holds an object of `type` after `prefix` bytes. *ret is the shape that is
 * forgotten for it, if its type is not NULL.
 */
void block_remember(struct block_memo *m, struct py_reader *r, const struct block_rules *rules,
		    const struct block *b, uint32_t prefix, const struct py_type *type,
		    struct block_shape *ret);

#endif
