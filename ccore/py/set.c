// SPDX-License-Identifier: GPL-2.0-or-later
// set and frozenset: an open table; removed elements leave a dummy.
#include "py/families.h"

struct set_iter {
	struct py_reader *r;
	addr_t table;
	uint64_t i, n;
};

static bool set_iter_init(struct set_iter *it, struct py_reader *r, const struct py_object *o)
{
	const uint64_t mask = object_u64(r, o, F_SET_MASK);
	uint64_t bytes;

	*it = (struct set_iter){.r = r, .table = object_u64(r, o, F_SET_TABLE), .n = mask + 1};
	if (mask < LIM_CONTAINER && u64_mul(it->n, r->layout->struct_size[S_setentry], &bytes) &&
	    bytes <= r->py->mem->bytes && mem_readable(r->py->mem, it->table, bytes) == bytes)
		return true;
	damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
	it->n = 0;
	return false;
}

// Of 3.x, where an entry has the hash behind the key: that of a dummy is -1, as no object's.
static bool has_no_hash(struct py_reader *r, addr_t entry)
{
	const uint32_t hash_off = layout_off(r->layout, F_SETENTRY_KEY) + 8;

	return r->layout->struct_size[S_setentry] == hash_off + 8 &&
	       py_read_ptr(r, entry + hash_off, entry) == UINT64_MAX;
}

// The next element, or 0 at the end.
static addr_t set_iter_next(struct set_iter *it)
{
	const uint32_t stride = it->r->layout->struct_size[S_setentry];
	const uint32_t key_off = layout_off(it->r->layout, F_SETENTRY_KEY);
	const addr_t dummy = it->r->py->set_dummy;

	while (it->i < it->n) {
		const addr_t entry = it->table + it->i++ * stride;
		const addr_t key = py_read_ptr(it->r, entry + key_off, it->table);

		if (key && (dummy ? key != dummy : !has_no_hash(it->r, entry)))
			return key;
		edge_skip(&it->r->edges);
	}
	return 0;
}

static void visit_set(struct py_reader *r, const struct py_object *o)
{
	struct set_iter it;
	addr_t key;

	if (!set_iter_init(&it, r, o))
		return;
	while (r->edges.left && (key = set_iter_next(&it)))
		edge_emit(&r->edges, key, EDGE_VISIT, LABEL_ELEMENT, 0);
}

static uint64_t size_set(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;

	if (object_u64(r, o, F_SET_TABLE) == o->addr + layout_off(l, F_SET_SMALLTABLE))
		return o->type->basicsize;
	return o->type->basicsize + (object_u64(r, o, F_SET_MASK) + 1) * l->struct_size[S_setentry];
}

// {1, 2} is a set of 3.x; all others, and empty ones, are said to be what they are.
static void repr_set(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const bool is_old = layout_has(r->layout, F_INT27_IVAL), any = object_u64(r, o, F_SET_USED);
	const bool is_bare = any && !is_old && strcmp(o->type->name, "set") == 0;
	const char *dot = strrchr(o->type->name, '.');
	struct set_iter it;
	uint64_t shown = 0;
	addr_t key;

	if (!is_bare)
		strbuf_printf(out, "%s(", dot ? dot + 1 : o->type->name);
	strbuf_puts(out, is_old ? "[" : any ? "{" : "");
	if (set_iter_init(&it, r, o)) {
		while (shown < r->repr.pairs && (key = set_iter_next(&it))) {
			strbuf_puts(out, shown++ ? ", " : "");
			py_repr(r, key, out);
		}
	}
	if (object_u64(r, o, F_SET_USED) > shown)
		strbuf_puts(out, shown ? ", …" : "…");
	strbuf_puts(out, is_old ? "]" : any ? "}" : "");
	strbuf_puts(out, is_bare ? "" : ")");
}

const struct py_family family_set = {
	.types = "set|frozenset",
	.reads = S_PySetObject,
	.visit = visit_set,
	.size = size_set,
	.repr = repr_set,
};
