// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dict. Four generations of tables: 2.7's open table; from 3.6 an index and an array of
 * entries, whose size is in dk_size and later in dk_log2_*; split tables, whose values lie
 * apart because instances of one class share the keys.
 */
#include "py/families.h"

// Any kind of key table has at most this many bytes a slot; for plausibility only.
#define DK_LOG2_MAX 48u

// Bytes of one entry of a table.
#define DICT_ENTRY_MAX 64u

// Entries, of a table of 2^k slots, that can be used: USABLE_FRACTION of dictobject.c.
static uint64_t usable_fraction(uint64_t slots)
{
	return (slots << 1) / 3;
}

// A key table's header, decoded.
struct keys {
	addr_t entries;
	uint64_t n, slots, index_bytes;
	uint32_t entry_size;
	bool unicode; // entries are PyDictUnicodeEntry
	bool any_key; // keys need not be str
	uint64_t refcnt, usable;
};

static bool decode_log2(const struct layout *l, const uint8_t *p, struct keys *k)
{
	const uint64_t log2_size = field_u64(l, F_DK_LOG2_SIZE, p);
	const uint64_t log2_bytes = field_u64(l, F_DK_LOG2_INDEX_BYTES, p);

	// the table of all empty dicts has an index of its own size
	if (log2_size > DK_LOG2_MAX || log2_bytes > DK_LOG2_MAX + 3 ||
	    (log2_size &&
	     log2_bytes != log2_size + (log2_size >= 8) + (log2_size >= 16) + (log2_size >= 32)))
		return false;
	k->slots = 1ull << log2_size;
	k->index_bytes = 1ull << log2_bytes;
	k->any_key = field_u64(l, F_DK_KIND, p) == 0; // DICT_KEYS_GENERAL
	k->unicode = !k->any_key && layout_has(l, F_UENTRY_KEY);
	return true;
}

static bool decode_plain(const struct layout *l, const uint8_t *p, struct keys *k)
{
	k->slots = field_u64(l, F_DK_SIZE, p);
	if (k->slots > 1ull << DK_LOG2_MAX || k->slots & (k->slots - 1))
		return false;
	k->index_bytes = k->slots * (k->slots <= 0xff	      ? 1
				     : k->slots <= 0xffff     ? 2
				     : k->slots <= 0xffffffff ? 4
							      : 8);
	k->any_key = field_u64(l, F_DK_LOOKUP, p) == l->symbols[SYM_LOOKDICT];
	k->unicode = false;
	return true;
}

static bool read_keys(struct py_reader *r, addr_t keys, struct keys *ret)
{
	const struct layout *l = r->layout;
	uint8_t scratch[256];
	const uint32_t size = l->struct_size[S_PyDictKeysObject];
	const uint8_t *p =
		keys % 8 || size > sizeof(scratch) ? NULL : py_get(r, keys, size, scratch);

	if (!p || !layout_has(l, F_MA_KEYS) ||
	    !(layout_has(l, F_DK_LOG2_SIZE) ? decode_log2(l, p, ret) : decode_plain(l, p, ret)))
		return false;
	ret->n = field_u64(l, F_DK_NENTRIES, p);
	ret->usable = field_u64(l, F_DK_USABLE, p);
	ret->refcnt = field_u64(l, F_DK_REFCNT, p);
	ret->entry_size = l->struct_size[ret->unicode ? S_PyDictUnicodeEntry : S_PyDictKeyEntry];
	ret->entries = keys + layout_off(l, F_DK_INDICES) + ret->index_bytes;
	return ret->n <= ret->slots && ret->usable <= ret->slots;
}

// -- iteration

static void set_entry_layout(struct dict_iter *it, bool unicode)
{
	const struct layout *l = it->r->layout;

	it->stride = l->struct_size[unicode ? S_PyDictUnicodeEntry : S_PyDictKeyEntry];
	it->key_off = layout_off(l, unicode ? F_UENTRY_KEY : F_ENTRY_KEY);
	it->value_off = layout_off(l, unicode ? F_UENTRY_VALUE : F_ENTRY_VALUE);
}

