// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/chunk_owners.h"

#include "heap/sweep.h"
#include "sym/mappings.h"

#include <stdlib.h>

#define PIECE 4096u // bytes looked at, at once

// -- registering

static bool is_debug_head(uint64_t word)
{
	return word >> 8 == 0xfdfdfdfdfdfdfd || word >> 8 == 0xfbfbfbfbfbfbfb;
}

// What a pointer to the chunk points to: behind the heads of the debug allocator.
static addr_t user_address(struct chunk_owners *o, const struct malloc_chunk *c)
{
	addr_t at = c->addr;
	uint64_t word;

	// The debug allocator may come twice.
	for (unsigned i = 0; i < 2 && c->size >= 3 * BLOCK_DEBUG_HEAD; i++) {
		if (mem_read_u64(o->h->py.mem, at + 8, &word) < 0 || !is_debug_head(word))
			break;
		at += BLOCK_DEBUG_HEAD;
	}
	return at;
}

static int take_chunk(void *ctx, const struct malloc_chunk *c)
{
	struct chunk_owners *o = ctx;
	const uint64_t mapped = c->state == CHUNK_MMAPPED ? CHUNK_MAPPED : 0;
	int added;

	if (c->state != CHUNK_USED && c->state != CHUNK_MMAPPED)
		return 0;
	added = addrset_add(&o->chunks, user_address(o, c));
	if (added > 0 && !vec_push(&o->bytes, malloc_chunk_bytes(c) | mapped))
		return CCORE_ENOMEM;
	return added < 0 ? added : 0;
}

int chunk_owners_init(struct chunk_owners *ret, struct heap *h, const struct glibc_malloc *m,
		      struct ccore_error *err)
{
	int r;

	*ret = (struct chunk_owners){.h = h};
	TRY(addrset_init(&ret->chunks, h->opts.max_bytes, err));
	block_rules_init(&ret->rules, &h->py);
	r = 0;
	// Ranges and the chunks in them come in the order of addresses, as ids will.
	for (uint64_t i = 0; r == 0 && i < m->ranges.n; i++)
		r = malloc_use_add(&ret->total, m, h->py.mem, i, take_chunk, ret,
				   &heap_reader(h)->damage);
	if (r == 0) {
		addrset_number(&ret->chunks);
		ret->owner = calloc(ret->chunks.n + 1, sizeof(*ret->owner));
		if (!ret->owner)
			r = CCORE_ENOMEM;
	}
	if (r == 0)
		return 0;
	chunk_owners_done(ret);
	return heap_out_of_memory(h, err);
}

void chunk_owners_done(struct chunk_owners *o)
{
	addrset_done(&o->chunks);
	vec_done(&o->bytes);
	free(o->owner);
	for (uint32_t i = 0; i < PARALLEL_MAX; i++)
		vec_done(&o->found[i].ids);
	*o = (struct chunk_owners){0};
}

// -- looking at words

// A chunk that was nobody's yet is `owner`'s, and will be looked at.
static int give(struct chunk_owners *o, uint32_t thread, uint32_t id, enum chunk_owner owner)
{
	uint8_t nobody = OWNER_OTHER;

	if (!atomic_compare_exchange_strong(&o->owner[id], &nobody, (uint8_t)owner))
		return 0;
	return vec_push(&o->found[thread].ids, id) ? 0 : CCORE_ENOMEM;
}

static int look(struct chunk_owners *o, uint32_t thread, const uint8_t *p, uint64_t n,
		enum chunk_owner owner)
{
	for (uint64_t off = 0; off + 8 <= n; off += 8) {
		const addr_t at = load_u64(p + off);
		uint32_t id;

		if (at % 16 == 0 && addrset_id(&o->chunks, at, &id))
			TRY(give(o, thread, id, owner));
	}
	return 0;
}

int chunk_owners_words(struct chunk_owners *o, uint32_t thread, const uint8_t *p, uint64_t n)
{
	return look(o, thread, p, n, OWNER_BUFFER);
}

static int look_at_memory(struct chunk_owners *o, addr_t at, addr_t end, enum chunk_owner owner)
{
	struct py_reader *r = heap_reader(o->h);
	const struct mem *mem = r->py->mem;
	uint8_t scratch[PIECE];

	// Of what is only reserved there may be much.
	while (u64_align_up(mem_next_readable(mem, at), 8, &at) && at < end) {
		const uint64_t n = mem_readable(mem, at, u64_min(end - at, PIECE));
		const uint8_t *p = n < 8 ? NULL : py_get(r, at, n, scratch);

		if (p)
			TRY(look(o, 0, p, n, owner));
		at += p ? u64_align_down(n, 8) : 8;
	}
	return 0;
}

// -- spreading

// Text and numbers have no pointers.
static bool has_words(const struct py_type *t)
{
	return !type_has_flag(t, TPFLAG_BYTES) && !type_has_flag(t, TPFLAG_UNICODE) &&
	       !type_has_flag(t, TPFLAG_LONG);
}

