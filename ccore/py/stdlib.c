// SPDX-License-Identifier: GPL-2.0-or-later
// Types of the standard library that keep objects outside their struct: deque, OrderedDict,
// lru_cache; and buffered files, whose size includes the buffer.
#include "py/families.h"
#include "py/redact.h"

// -- deque: blocks of pointers, linked both ways

static uint64_t deque_length(struct py_reader *r, const struct py_object *o)
{
	return layout_has(r->layout, F_DEQUE_LEN27) ? object_u64(r, o, F_DEQUE_LEN27)
						    : py_var_size(r, o);
}

static uint64_t block_slots(const struct layout *l)
{
	return layout_has(l, F_DEQUE_DATA) ? l->fields[F_DEQUE_DATA].size / 8 : 0;
}

static void visit_deque(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t left = deque_length(r, o), at, slots, done = 0;
	addr_t block;

	slots = block_slots(l);
	if (!layout_has(l, F_DEQUE_LEFT) || !slots)
		return;
	if (left > r->py->mem->bytes / 8) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return;
	}
	at = object_u64(r, o, F_DEQUE_LEFT_INDEX);
	block = object_u64(r, o, F_DEQUE_LEFT);
	while (left && r->edges.left) {
		const uint64_t n = at < slots ? u64_min(left, slots - at) : 0;

		// Each block holds something, so a loop of blocks ends with the length.
		if (!n || !block) {
			damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
			return;
		}
		visit_pointers(r, block + layout_off(l, F_DEQUE_DATA) + at * 8, n, EDGE_VISIT,
			       LABEL_INDEX, done, o->addr);
		done += n;
		left -= n;
		at = 0;
		block = left ? py_read_ptr(r, block + layout_off(l, F_DEQUE_RIGHT), o->addr) : 0;
	}
}

// deque.__sizeof__(): whole blocks, from 2.7.? on and 3.5 on.
static uint64_t size_deque(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t blocks;

	if (!layout_has(l, F_DEQUE_LEFT) || !block_slots(l))
		return o->type->basicsize;
	blocks = (object_u64(r, o, F_DEQUE_LEFT_INDEX) + deque_length(r, o) + block_slots(l) - 1) /
		 block_slots(l);
	return o->type->basicsize + blocks * l->struct_size[S_dequeblock];
}

static void add_deque_items(struct py_reader *r, const struct py_object *o, uint64_t n,
			    struct strbuf *out)
{
	const struct layout *l = r->layout;
	uint64_t at = object_u64(r, o, F_DEQUE_LEFT_INDEX);
	addr_t block = object_u64(r, o, F_DEQUE_LEFT), item;

	for (uint64_t i = 0; i < n; i++, at++) {
		if (at >= block_slots(l) && block) {
			block = py_read_ptr(r, block + layout_off(l, F_DEQUE_RIGHT), o->addr);
			at = 0;
		}
		strbuf_puts(out, i ? ", " : "");
		item = block ? py_read_ptr(r, block + layout_off(l, F_DEQUE_DATA) + at * 8, o->addr)
			     : 0;
		if (item)
			py_repr(r, item, out);
		else
			strbuf_putc(out, '?');
	}
}

static void add_maxlen(struct py_reader *r, int64_t maxlen, struct strbuf *out)
{
	if (maxlen < 0)
		return;
	strbuf_puts(out, ", maxlen=");
	if (r->py->redact)
		redact_value(r->py, "int", sizeof(maxlen), &maxlen, sizeof(maxlen), out);
	else
		strbuf_printf(out, "%lld", (long long)maxlen);
}

static void repr_deque(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const struct layout *l = r->layout;
	const uint64_t n = deque_length(r, o);

	if (o->type->flags & TYPE_PYTHON || !layout_has(l, F_DEQUE_MAXLEN) || !block_slots(l)) {
		strbuf_printf(out, "deque of %llu", (unsigned long long)n);
		return;
	}
	strbuf_puts(out, "deque([");
	add_deque_items(r, o, u64_min(n, r->repr.items), out);
	if (n > r->repr.items) {
		strbuf_puts(out, ", … ");
		strbuf_add_count(out, n);
		strbuf_puts(out, " in all");
	}
	strbuf_putc(out, ']');
	add_maxlen(r, field_i64(l, F_DEQUE_MAXLEN, o->p), out);
	strbuf_putc(out, ')');
}

