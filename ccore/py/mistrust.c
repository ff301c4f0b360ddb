// SPDX-License-Identifier: GPL-2.0-or-later
// Kinds of types that the tables were caught to be wrong about: their own code is asked instead.
#include "py/families.h"

uint64_t py_type_kind(const struct py_type *type)
{
	const uint64_t python = type->flags & TYPE_PYTHON ? 1 : 0;

	while (type->flags & TYPE_PYTHON && type->base)
		type = type->base;
	return type->addr | python; // objects are aligned
}

static void ask_code(struct py_type *type)
{
	if (!(type->flags & TYPE_GC) || !type->tp_traverse)
		return;
	type->traverse = type->tp_traverse;
	type->traverser = type;
	type->flags |= TYPE_MISTRUSTED;
	type->flags &= ~(unsigned)TYPE_LEAF;
}

void type_mistrust(const struct py *py, struct py_type *type)
{
	for (uint64_t i = 0; i < py->mistrusted.n; i++)
		if (py->mistrusted.data[i] == py_type_kind(type))
			ask_code(type);
}

void py_mistrust(struct py *py, const struct py_type *type)
{
	const uint64_t kind = py_type_kind(type);

	for (uint64_t i = 0; i < py->mistrusted.n; i++)
		if (py->mistrusted.data[i] == kind)
			return;
	if (!vec_push(&py->mistrusted, kind)) {
		py->out_of_memory = true;
		return;
	}
	for (uint64_t i = 0; i < py->types.n; i++)
		if (py_type_kind(py->types.data[i]) == kind)
			ask_code(py->types.data[i]);
}
