// SPDX-License-Identifier: GPL-2.0-or-later
// Types of other extension modules whose references or sizes are more than plain members.
#include "py/families.h"

// -- datetime: objects without a zone end before the member for it

static void visit_zone(struct py_reader *r, const struct py_object *o, enum field_id has,
		       enum field_id zone)
{
	if (layout_has(r->layout, zone) && object_u64(r, o, has))
		edge_emit_text(&r->edges,
			       py_read_ptr(r, o->addr + layout_off(r->layout, zone), o->addr),
			       EDGE_OWN, ".tzinfo");
}

static void visit_datetime(struct py_reader *r, const struct py_object *o)
{
	visit_zone(r, o, F_DATETIME_HAS_ZONE, F_DATETIME_ZONE);
}

static void visit_time(struct py_reader *r, const struct py_object *o)
{
	visit_zone(r, o, F_TIME_HAS_ZONE, F_TIME_ZONE);
}

const struct py_family family_datetime = {
	.types = "datetime.datetime",
	.reads = S_naive_datetime,
	.needs = F_DATETIME_HAS_ZONE,
	.visit = visit_datetime,
};

const struct py_family family_time = {
	.types = "datetime.time",
	.reads = S_naive_time,
	.needs = F_TIME_HAS_ZONE,
	.visit = visit_time,
};

// -- SimpleQueue: a ring from 3.13 on, before that a list

static void visit_simple_queue(struct py_reader *r, const struct py_object *o)
{
	const uint64_t n = object_u64(r, o, F_QUEUE_N), cap = object_u64(r, o, F_QUEUE_CAPACITY);
	const uint64_t first = object_u64(r, o, F_QUEUE_FIRST);
	const addr_t items = object_u64(r, o, F_QUEUE_ITEMS);
	const uint64_t to_end = first <= cap ? u64_min(n, cap - first) : 0;

	if (n > cap || first > cap || cap > r->py->mem->bytes / 8) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return;
	}
	visit_pointers(r, items + first * 8, to_end, EDGE_VISIT, LABEL_INDEX, 0, o->addr);
	visit_pointers(r, items, n - to_end, EDGE_VISIT, LABEL_INDEX, to_end, o->addr);
}

const struct py_family family_simple_queue = {
	.types = "_queue.SimpleQueue",
	.reads = S_simple_queue,
	.needs = F_QUEUE_ITEMS,
	.visit = visit_simple_queue,
};

// -- sqlite3: callbacks in structs of their own, from 3.11 on

static void visit_sqlite_connection(struct py_reader *r, const struct py_object *o)
{
	static const struct {
		enum field_id field;
		const char *label;
	} callbacks[] = {
		{F_SQLITE_TRACE, " trace callback"},
		{F_SQLITE_PROGRESS, " progress handler"},
		{F_SQLITE_AUTHORIZER, " authorizer"},
	};
	const struct layout *l = r->layout;

	for (unsigned i = 0; i < sizeof(callbacks) / sizeof(callbacks[0]); i++) {
		const addr_t at = layout_has(l, callbacks[i].field)
					  ? object_u64(r, o, callbacks[i].field)
					  : 0;

		if (!at || !layout_has(l, F_SQLITE_CALLABLE) || !layout_has(l, F_SQLITE_MODULE))
			continue;
		edge_emit_text(&r->edges,
			       py_read_ptr(r, at + layout_off(l, F_SQLITE_CALLABLE), o->addr),
			       EDGE_VISIT, callbacks[i].label);
		edge_emit_text(&r->edges,
			       py_read_ptr(r, at + layout_off(l, F_SQLITE_MODULE), o->addr),
			       EDGE_VISIT, " module");
	}
}

const struct py_family family_sqlite_connection = {
	.types = "sqlite3.Connection",
	.reads = S_sqlite_connection,
	.needs = F_SQLITE_TRACE,
	.visit = visit_sqlite_connection,
};

// -- Struct: an array of format codes, the last of which has no definition

static uint64_t size_struct(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	const uint32_t stride = l->struct_size[S_formatcode];
	addr_t code = object_u64(r, o, F_STRUCT_CODES);
	uint64_t size = o->type->basicsize;

	if (!stride || !layout_has(l, F_FORMATCODE_DEF))
		return size;
	for (uint32_t i = 0; code && i < LIM_FORMAT_CODES; i++, code += stride) {
		size += stride;
		if (!py_read_ptr(r, code + layout_off(l, F_FORMATCODE_DEF), o->addr))
			return size;
	}
	if (code)
		damage_note(&r->damage, DAMAGE_LIMIT, o->addr);
	return size;
}

const struct py_family family_struct = {
	.types = "_struct.Struct|Struct",
	.reads = S_struct,
	.needs = F_STRUCT_CODES,
	.size = size_struct,
};
