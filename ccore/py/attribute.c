// SPDX-License-Identifier: GPL-2.0-or-later
// Attributes by name, of what an object itself holds: no code of the target is run for them.
#include "py/families.h"

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

addr_t instance_attribute(struct py_reader *r, const struct py_object *o, const char *name)
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
