// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/block_memo.h"

static void ask_for(struct block_memo_type *t, const struct layout *l, enum field_id f)
{
	const struct field *field = &l->fields[f];
	unsigned i = 0;

	while (i < BLOCK_MEMO_WORDS && t->mask[i])
		i++;
	if (!field->found || i == BLOCK_MEMO_WORDS)
		return;
	t->at[i] = field->off;
	t->mask[i] = field->size >= 8 ? UINT64_MAX : (1ull << 8 * field->size) - 1;
	if (field->off + 8 > t->read_n)
		t->read_n = field->off + 8;
}

// What fits() of block.c and the families' size functions read.
static void describe(struct block_memo_type *ret, const struct layout *l,
		     const struct py_type *type)
{
	*ret = (struct block_memo_type){.addr = type->addr, .read_n = l->struct_size[S_PyObject]};
	if (type->family == &family_str) {
		ask_for(ret, l, F_STR_LENGTH);
		ask_for(ret, l, F_STR_KIND); // with the other bits of its state
		ask_for(ret, l, F_STR_WSTR); // memory of its own, to 3.11
	} else if (type->family == &family_list) {
		ask_for(ret, l, F_LIST_ALLOCATED);
	} else if (type->family == &family_int && layout_has(l, F_LONG_TAG)) {
		ask_for(ret, l, F_LONG_TAG);
	} else if (block_counts_items(type)) {
		ask_for(ret, l, F_OB_SIZE);
	}
}

// Whether py_sizeof() depends on nothing but the type and the words.
static bool size_is_shared(const struct layout *l, const struct py_type *type,
			   const uint8_t *object)
{
	if (type->sizeof_all)
		return true;
	if (type->flags & TYPE_HEAP || type->flags & TYPE_IS_TYPE)
		return false;
	if (type->family == &family_str)
		return field_u64(l, F_STR_COMPACT, object) && field_u64(l, F_STR_ASCII, object);
	return type->family == &family_list || block_counts_items(type);
}

static uint64_t shared_size(struct py_reader *r, const struct block *b, uint32_t prefix,
			    const struct py_type *type)
{
	struct py_object o;
	bool estimated;
	uint64_t size;

	// Where it counts under another type, that is the object's own.
	if (type->addr == r->layout->symbols[SYM_INSTANCE_TYPE27] ||
	    !size_is_shared(r->layout, type, b->p + prefix) ||
	    !py_object_open_typed(r, b->addr + prefix, type, &o))
		return 0;
	size = py_sizeof(r, &o, &estimated);
	return estimated ? 0 : size;
}

void block_remember(struct block_memo *m, struct py_reader *r, const struct block_rules *rules,
		    const struct block *b, uint32_t prefix, const struct py_type *type,
		    struct block_shape *ret)
{
	struct block_memo_type *t = &m->types[block_memo_type_slot(type->addr)];
	struct block_shape *s;
	uint64_t words[BLOCK_MEMO_WORDS];

	*ret = (struct block_shape){0};
	if (!rules->plain || (prefix && prefix != rules->prefixes[1]))
		return;
	m->last = NULL; // either may be another's now
	if (t->addr != type->addr)
		describe(t, r->layout, type);
	if (b->size - prefix < t->read_n)
		return;
	block_memo_words(t, b->p + prefix, words);
	s = &m->shapes[block_memo_shape_slot(type->addr, (uint32_t)b->size, words)];
	*ret = *s;
	*s = (struct block_shape){
		.type_addr = type->addr,
		.words = {words[0], words[1], words[2]},
		.block_bytes = (uint32_t)b->size,
		.prefix = prefix,
		.type = type,
		.size = shared_size(r, b, prefix, type),
	};
}