// The table must be there as a whole, or nothing in it is believed.
static bool set_table(struct dict_iter *it, addr_t entries, uint64_t n)
{
	uint64_t bytes;

	if (it->stride > DICT_ENTRY_MAX || !u64_mul(n, it->stride, &bytes) ||
	    bytes > it->r->py->mem->bytes || mem_readable(it->r->py->mem, entries, bytes) < bytes)
		return false;
	it->entries = entries;
	it->n = n;
	it->i = 0;
	it->view = n ? mem_lens_span(&it->r->lens, entries, bytes) : NULL;
	return true;
}

// Without py_type_of(), whose lock may be held: types are named by what their dicts hold.
static bool is_str(struct py_reader *r, addr_t object)
{
	uint8_t scratch[8];
	const uint8_t *p = py_get(r, object + layout_off(r->layout, F_OB_TYPE), 8, scratch);

	p = p ? py_get(r, load_u64(p) + layout_off(r->layout, F_TP_FLAGS), 8, scratch) : NULL;
	return p && load_u64(p) >> TPFLAG_UNICODE & 1;
}

// Whether `object` is an int that is its own hash, `hash`, which could be an address.
static bool is_int(struct py_reader *r, addr_t object, uint64_t hash)
{
	uint8_t scratch[8];
	const uint8_t *p;

	if (!layout_has(r->layout, F_LONG_DIGIT))
		return true;
	p = py_get(r, object + layout_off(r->layout, F_LONG_DIGIT), 8, scratch);
	return p && (load_u32(p) | (uint64_t)load_u32(p + 4) << 30) == hash;
}

// Whether the words that `k` says are keys are such. In a table for str keys alone, entries have no
// hash: taken for one of the other kind, its keys are where those have theirs.
static bool keys_are_of_kind(struct py_reader *r, const struct keys *k)
{
	const struct layout *l = r->layout;
	uint8_t scratch[DICT_ENTRY_MAX];
	const uint8_t *p;
	addr_t first;

	if (!layout_has(l, F_UENTRY_KEY) || !k->n || k->entry_size > DICT_ENTRY_MAX)
		return true;
	p = py_get(r, k->entries, k->entry_size, scratch);
	if (!p)
		return true; // set_table() says so
	if (!k->unicode) {
		first = load_u64(p);
		return !first || first % 8 || !is_str(r, first) ||
		       is_int(r, field_u64(l, F_ENTRY_KEY, p), first);
	}
	first = field_u64(l, F_UENTRY_KEY, p);
	return !first || (first % 8 == 0 && is_str(r, first));
}

static bool init_table27(struct dict_iter *it, const uint8_t *dict)
{
	const struct layout *l = it->r->layout;
	const uint64_t mask = field_u64(l, F_MA_MASK, dict);

	set_entry_layout(it, false);
	it->keys_visited = true;
	return mask < 1ull << DK_LOG2_MAX &&
	       set_table(it, field_u64(l, F_MA_TABLE, dict), mask + 1);
}

static bool init_table(struct dict_iter *it, const uint8_t *dict)
{
	const struct layout *l = it->r->layout;
	const addr_t values = field_u64(l, F_MA_VALUES, dict);
	struct keys k;

	if (!read_keys(it->r, field_u64(l, F_MA_KEYS, dict), &k))
		return false;
	set_entry_layout(it, k.unicode);
	it->keys_visited = k.any_key;
	if (values || k.refcnt != 1)
		it->shared_keys = field_u64(l, F_MA_KEYS, dict);
	if (values)
		it->values = values +
			     (layout_has(l, F_VALUES_VALUES) ? layout_off(l, F_VALUES_VALUES) : 0);
	if (values && layout_has(l, F_VALUES_EMBEDDED)) {
		uint8_t scratch[64];
		const uint32_t size = layout_off(l, F_VALUES_VALUES);
		const uint8_t *p =
			size <= sizeof(scratch) ? py_get(it->r, values, size, scratch) : NULL;

		it->embedded = p && field_u64(l, F_VALUES_EMBEDDED, p);
	}
	if (values && mem_readable(it->r->py->mem, it->values, k.n * 8) < k.n * 8)
		return false;
	if (!keys_are_of_kind(it->r, &k))
		return false;
	return set_table(it, k.entries, k.n);
}