const struct py_family family_deque = {
	.types = "collections.deque",
	.reads = S_dequeobject,
	.needs = F_DEQUE_LEFT,
	.visit = visit_deque,
	.size = size_deque,
	.repr = repr_deque,
};

// -- OrderedDict: a dict, and a list of nodes that own the keys once more

static void visit_odict(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t n = u64_min(object_u64(r, o, F_MA_USED), r->py->mem->bytes / 8);
	addr_t node;

	family_dict.visit(r, o);
	if (!layout_has(l, F_OD_FIRST) || !layout_has(l, F_ODNODE_KEY))
		return;
	node = object_u64(r, o, F_OD_FIRST);
	// Each node is memory of its own, so a loop ends with the edges that may come.
	for (; node && n && r->edges.left; n--) {
		edge_emit_text(&r->edges,
			       py_read_ptr(r, node + layout_off(l, F_ODNODE_KEY), o->addr),
			       EDGE_VISIT, " key");
		node = py_read_ptr(r, node + layout_off(l, F_ODNODE_NEXT), o->addr);
	}
	if (node || n)
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
}

static uint64_t size_odict(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t size = family_dict.size(r, o);

	if (layout_has(l, F_OD_FAST_NODES_SIZE))
		size += 8 * object_u64(r, o, F_OD_FAST_NODES_SIZE) +
			l->struct_size[S_odictnode] * object_u64(r, o, F_MA_USED);
	return size;
}

static addr_t value_of_key(struct py_reader *r, const struct py_object *o, addr_t key)
{
	struct dict_iter it;
	struct dict_item item;

	if (!dict_iter_init(&it, r, o))
		return 0;
	it.n = u64_min(it.n, LIM_NAMESPACE);
	while (dict_iter_next(&it, &item))
		if (item.key == key)
			return item.value;
	return 0;
}

// In the order of the nodes, which move_to_end() changes. Returns how many were shown.
static uint64_t add_odict_items(struct py_reader *r, const struct py_object *o, bool pairs,
				struct strbuf *out)
{
	const struct layout *l = r->layout;
	const uint64_t n = u64_min(object_u64(r, o, F_MA_USED), r->repr.pairs);
	addr_t node = object_u64(r, o, F_OD_FIRST);
	uint64_t i;

	for (i = 0; i < n && node; i++) {
		const addr_t key = py_read_ptr(r, node + layout_off(l, F_ODNODE_KEY), o->addr);
		const addr_t value = key ? value_of_key(r, o, key) : 0;

		strbuf_puts(out, i ? ", " : "");
		strbuf_puts(out, pairs ? "(" : "");
		py_repr(r, key, out);
		strbuf_puts(out, pairs ? ", " : ": ");
		if (value)
			py_repr(r, value, out);
		else
			strbuf_putc(out, '?');
		strbuf_puts(out, pairs ? ")" : "");
		node = py_read_ptr(r, node + layout_off(l, F_ODNODE_NEXT), o->addr);
	}
	return i;
}

static void repr_odict(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint64_t used = object_u64(r, o, F_MA_USED);
	const bool pairs = r->layout->facts[FACT_ODICT_PAIRS];
	uint64_t shown;

	if (o->type->flags & TYPE_PYTHON || !layout_has(r->layout, F_OD_FIRST) ||
	    !layout_has(r->layout, F_ODNODE_KEY)) {
		family_dict.repr(r, o, out);
		return;
	}
	strbuf_puts(out, "OrderedDict(");
	if (used) {
		strbuf_putc(out, pairs ? '[' : '{');
		shown = add_odict_items(r, o, pairs, out);
		strbuf_puts(out, used > shown ? shown ? ", …" : "…" : "");
		strbuf_putc(out, pairs ? ']' : '}');
	}
	strbuf_putc(out, ')');
}

const struct py_family family_odict = {
	.types = "collections.OrderedDict",
	.reads = S_odictobject,
	.needs = F_OD_FIRST,
	.visit = visit_odict,
	.size = size_odict,
	.repr = repr_odict,
};

// -- lru_cache: it visits what its elements hold, which are no GC objects

