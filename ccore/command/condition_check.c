// SPDX-License-Identifier: GPL-2.0-or-later
// Conditions on objects: along the path, and then a comparison with what lies there.
#include "command/condition_check.h"
#include "py/attribute.h"

#include <stdlib.h>

// -- the path

struct item_search {
	struct session *s;
	const struct condition_part *part;
	addr_t found;
};

static bool is_int(const struct py_reader *r, const struct py_type *type)
{
	return type_has_flag(type, TPFLAG_LONG) ||
	       (layout_has(r->layout, F_INT27_IVAL) && type->family == &family_int27);
}

static bool is_index_key(struct session *s, addr_t key, uint64_t index)
{
	struct py_reader *r = heap_reader(&s->heap);
	const struct py_type *type = py_type_of(r, key);
	struct strbuf text = {0};
	char *end;
	bool same = false;

	if (type && is_int(r, type)) {
		py_repr(r, key, &text);
		same = text.n && !text.failed && strtoull(text.data, &end, 10) == index && !*end;
	}
	strbuf_done(&text);
	return same;
}

static bool take_item(void *ctx, const struct edge *e)
{
	struct item_search *x = ctx;
	const struct condition_part *part = x->part;

	if (e->label == LABEL_INDEX ? !part->name && e->word == part->index
	    : e->label == LABEL_KEY
		    ? (part->name ? text_equals(heap_reader(&x->s->heap), e->word, part->name)
				  : is_index_key(x->s, e->word, part->index))
		    : false)
		x->found = e->to;
	return !x->found;
}

static addr_t item_of(struct session *s, addr_t addr, const struct condition_part *part)
{
	struct item_search x = {.s = s, .part = part};
	uint32_t id;

	if (heap_node(&s->heap, addr, &id))
		references_each(&s->heap, id, take_item, &x);
	return x.found;
}

static addr_t step(struct session *s, addr_t addr, const struct condition_part *part)
{
	struct py_reader *r = heap_reader(&s->heap);
	struct py_object o;
	addr_t to;

	if (part->is_key)
		return item_of(s, addr, part);
	if (!py_object_open(r, addr, &o))
		return 0;
	to = instance_attribute(r, o.addr, part->name);
	return !to && type_has_flag(o.type, TPFLAG_DICT) ? dict_lookup(r, addr, part->name) : to;
}

// -- the comparison

static bool text_holds(struct session *s, const struct condition *c, const struct py_object *o)
{
	struct py_reader *r = heap_reader(&s->heap);
	struct strbuf text = {0};
	bool cut, ok;

	ok = type_has_flag(o->type, TPFLAG_BYTES) && layout_has(r->layout, F_STR_LENGTH)
		     ? bytes_append(r, o, LIM_CONDITION_TEXT, &text, &cut)
		     : text_append(r, o->addr, LIM_CONDITION_TEXT, &text, &cut);
	ok = ok && !text.failed && condition_text(c, text.data ? text.data : "");
	strbuf_done(&text);
	return ok;
}

// True and False count as 1 and 0, as they do in Python.
static bool number_of(struct session *s, const struct py_object *o, long double *ret)
{
	struct strbuf text = {0};
	char *end;
	bool ok;

	py_repr(heap_reader(&s->heap), o->addr, &text);
	ok = text.n && !text.failed;
	if (ok && strcmp(text.data, "True") == 0) {
		*ret = 1;
	} else if (ok && strcmp(text.data, "False") == 0) {
		*ret = 0;
	} else if (ok) {
		*ret = strtold(text.data, &end);
		end += *end == 'L'; // a long of 2.7
		ok = end != text.data && !*end;
	}
	strbuf_done(&text);
	return ok;
}

static bool is_number(const struct py_reader *r, const struct py_type *type)
{
	return type->family == &family_float || type->family == &family_bool || is_int(r, type);
}

static bool is_text(const struct py_type *type)
{
	return type_has_flag(type, TPFLAG_UNICODE) || type_has_flag(type, TPFLAG_BYTES);
}

// Of an object that is no text and no number: is it that one; does its repr match.
static bool object_holds(struct session *s, const struct condition *c, addr_t addr)
{
	struct strbuf text = {0};
	bool matches;

	if (c->op == OP_MATCH) {
		py_repr(heap_reader(&s->heap), addr, &text);
		matches = text.data && !text.failed && condition_text(c, text.data);
		strbuf_done(&text);
		return matches;
	}
	if (c->op == OP_EQ || c->op == OP_NE)
		return (c->value == VALUE_NUMBER && c->u64 == addr && addr) == (c->op == OP_EQ);
	return false;
}

static bool value_holds(struct session *s, const struct condition *c, addr_t addr)
{
	struct py_reader *r = heap_reader(&s->heap);
	const bool is_none = addr == r->py->none;
	struct py_object o;
	long double number;

	if (c->value == VALUE_NONE || is_none)
		return (is_none && c->value == VALUE_NONE) ? c->op == OP_EQ : c->op == OP_NE;
	if (!py_object_open(r, addr, &o))
		return false;
	if (is_text(o.type))
		return text_holds(s, c, &o);
	if (!is_number(r, o.type))
		return object_holds(s, c, addr);
	if (c->value == VALUE_NUMBER && c->op != OP_MATCH && number_of(s, &o, &number))
		return condition_number(c, number);
	return c->op == OP_MATCH ? object_holds(s, c, addr) : c->op == OP_NE;
}

static bool path_holds(struct session *s, struct condition *c, addr_t addr)
{
	for (uint32_t i = 0; addr && i < c->part_n; i++)
		addr = step(s, addr, &c->parts[i]);
	c->met |= addr != 0;
	return addr && value_holds(s, c, addr);
}

bool condition_holds(struct session *s, struct condition *c, uint32_t id,
		     const struct condition_facts *facts)
{
	struct strbuf text = {0};
	bool holds;

	switch (c->field) {
	case CONDITION_SIZE:
		return condition_u64(c, facts->size);
	case CONDITION_REFCOUNT:
		return condition_u64(c, facts->refcount);
	case CONDITION_ADDR:
		return condition_u64(c, node_address(s, id));
	case CONDITION_TYPE:
		return condition_text(c, heap_node_type(&s->heap, id)->name);
	case CONDITION_PATH:
		return path_holds(s, c, node_address(s, id));
	case CONDITION_REPR:
		break;
	}
	node_repr_text(s, id, &text);
	holds = !text.failed && condition_text(c, text.data ? text.data : "");
	strbuf_done(&text);
	return holds;
}