static bool iter_init(struct dict_iter *it, struct py_reader *r, addr_t dict, const uint8_t *p)
{
	*it = (struct dict_iter){.r = r};
	if (layout_has(r->layout, F_MA_KEYS) ? init_table(it, p) : init_table27(it, p))
		return true;
	damage_note(&r->damage, DAMAGE_BAD_CONTAINER, dict);
	it->n = 0;
	return false;
}

bool dict_iter_init(struct dict_iter *it, struct py_reader *r, const struct py_object *o)
{
	return iter_init(it, r, o->addr, o->p);
}

bool dict_iter_init_at(struct dict_iter *it, struct py_reader *r, addr_t dict)
{
	uint8_t scratch[512];
	const uint32_t size = r->layout->struct_size[S_PyDictObject];
	const uint8_t *p = dict && dict % 8 == 0 && size && size <= sizeof(scratch)
				   ? py_get(r, dict, size, scratch)
				   : NULL;

	*it = (struct dict_iter){.r = r};
	return p && iter_init(it, r, dict, p);
}

bool dict_iter_next(struct dict_iter *it, struct dict_item *ret)
{
	uint8_t scratch[DICT_ENTRY_MAX];

	while (it->i < it->n) {
		const uint64_t i = it->i++;
		const uint8_t *p =
			it->view ? it->view + i * it->stride
				 : py_get(it->r, it->entries + i * it->stride, it->stride, scratch);

		if (!p)
			continue; // gone since set_table(): only a live callback target can do that
		ret->key = load_u64(p + it->key_off);
		ret->value = it->values ? py_read_ptr(it->r, it->values + i * 8, it->values)
					: load_u64(p + it->value_off);
		ret->index = i;
		if (ret->key && ret->value)
			return true;
		edge_skip(&it->r->edges);
	}
	return false;
}

addr_t dict_at(struct py_reader *r, addr_t addr)
{
	const struct layout *l = r->layout;
	uint64_t type, flags;

	if (!addr || mem_read_u64(r->py->mem, addr + layout_off(l, F_OB_TYPE), &type) < 0 ||
	    mem_read_u64(r->py->mem, type + layout_off(l, F_TP_FLAGS), &flags) < 0)
		return 0;
	return flags >> TPFLAG_DICT & 1 ? addr : 0;
}

addr_t dict_lookup(struct py_reader *r, addr_t dict, const char *name)
{
	struct dict_iter it;
	struct dict_item item;
	addr_t found = 0;
	uint64_t left;

	if (!dict_iter_init_at(&it, r, dict))
		return 0;
	left = u64_min(LIM_NAMESPACE, r->names_left);
	if (it.n > left) {
		damage_note(&r->damage, DAMAGE_LIMIT, dict);
		it.n = left;
	}
	while (!found && dict_iter_next(&it, &item))
		if (text_equals(r, item.key, name))
			found = item.value;
	r->names_left -= it.i;
	return found;
}

uint64_t dict_keys_n(struct py_reader *r, addr_t keys, uint64_t cap, addr_t owner)
{
	struct keys k;

	if (!read_keys(r, keys, &k)) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, owner);
		return 0;
	}
	return u64_min(k.n, cap);
}

void dict_keys_visit(struct py_reader *r, addr_t keys, addr_t owner)
{
	struct dict_iter it = {.r = r};
	struct dict_item item;
	struct keys k;

	if (!read_keys(r, keys, &k)) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, owner);
		return;
	}
	set_entry_layout(&it, k.unicode);
	it.value_off = it.key_off; // of a split table the values lie elsewhere
	if (!set_table(&it, k.entries, k.n)) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, owner);
		return;
	}
	while (dict_iter_next(&it, &item))
		edge_emit(&r->edges, item.key, EDGE_OWN, LABEL_KEY_ITSELF, 0);
}

