// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "py/raw_type.h"
#include "session/session.h"

#include <stdlib.h>

// A type object, or an old-style class of 2.7.
struct class
{
	uint32_t id;
	const char *name;
	uint64_t refcount; // TABLE_UNKNOWN: immortal
	uint64_t instances;
};

// How many instances each type index has.
struct instances {
	uint64_t *by_type;
	uint64_t type_n;
};

struct class_list {
	VEC(struct class) all;
};

static int most_references_first(const void *a, const void *b)
{
	const struct class *x = a, *y = b;
	const bool x_known = x->refcount != TABLE_UNKNOWN, y_known = y->refcount != TABLE_UNKNOWN;

	if (x_known != y_known)
		return x_known ? -1 : 1;
	if (x->refcount != y->refcount)
		return x->refcount < y->refcount ? 1 : -1;
	if (x->instances != y->instances)
		return x->instances < y->instances ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static bool is_old_style(const struct py_type *type)
{
	return type->family == &family_class27;
}

static bool is_class(const struct heap *h, uint64_t id)
{
	const struct py_type *type = heap_node_type(h, id);

	return !(h->node_flags[id] & NODE_BAD) &&
	       (type->flags & TYPE_IS_TYPE || is_old_style(type));
}

// The name that its instances are counted under, also where there are none.
static const char *class_name(struct py_reader *r, const struct py_object *o)
{
	const struct py_type *type = is_old_style(o->type) ? NULL : py_type_get(r, o->addr);

	return is_old_style(o->type) ? class27_name(r, o->addr) : type ? type->name : NULL;
}

// Of the class at `addr`. Classes without instances may have become known since they were counted.
static uint64_t instances_of(const struct instances *n, const struct py *py, addr_t addr, bool old)
{
	uint32_t index; // + 1

	// Old-style classes are known by the odd address.
	if (!hashmap_get(&py->type_by_addr, old ? addr | 1 : addr, &index))
		return 0;
	return index && index <= n->type_n ? n->by_type[index - 1] : 0;
}

static bool describe(struct session *s, uint64_t id, const struct instances *instances,
		     struct class *ret)
{
	struct py_reader *r = heap_reader(&s->heap);
	struct py_object o;
	bool immortal;

	*ret = (struct class){.id = (uint32_t)id};
	if (!py_object_open(r, s->heap.node_addr[id], &o))
		return false;
	ret->name = class_name(r, &o);
	ret->refcount = py_refcount(r, &o, &immortal);
	if (immortal)
		ret->refcount = TABLE_UNKNOWN;
	ret->instances = instances_of(instances, &s->heap.py, o.addr, is_old_style(o.type));
	return ret->name;
}

static int collect(struct session *s, const char *match, const struct instances *instances,
		   struct class_list *ret, struct ccore_error *err)
{
	for (uint64_t id = 0; id < s->heap.node_n; id++) {
		struct class c;

		TRY(progress_poll(&s->progress, "reading classes", id, s->heap.node_n, err));
		if (is_class(&s->heap, id) && describe(s, id, instances, &c) &&
		    (!match || type_name_matches(c.name, match)) && !vec_push(&ret->all, c))
			return err_nomem(err);
	}
	return 0;
}

static int count_instances(const struct heap *h, struct instances *ret, struct ccore_error *err)
{
	ret->type_n = h->py.types.n;
	ret->by_type = calloc(ret->type_n + 1, sizeof(*ret->by_type));
	if (!ret->by_type)
		return err_nomem(err);
	for (uint64_t id = 0; id < h->node_n; id++)
		ret->by_type[h->node_type[id]] += !(h->node_flags[id] & NODE_BAD);
	return 0;
}

// Where __module__ is no text in the class's own dict, its name tells, or it is a builtin.
static void module_text(struct session *s, const struct class *c, struct strbuf *out)
{
	struct py_reader *r = heap_reader(&s->heap);
	const addr_t addr = s->heap.node_addr[c->id];
	const bool old = is_old_style(heap_node_type(&s->heap, c->id));
	const char *dot = strrchr(c->name, '.');
	addr_t dict = 0;

	if (!old)
		dict = type_dict(r, addr);
	else if (mem_read_u64(r->py->mem, addr + layout_off(r->layout, F_CL_DICT), &dict) < 0)
		dict = 0;
	if (text_append(r, dict_lookup(r, dict, "__module__"), LIM_NAME_BYTES, out, NULL))
		return;
	if (dot)
		strbuf_add(out, c->name, (uint64_t)(dot - c->name));
	else
		strbuf_puts(out, layout_has(r->layout, F_INT27_IVAL) ? "__builtin__" : "builtins");
}

static void fill(struct session *s, struct table *t, const struct class_list *list, uint64_t limit)
{
	const uint64_t addr = table_column(t, "addr", "", CCORE_ADDR, 0);
	const uint64_t type = table_column(t, "type", "", CCORE_STR, 0);
	const uint64_t refcount = table_column(t, "refcount", "", CCORE_U64, COLUMN_NULLABLE);
	const uint64_t instances = table_column(t, "instances", "objects", CCORE_U64, COLUMN_TOTAL);
	const uint64_t module = table_column(t, "module", "", CCORE_STR, 0);

	t->noun = "classes";
	for (uint64_t i = 0; i < list->all.n; i++) {
		const struct class *c = &list->all.data[i];
		const uint64_t row = table_row(t);
		struct strbuf text = {0};

		table_set_u64(t, row, addr, node_address(s, c->id));
		table_set_u64(t, row, refcount, c->refcount);
		table_set_u64(t, row, instances, c->instances);
		if (i >= limit)
			continue;
		table_set_str(t, row, type, c->name);
		module_text(s, c, &text);
		t->failed |= text.failed;
		table_set_str(t, row, module, text.data ? text.data : "");
		strbuf_done(&text);
	}
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct class_list list = {0};
	struct instances instances = {0};
	int status = heap_need_nodes(&s->heap, err);

	if (status == 0)
		status = count_instances(&s->heap, &instances, err);
	if (status == 0)
		status = collect(s, args_str(a, "--match"), &instances, &list, err);
	if (status == 0 && list.all.n)
		qsort(list.all.data, list.all.n, sizeof(*list.all.data), most_references_first);
	if (status == 0)
		fill(s, &r->table, &list, a->limit);
	vec_done(&list.all);
	free(instances.by_type);
	return status;
}

const struct command command_classes = {
	.name = "classes",
	.summary = "classes by reference count, with their instances",
	.argument = "",
	.details = "Each instance of a class made in Python holds a reference to it, so a class "
		   "with many is one with many instances, or one that many others refer to. A "
		   "refcount of - is that of an immortal class; those come last.",
	.example = "classes -n 3 --match __main__.*\n"
		   "addr        type            refcount  instances  module\n"
		   "0x3e222990  __main__.Row        7204      7,200  __main__\n"
		   "0x3e21b430  __main__.Table        22         18  __main__\n"
		   "0x3e21bb10  __main__.DB           10          6  __main__\n"
		   "… 1 more class\n"
		   "Total 7,225 objects\n",
	.params =
		{
			{"--match", "GLOB", NULL, NULL, "only classes of this name (zope.*)"},
		},
	.run = run,
};
