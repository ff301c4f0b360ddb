// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/block.h"

static void add_prefix(struct block_rules *rules, uint32_t prefix)
{
	for (uint32_t i = 0; i < rules->prefix_n; i++)
		if (rules->prefixes[i] == prefix)
			return;
	rules->prefixes[rules->prefix_n++] = prefix;
}

void block_rules_init(struct block_rules *ret, const struct py *py)
{
	const struct layout *l = py->layout;
	const uint32_t head = layout_gc_head(l);

	*ret = (struct block_rules){
		.header_n = l->struct_size[S_PyObject],
		.type_off = layout_off(l, F_OB_TYPE),
		.refcount_max = u64_min(py->mem->bytes / 8, REFCOUNT_MAX - 1),
		.plain = !layout_has(l, F_OB_OVERFLOW) && !layout_has(l, F_OB_FLAGS) &&
			 !layout_has(l, F_OB_REF_LOCAL) && l->fields[F_OB_REFCNT].size == 8,
	};
	if (ret->plain)
		ret->refcount_off = layout_off(l, F_OB_REFCNT);
	add_prefix(ret, 0);
	add_prefix(ret, head);
	if (l->facts[FACT_FLAGS_PREHEADER]) {
		add_prefix(ret, head + 16);
		add_prefix(ret, 16);
	}
}

// -- the debug allocator, Objects/obmalloc.c

static uint64_t load_big_endian(const uint8_t *p)
{
	return __builtin_bswap64(load_u64(p));
}

// The letter of the debug header that `b` begins with, and `b` made what was asked for; or 0.
static uint8_t peel_header(struct block *b)
{
	const uint8_t letter = block_has_debug_header(b->p, b->size) ? b->p[8] : 0;
	uint64_t size;

	if (!letter)
		return 0;
	size = load_big_endian(b->p);
	if ((letter != 'o' && letter != 'm' && letter != 'r') ||
	    size > b->size - BLOCK_DEBUG_HEAD - 8)
		return 0;
	b->addr += BLOCK_DEBUG_HEAD;
	b->p += BLOCK_DEBUG_HEAD;
	b->size = size;
	b->slack = 0;
	return letter;
}

// The part of `b` that was asked for; false when not for an object. What pymalloc takes from
// malloc has two headers.
static bool peel_debug(struct block *b)
{
	uint8_t letter = peel_header(b);

	if (letter == 'r')
		letter = peel_header(b);
	else if (!letter)
		return true;
	return letter == 'o';
}

// -- sizes

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

// Bytes of a str whose characters are in the object.
static uint64_t compact_str_bytes(const struct layout *l, const uint8_t *p)
{
	const uint64_t n = field_u64(l, F_STR_LENGTH, p);
	const uint64_t head =
		l->struct_size[field_u64(l, F_STR_ASCII, p) ? S_PyASCIIObject
							    : S_PyCompactUnicodeObject];

	return n < LIM_CONTAINER ? head + (n + 1) * field_u64(l, F_STR_KIND, p) : UINT64_MAX;
}

static bool str_fits(const struct layout *l, const struct py_type *t, const uint8_t *p,
		     uint64_t size)
{
	const uint64_t kind = field_u64(l, F_STR_KIND, p);

	if (layout_has(l, F_STR_READY) && !field_u64(l, F_STR_READY, p))
		return size >= t->basicsize;
	if (kind != 1 && kind != 2 && kind != 4)
		return false;
	return (field_u64(l, F_STR_COMPACT, p) ? compact_str_bytes(l, p) : t->basicsize) <= size;
}

static uint64_t item_count(const struct layout *l, const struct py_type *t, const uint8_t *p)
{
	if (t->family == &family_int && layout_has(l, F_LONG_TAG))
		return field_u64(l, F_LONG_TAG, p) >> 3;
	return i64_abs(field_i64(l, F_OB_SIZE, p));
}

bool block_counts_items(const struct py_type *t)
{
	return t->family == &family_tuple || t->family == &family_bytes || t->family == &family_int;
}

#define MAP_LEVEL1_BYTES 32u // Objects/unicodeobject.c, struct encoding_map

// What comes behind the tables of a codec is counted in no field that its type names.
static bool encoding_map_fits(const struct layout *l, const struct py_type *t, const uint8_t *p,
			      uint64_t size, uint64_t slack)
{
	const uint32_t counts = l->struct_size[S_PyObject] + MAP_LEVEL1_BYTES;
	uint64_t bytes;

	if (strcmp(t->name, "EncodingMap") != 0 || size < t->basicsize || size < counts + 8u)
		return false;
	bytes = t->basicsize + load_u32(p + counts) * 16ull + load_u32(p + counts + 4) * 128ull;
	return size + 16 >= bytes && size <= round_up(bytes, 16) + slack;
}

/*
 * Whether an object of type `t` at `p` could be all that was asked for when a block got `size`
 * bytes after the prefix. Objects of fixed size fill their block, but for the rounding; one
 * step less is right too: datetime.time without a tzinfo is shorter than its type says. What
 * has items may have shrunk in place.
 */
static bool fits(const struct layout *l, const struct py_type *t, const uint8_t *p, uint64_t size,
		 uint64_t slack)
{
	uint64_t n;

	if (t->family == &family_str && !(t->flags & TYPE_HEAP))
		return size >= l->struct_size[S_PyASCIIObject] && str_fits(l, t, p, size);
	if (block_counts_items(t) && size >= l->struct_size[S_PyVarObject]) {
		n = item_count(l, t, p);
		return n < LIM_CONTAINER &&
		       t->basicsize + n * t->itemsize <= size + t->itemsize + 8;
	}
	if (t->itemsize)
		return size >= t->basicsize;
	if (t->dict_place == DICT_INLINE) // the values follow
		return size >= t->basicsize;
	return (size + 16 >= t->basicsize && size <= round_up(t->basicsize, 16) + slack) ||
	       encoding_map_fits(l, t, p, size, slack);
}

