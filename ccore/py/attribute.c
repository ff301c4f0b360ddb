// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/attribute.h"

#include "py/exception.h"

static addr_t find_in_values(struct py_reader *r, const struct py_object *o,
			     const struct instance_attrs *at, const char *name)
{
	for (uint64_t i = 0; i < at->values_n && i < LIM_NAMESPACE; i++)
		if (text_equals(r, dict_keys_name(r, o->type->cached_keys, i), name))
			return py_read_ptr(r, at->values + i * 8, o->addr);
	return 0;
}

// Labels of members begin with a dot.
static addr_t find_member(struct py_reader *r, const struct py_object *o, const char *name)
{
	for (uint32_t i = 0; i < o->type->member_n; i++) {
		const struct py_member *m = &o->type->members[i];

		if (m->label[0] == '.' && strcmp(m->label + 1, name) == 0)
			return py_read_ptr(r, o->addr + m->off, o->addr);
	}
	return 0;
}

// Where the dict is a plain member, the type has no other place for it.
static void find_attrs(struct py_reader *r, const struct py_object *o, struct instance_attrs *ret)
{
	instance_attrs(r, o, ret);
	if (!ret->dict && !ret->values)
		ret->dict = find_member(r, o, "__dict__");
}

addr_t instance_attribute(struct py_reader *r, addr_t addr, const char *name)
{
	struct instance_attrs at;
	struct py_object o;
	addr_t found = 0;

	if (!py_object_open(r, addr, &o))
		return 0;
	find_attrs(r, &o, &at);
	if (at.values)
		found = find_in_values(r, &o, &at, name);
	if (!found && at.dict)
		found = dict_lookup(r, at.dict, name);
	return found ? found : find_member(r, &o, name);
}

bool attributes_have(struct py_reader *r, addr_t addr, addr_t value)
{
	struct instance_attrs at;
	struct py_object o;
	struct dict_iter it;
	struct dict_item item;

	if (!py_object_open(r, addr, &o))
		return false;
	find_attrs(r, &o, &at);
	for (uint32_t i = 0; i < o.type->member_n; i++)
		if (py_read_ptr(r, o.addr + o.type->members[i].off, o.addr) == value)
			return true;
	for (uint64_t i = 0; at.values && i < at.values_n && i < LIM_NAMESPACE; i++)
		if (py_read_ptr(r, at.values + i * 8, o.addr) == value)
			return true;
	if (!at.dict || !dict_iter_init_at(&it, r, at.dict))
		return false;
	it.n = u64_min(it.n, LIM_NAMESPACE);
	while (dict_iter_next(&it, &item))
		if (item.value == value)
			return true;
	return false;
}

// The attribute in the dict of class `type` or of one it is derived from.
static addr_t class_attribute(struct py_reader *r, addr_t type, const char *name)
{
	struct py_object o;
	uint64_t n = 0;
	addr_t mro, found = dict_lookup(r, type_dict(r, type), name);

	if (found || !py_object_open(r, type, &o) || o.n < r->layout->struct_size[S_PyTypeObject])
		return found;
	mro = object_u64(r, &o, F_TP_MRO);
	(void)sequence_item(r, mro, 0, &n); // its length is wanted
	for (uint64_t i = 1; i < n && i < LIM_TYPE_DEPTH && !found; i++)
		found = dict_lookup(r, type_dict(r, sequence_item(r, mro, i, NULL)), name);
	return found;
}

// 2.7's: the class is no type, and has no list of bases that is looked through here.
static addr_t old_class_attribute(struct py_reader *r, const struct py_object *o, const char *name)
{
	addr_t cls = o->addr;

	if (o->type->family == &family_instance27)
		cls = py_read_ptr(r, o->addr + layout_off(r->layout, F_IN_CLASS), o->addr);
	return cls && layout_has(r->layout, F_CL_DICT)
		       ? dict_lookup(r, py_read_ptr(r, cls + layout_off(r->layout, F_CL_DICT), cls),
				     name)
		       : 0;
}

