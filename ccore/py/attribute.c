// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/attribute.h"

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

addr_t instance_attribute(struct py_reader *r, addr_t addr, const char *name)
{
	struct instance_attrs at;
	struct py_object o;
	addr_t found = 0;

	if (!py_object_open(r, addr, &o))
		return 0;
	instance_attrs(r, &o, &at);
	if (at.values)
		found = find_in_values(r, &o, &at, name);
	// Where the dict is a plain member, the type has no other place for it.
	if (!at.dict && !at.values)
		at.dict = find_member(r, &o, "__dict__");
	if (!found && at.dict)
		found = dict_lookup(r, at.dict, name);
	return found ? found : find_member(r, &o, name);
}

addr_t dict_find_int(struct py_reader *r, addr_t dict, int64_t key)
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

addr_t module_global(struct py_reader *r, addr_t sysdict, const char *module, const char *name)
{
	const addr_t modules = dict_lookup(r, sysdict, "modules");
	const addr_t found = modules ? dict_lookup(r, modules, module) : 0;
	struct py_object o;

	if (!found || !py_object_open(r, found, &o) || o.type->family != &family_module)
		return 0;
	return dict_lookup(r, object_u64(r, &o, F_MD_DICT), name);
}