// -- the header

// `most` references are all that there is memory for.
static bool is_too_high(const struct layout *l, uint64_t most, uint64_t refcount)
{
	const bool immortal = l->facts[FACT_IMMORTAL] && (int32_t)(uint32_t)refcount < 0;

	return refcount >= REFCOUNT_MAX ||
	       (!immortal && !refcount_is_static(l, refcount) && refcount > most);
}

#define STATIC_DRIFT 65536u // references that many objects of the compiler's have, or lack

// The count that these begin with may be the address of an object, too: most are near it.
static bool is_as_compiled(const struct layout *l, uint64_t n)
{
	return refcount_is_static(l, n) &&
	       n - (uint64_t)l->facts[FACT_STATIC_REFCNT] + STATIC_DRIFT < 2 * STATIC_DRIFT;
}

bool refcount_is_plausible(struct py_reader *r, uint64_t n)
{
	if (!n || is_too_high(r->layout, r->py->mem->bytes / 8, n))
		return false;
	// The first words of an array of references, in a program that lies at low addresses.
	return refcount_is_ordinary(n) || is_as_compiled(r->layout, n) || !py_type_of(r, n);
}

#define OB_FLAGS_END 16u // of the flags that there are, the highest is 8

uint64_t header_plausible_refcount(const struct layout *l, const uint8_t *p)
{
	if (layout_has(l, F_OB_OVERFLOW) && field_u64(l, F_OB_OVERFLOW, p))
		return 0;
	if (layout_has(l, F_OB_FLAGS) && field_u64(l, F_OB_FLAGS, p) >= OB_FLAGS_END)
		return 0;
	// Free-threaded: what is in no heap belongs to no thread, and is immortal.
	if (layout_has(l, F_OB_REF_LOCAL) && layout_has(l, F_OB_TID) &&
	    (field_u64(l, F_OB_TID, p) || field_u64(l, F_OB_REF_LOCAL, p) != UINT32_MAX))
		return 0;
	return header_refcount(l, p);
}

bool tuple_is_sound(struct py_reader *r, addr_t addr)
{
	const struct layout *l = r->layout;
	uint64_t n;

	if (mem_read_u64(r->py->mem, addr + layout_off(l, F_OB_SIZE), &n) < 0 ||
	    n > r->py->mem->bytes / 8)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		uint8_t scratch[8];
		const uint8_t *p =
			py_get(r, addr + layout_off(l, F_TUPLE_ITEM) + i * 8, 8, scratch);

		if (!p || (load_u64(p) && !py_type_of(r, load_u64(p))))
			return false;
	}
	return true;
}

bool type_is_alive(struct py_reader *r, addr_t type)
{
	uint8_t scratch[64];
	const uint32_t size = r->layout->struct_size[S_PyObject];
	const uint8_t *p = size <= sizeof(scratch) ? py_get(r, type, size, scratch) : NULL;

	return p && header_refcount(r->layout, p);
}

static const struct py_type *type_at(struct py_reader *r, const struct block_rules *rules,
				     const struct block *b, uint32_t prefix, bool dead)
{
	const uint8_t *p = b->p + prefix;
	const addr_t at = load_u64(p + rules->type_off);
	const struct py_type *t;

	// Dead objects may name types that are dead, too.
	if (!at || at % 8 || (dead && !type_is_alive(r, at)))
		return NULL;
	t = py_type_get(r, at);
	if (!t || t->prefix != prefix ||
	    !fits(r->layout, t, p, b->size - prefix, b->slack + prefix % 16))
		return NULL;
	return t;
}

// Most blocks that hold no object are arrays of references: addresses where refcounts would be.
static bool has_no_refcount(const struct block_rules *rules, const struct block *b)
{
	for (uint32_t i = 0; i < rules->prefix_n; i++)
		if (b->size >= rules->prefixes[i] + rules->header_n &&
		    load_u64(b->p + rules->prefixes[i] + rules->refcount_off) < REFCOUNT_MAX)
			return false;
	return true;
}

enum block_kind block_classify(struct py_reader *r, const struct block_rules *rules,
			       struct block *b, addr_t *ret, const struct py_type **ret_type)
{
	if (block_has_debug_header(b->p, b->size) && !peel_debug(b))
		return BLOCK_OTHER;
	if (rules->plain && has_no_refcount(rules, b))
		return BLOCK_OTHER;
	// Live ones first: a GC head may begin with a 0, like a dead object.
	for (unsigned dead = 0; dead < 2; dead++) {
		for (uint32_t i = 0; i < rules->prefix_n; i++) {
			const uint32_t prefix = rules->prefixes[i];
			uint64_t refcount;

			if (b->size < prefix + rules->header_n)
				continue;
			refcount = rules->plain
					   ? load_u64(b->p + prefix + rules->refcount_off)
					   : header_plausible_refcount(r->layout, b->p + prefix);
			if (dead ? refcount != 0
				 : !refcount ||
					    is_too_high(r->layout, rules->refcount_max, refcount))
				continue;
			*ret_type = type_at(r, rules, b, prefix, dead);
			if (!*ret_type || (!dead && !refcount_is_plausible(r, refcount)))
				continue;
			*ret = b->addr + prefix;
			return dead ? BLOCK_DEAD : BLOCK_OBJECT;
		}
	}
	return BLOCK_OTHER;
}