static int take_object(void *ctx, const struct malloc_chunk *c)
{
	struct chunk_owners *o = ctx;
	struct py_reader *r = heap_reader(o->h);
	const struct py_type *type;
	uint8_t scratch[BLOCK_VIEW];
	struct block b;
	addr_t addr;
	uint32_t id;

	if ((c->state != CHUNK_USED && c->state != CHUNK_MMAPPED) ||
	    !sweep_chunk_block(r, c, scratch, &b) ||
	    block_classify(r, &o->rules, &b, &addr, &type) == BLOCK_OTHER ||
	    !addrset_id(&o->chunks, user_address(o, c), &id))
		return 0;
	o->owner[id] = OWNER_OBJECT;
	return has_words(type) ? look_at_memory(o, c->addr, c->addr + c->size, OWNER_BUFFER) : 0;
}

// Tell the addresses of chunks by their ids, in the array `ctx`.
static int number_chunk(void *ctx, addr_t first, const struct addrset_chunk *chunk)
{
	addr_t *by_id = ctx;

	for (uint32_t i = 0; i < ADDRSET_SLOTS; i++) {
		uint64_t bits = atomic_load(&chunk->slots[i].bits);

		for (uint64_t id = chunk->slots[i].first_id; bits; bits &= bits - 1, id++)
			by_id[id] = first + i * 512ull + (uint64_t)__builtin_ctzll(bits) * 8;
	}
	return 0;
}

// Look at what was found, and at what that leads to.
static int follow(struct chunk_owners *o, const addr_t *addr, enum chunk_owner owner)
{
	for (uint32_t t = 0; t < PARALLEL_MAX; t++) {
		while (o->found[t].ids.n) {
			const uint32_t id = vec_pop(&o->found[t].ids);
			const uint64_t bytes = o->bytes.data[id] & ~CHUNK_MAPPED;

			// Up to the next chunk's size, at most.
			TRY(look_at_memory(o, addr[id], addr[id] + bytes - 8, owner));
			if (t)
				t = 0; // there, more may have been found
		}
	}
	return 0;
}

// The interpreter's variables: the data of its module, and the states of interpreters and threads.
static int look_at_interpreter(struct chunk_owners *o)
{
	const struct module *m = o->h->layout.module;
	const struct mapping *p = NULL;

	while ((p = module_mapping(o->h->target, m, p)))
		if (p->flags & MAPPING_W)
			TRY(look_at_memory(o, p->start, u64_min(p->end, m->end),
					   OWNER_INTERPRETER));
	return 0;
}

// States are found by their addresses, before an object that refers to one makes it its buffer.
static void give_states(struct chunk_owners *o)
{
	const struct runtime *rt = &o->h->runtime;
	uint32_t id;

	for (uint64_t i = 0; i < rt->interpreters.n; i++)
		if (addrset_id(&o->chunks, rt->interpreters.data[i].addr, &id))
			o->owner[id] = OWNER_INTERPRETER;
	for (uint64_t i = 0; i < rt->threads.n; i++)
		if (addrset_id(&o->chunks, rt->threads.data[i].addr, &id))
			o->owner[id] = OWNER_INTERPRETER;
}

static int look_at_states(struct chunk_owners *o, const addr_t *addr)
{
	for (uint64_t id = 0; id < o->chunks.n; id++)
		if (o->owner[id] == OWNER_INTERPRETER)
			TRY(look_at_memory(o, addr[id],
					   addr[id] + (o->bytes.data[id] & ~CHUNK_MAPPED) - 8,
					   OWNER_INTERPRETER));
	return 0;
}

// 2.7's slabs of ints and floats are full of objects.
static void give_slabs(struct chunk_owners *o, enum symbol_id list, enum field_id next)
{
	const struct layout *l = &o->h->layout;
	struct py_reader *r = heap_reader(o->h);
	uint64_t left = o->chunks.n;
	uint32_t id;
	addr_t at;

	if (!l->symbols[list] || !layout_has(l, next))
		return;
	for (at = py_read_ptr(r, l->symbols[list], 0); at && left; left--) {
		if (addrset_id(&o->chunks, at, &id))
			o->owner[id] = OWNER_OBJECT;
		at = py_read_ptr(r, at + layout_off(l, next), at);
	}
}

int chunk_owners_spread(struct chunk_owners *o, const struct glibc_malloc *m,
			struct ccore_error *err)
{
	addr_t *by_id = calloc(o->chunks.n + 1, sizeof(*by_id));
	int r = by_id ? addrset_each_chunk(&o->chunks, number_chunk, by_id) : CCORE_ENOMEM;

	give_states(o);
	give_slabs(o, SYM_INT_BLOCKS27, F_INTBLOCK_NEXT);
	give_slabs(o, SYM_FLOAT_BLOCKS27, F_FLOATBLOCK_NEXT);
	for (uint64_t i = 0; r == 0 && i < m->ranges.n; i++) {
		struct damage ignored = {0}; // it was counted when they were registered

		r = glibc_malloc_walk(m, o->h->py.mem, i, take_object, o, &ignored);
	}
	if (r == 0)
		r = follow(o, by_id, OWNER_BUFFER);
	if (r == 0)
		r = look_at_states(o, by_id);
	if (r == 0)
		r = look_at_interpreter(o);
	if (r == 0)
		r = follow(o, by_id, OWNER_INTERPRETER);
	free(by_id);
	return r < 0 ? heap_out_of_memory(o->h, err) : 0;
}
