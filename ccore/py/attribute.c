// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/attribute.h"

static addr_t from_values(struct py_reader *r, const struct py_object *o,
			  const struct instance_attrs *at, const char *name)
{
	addr_t value;

	for (uint64_t i = 0; i < at->values_n && i < LIM_NAMESPACE; i++)
		if (text_equals(r, dict_keys_name(r, o->type->cached_keys, i), name))
			return mem_read_u64(r->py->mem, at->values + i * 8, &value) < 0 ? 0 : value;
	return 0;
}

static addr_t from_members(struct py_reader *r, const struct py_object *o, const char *name)
{
	for (uint32_t i = 0; i < o->type->member_n; i++) {
		const struct py_member *m = &o->type->members[i];

		if (m->label[0] == '.' && strcmp(m->label + 1, name) == 0)
			return m->off + 8 <= o->n ? load_u64(o->p + m->off)
						  : py_read_ptr(r, o->addr + m->off, o->addr);
	}
	return 0;
}

static addr_t find_attribute(struct py_reader *r, const struct py_object *o, const char *name)
{
	struct instance_attrs at;
	addr_t value, dict;

	if (strcmp(name, "__class__") == 0)
		return o->type->addr;
	value = from_members(r, o, name);
	if (value)
		return value;
	instance_attrs(r, o, &at);
	if (at.values)
		return from_values(r, o, &at, name);
	// Of functions, modules and old-style instances it is a plain member.
	dict = at.dict ? at.dict : from_members(r, o, "__dict__");
	if (strcmp(name, "__dict__") == 0)
		return dict;
	return dict ? dict_lookup(r, dict, name) : 0;
}

addr_t instance_attribute(struct py_reader *r, addr_t addr, const char *name)
{
	struct py_object o;

	return py_object_open(r, addr, &o) ? find_attribute(r, &o, name) : 0;
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