// Elements that the collector tracks are visited, in place of others what they hold.
static void visit_lru_element(struct py_reader *r, const struct py_object *o, addr_t at)
{
	const struct py_type *type = py_type_of(r, at);
	const struct layout *l = r->layout;

	if (type && type->flags & TYPE_GC) {
		edge_emit_text(&r->edges, at, EDGE_VISIT, " element");
		return;
	}
	edge_emit_text(&r->edges, py_read_ptr(r, at + layout_off(l, F_LRU_KEY), o->addr),
		       EDGE_VISIT, " cached key");
	edge_emit_text(&r->edges, py_read_ptr(r, at + layout_off(l, F_LRU_RESULT), o->addr),
		       EDGE_VISIT, " cached result");
	if (type && type->flags & TYPE_HEAP)
		edge_emit_text(&r->edges, type->addr, EDGE_VISIT, " element type");
}

static void visit_lru_cache(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t left;
	addr_t root, at;

	if (!layout_has(l, F_LRU_ROOT) || !layout_has(l, F_LRU_NEXT))
		return;
	// More elements than there is memory for are a loop.
	left = r->py->mem->bytes / l->struct_size[S_lru_list_elem];
	root = o->addr + layout_off(l, F_LRU_ROOT);
	at = py_read_ptr(r, root + layout_off(l, F_LRU_NEXT), o->addr);
	// Their owners are the elements, which are objects, too.
	r->edges.uncounted = true;
	for (; at && at != root && left && r->edges.left; left--) {
		visit_lru_element(r, o, at);
		at = py_read_ptr(r, at + layout_off(l, F_LRU_NEXT), o->addr);
	}
	r->edges.uncounted = false;
	if (at && at != root)
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
}

const struct py_family family_lru_cache = {
	.types = "functools._lru_cache_wrapper",
	.needs = F_LRU_ROOT,
	.visit = visit_lru_cache,
};

// -- buffered files

static uint64_t size_buffered(struct py_reader *r, const struct py_object *o)
{
	if (!layout_has(r->layout, F_BUFFERED_BUFFER) || !object_u64(r, o, F_BUFFERED_BUFFER))
		return o->type->basicsize;
	return o->type->basicsize + object_u64(r, o, F_BUFFERED_SIZE);
}

const struct py_family family_buffered = {
	.types = "_io.BufferedReader|_io.BufferedWriter|_io.BufferedRandom",
	.reads = S_buffered,
	.needs = F_BUFFERED_BUFFER,
	.size = size_buffered,
};

// The bytes object is counted with it as long as no one else holds it; 2.7 has plain memory.
static uint64_t size_bytesio(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	struct py_object buf;
	bool is_guess, is_immortal;

	if (layout_has(l, F_BYTESIO_SIZE27))
		return o->type->basicsize + object_u64(r, o, F_BYTESIO_SIZE27);
	// One that is shared is the bytes object's own.
	if (!layout_has(l, F_BYTESIO_BUF) ||
	    !py_object_open(r, object_u64(r, o, F_BYTESIO_BUF), &buf) ||
	    buf.type->family != &family_bytes || py_refcount(r, &buf, &is_immortal) > 1)
		return o->type->basicsize;
	return o->type->basicsize + py_sizeof(r, &buf, &is_guess);
}

const struct py_family family_bytesio = {
	.types = "_io.BytesIO",
	.reads = S_bytesio,
	.needs = F_BYTESIO_BUF,
	.size = size_bytesio,
};

static uint64_t size_array(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t item_size = 0, size = 0;

	if (layout_has(l, F_ARRAYDESCR_ITEMSIZE))
		item_size = py_read_ptr(
			r, object_u64(r, o, F_ARRAY_DESCR) + layout_off(l, F_ARRAYDESCR_ITEMSIZE),
			o->addr);
	if (l->fields[F_ARRAYDESCR_ITEMSIZE].size == 4)
		item_size = (uint32_t)item_size;
	if (!u64_mul(object_u64(r, o, F_ARRAY_ALLOCATED), item_size, &size) ||
	    !u64_add(size, o->type->basicsize, &size)) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return o->type->basicsize;
	}
	return size;
}

const struct py_family family_array = {
	.types = "array.array",
	.reads = S_arrayobject,
	.needs = F_ARRAY_ALLOCATED,
	.size = size_array,
};