addr_t object_attribute(struct py_reader *r, addr_t addr, const char *name, bool *ret_of_class)
{
	addr_t found = instance_attribute(r, addr, name);
	struct py_object o;

	*ret_of_class = false;
	if (found || !py_object_open(r, addr, &o))
		return found;
	if (o.type->family == &family_module)
		return dict_lookup(r, object_u64(r, &o, F_MD_DICT), name);
	if (strcmp(name, "__class__") == 0)
		return o.type->addr;
	if (o.type->flags & TYPE_IS_TYPE && (found = class_attribute(r, addr, name)))
		return found;
	*ret_of_class = true;
	if (o.type->family == &family_instance27 || o.type->family == &family_class27)
		return old_class_attribute(r, &o, name);
	return class_attribute(r, o.type->addr, name);
}

// The value of int key `key` of the dict at `dict`, or 0.
static addr_t item_of_int(struct py_reader *r, addr_t dict, int64_t key)
{
	struct dict_iter it;
	struct dict_item item;
	int64_t value;

	if (!dict || !dict_iter_init_at(&it, r, dict))
		return 0;
	while (dict_iter_next(&it, &item))
		if (int_value(r, item.key, &value) && value == key)
			return item.value;
	return 0;
}

addr_t object_item(struct py_reader *r, addr_t addr, int64_t i)
{
	const struct py_type *type = py_type_of(r, addr);
	uint64_t n = 0;

	if (!type)
		return 0;
	if (type_has_flag(type, TPFLAG_DICT))
		return item_of_int(r, addr, i);
	(void)sequence_item(r, addr, 0, &n); // its length is wanted
	if (i < 0 && i64_abs(i) > n)
		return 0;
	return sequence_item(r, addr, i < 0 ? n - i64_abs(i) : (uint64_t)i, NULL);
}

addr_t object_value(struct py_reader *r, addr_t addr, const char *key)
{
	const struct py_type *type = py_type_of(r, addr);
	struct dict_iter it;
	struct dict_item item;

	if (!type || !type_has_flag(type, TPFLAG_DICT) || !dict_iter_init_at(&it, r, addr))
		return 0;
	while (dict_iter_next(&it, &item))
		if (text_is(r, item.key, key))
			return item.value;
	return 0;
}

static bool take_name(struct py_reader *r, addr_t name, bool (*take)(void *ctx, const char *name),
		      void *ctx)
{
	struct strbuf text = {0};
	const bool go_on = !text_append(r, name, LIM_NAME_BYTES, &text, NULL) || text.failed ||
			   take(ctx, text.data ? text.data : "");

	strbuf_done(&text);
	return go_on;
}

void attributes_each(struct py_reader *r, addr_t addr, bool (*take)(void *ctx, const char *name),
		     void *ctx)
{
	struct instance_attrs at;
	struct py_object o;
	struct dict_iter it;
	struct dict_item item;

	if (!py_object_open(r, addr, &o))
		return;
	for (uint32_t i = 0; i < o.type->member_n; i++)
		if (o.type->members[i].label[0] == '.' && !take(ctx, o.type->members[i].label + 1))
			return;
	find_attrs(r, &o, &at);
	if (o.type->family == &family_module)
		at.dict = object_u64(r, &o, F_MD_DICT);
	else if (o.type->flags & TYPE_IS_TYPE)
		at.dict = type_dict(r, addr);
	for (uint64_t i = 0; at.values && i < at.values_n && i < LIM_NAMESPACE; i++)
		if (!take_name(r, dict_keys_name(r, o.type->cached_keys, i), take, ctx))
			return;
	if (at.dict && dict_iter_init_at(&it, r, at.dict))
		while (dict_iter_next(&it, &item))
			if (!take_name(r, item.key, take, ctx))
				return;
}

addr_t module_global(struct py_reader *r, addr_t sysdict, const char *module, const char *name)
{
	const addr_t modules = dict_at(r, dict_lookup(r, sysdict, "modules"));
	const addr_t found = modules ? dict_lookup(r, modules, module) : 0;
	struct py_object o;

	if (!found || !py_object_open(r, found, &o) || o.type->family != &family_module)
		return 0;
	return dict_lookup(r, dict_at(r, object_u64(r, &o, F_MD_DICT)), name);
}