addr_t dict_keys_name(struct py_reader *r, addr_t keys, uint64_t i)
{
	struct keys k;
	addr_t key;

	if (!read_keys(r, keys, &k) || i >= k.n)
		return 0;
	// A shared table has the unicode kind of entries wherever there are two.
	if (mem_read_u64(r->py->mem,
			 k.entries + i * k.entry_size +
				 layout_off(r->layout, k.unicode ? F_UENTRY_KEY : F_ENTRY_KEY),
			 &key) < 0)
		return 0;
	return key;
}

// -- the family

// Interned strings are in a dict, once as key and once as value, that their refcounts leave out.
bool dict_is_interned(const struct py *py, addr_t dict)
{
	for (uint64_t i = 0; i < py->interned.n; i++)
		if (py->interned.data[i] == dict)
			return true;
	return false;
}

static void visit_dict(struct py_reader *r, const struct py_object *o)
{
	const bool weak = dict_is_interned(r->py, o->addr);
	struct dict_iter it;
	struct dict_item item;
	enum edge_kind key_kind, value_kind;

	if (!dict_iter_init(&it, r, o))
		return;
	key_kind = weak ? EDGE_WEAK : it.keys_visited ? EDGE_VISIT : EDGE_OWN;
	value_kind = weak							  ? EDGE_WEAK
		     : it.embedded && !r->layout->facts[FACT_VALUES_THROUGH_DICT] ? EDGE_BORROWED
										  : EDGE_VISIT;
	while (r->edges.left && dict_iter_next(&it, &item)) {
		r->edges.uncounted = it.shared_keys != 0;
		edge_emit(&r->edges, item.key, key_kind, LABEL_KEY_ITSELF, it.shared_keys);
		r->edges.uncounted = false;
		edge_emit(&r->edges, item.value, value_kind, LABEL_KEY, item.key);
	}
}

static uint64_t keys_bytes(const struct layout *l, const struct keys *k)
{
	return layout_off(l, F_DK_INDICES) + k->index_bytes +
	       usable_fraction(k->slots) * k->entry_size;
}

uint64_t dict_keys_sizeof(struct py_reader *r, addr_t keys)
{
	struct keys k;

	return read_keys(r, keys, &k) ? keys_bytes(r->layout, &k) : 0;
}

// _PyDict_SizeOf(): tables that are shared count for no one.
static uint64_t size_dict(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t size = o->type->basicsize;
	struct keys k;

	if (!layout_has(l, F_MA_KEYS)) {
		if (object_u64(r, o, F_MA_TABLE) != o->addr + layout_off(l, F_MA_SMALLTABLE))
			size += (object_u64(r, o, F_MA_MASK) + 1) *
				l->struct_size[S_PyDictKeyEntry];
		return size;
	}
	if (!read_keys(r, object_u64(r, o, F_MA_KEYS), &k))
		return size;
	if (object_u64(r, o, F_MA_VALUES))
		size += 8 * (layout_has(l, F_DK_KIND) ? k.n + k.usable : usable_fraction(k.slots));
	if (k.refcnt == 1)
		size += keys_bytes(l, &k);
	return size;
}

static void repr_dict(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	struct dict_iter it;
	struct dict_item item;
	uint64_t shown = 0;

	strbuf_putc(out, '{');
	if (dict_iter_init(&it, r, o)) {
		while (shown < r->repr.pairs && dict_iter_next(&it, &item)) {
			strbuf_puts(out, shown++ ? ", " : "");
			py_repr(r, item.key, out);
			strbuf_puts(out, ": ");
			py_repr(r, item.value, out);
		}
	}
	if (object_u64(r, o, F_MA_USED) > shown)
		strbuf_puts(out, shown ? ", …" : "…");
	strbuf_putc(out, '}');
}

const struct py_family family_dict = {
	.types = "dict|frozendict",
	.reads = S_PyDictObject,
	.visit = visit_dict,
	.size = size_dict,
	.repr = repr_dict,
};
