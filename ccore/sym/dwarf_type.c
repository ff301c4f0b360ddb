// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/dwarf_type.h"

#include "util/checked.h"

#include <dwarf.h>

// Structs within a struct, as far as a path goes and through anonymous ones; deeper is a loop.
#define NESTED_MAX 16u
#define TYPEDEFS_MAX 64u

static bool is_struct(Dwarf_Die *die)
{
	const int tag = dwarf_tag(die);

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

bool dwarf_type_is_declaration(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	bool flag;

	return dwarf_attr(die, DW_AT_declaration, &attr) && dwarf_formflag(&attr, &flag) == 0 &&
	       flag;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

bool dwarf_type_peel(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die at = *die;

	for (unsigned i = 0; i < TYPEDEFS_MAX; i++) {
		switch (dwarf_tag(&at)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_atomic_type:
			if (!type_of(&at, &at))
				return false;
			break;
		default:
			// The definition may be in a type unit.
			if (!dwarf_attr(&at, DW_AT_signature, &attr))
				*ret = at;
			else if (!dwarf_formref_die(&attr, ret))
				return false;
			return true;
		}
	}
	return false;
}

uint64_t dwarf_type_size(Dwarf_Die *type)
{
	Dwarf_Word size;

	return dwarf_aggregate_size(type, &size) == 0 ? size : 0;
}

static bool attr_number(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word x;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &x) != 0)
		return false;
	*ret = x;
	return true;
}

// DW_AT_data_member_location: a number, in old DWARF an expression that adds one; 0 in a union.
static bool member_location(Dwarf_Die *member, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t n;

	*ret = 0;
	if (!dwarf_attr(member, DW_AT_data_member_location, &attr) ||
	    attr_number(member, DW_AT_data_member_location, ret))
		return true;
	if (dwarf_getlocation(&attr, &ops, &n) != 0 || n != 1 || ops[0].atom != DW_OP_plus_uconst)
		return false;
	*ret = ops[0].number;
	return true;
}

/*
 * Where `member` starts in its struct, in bits. Old DWARF counts a bit-field's offset from the
 * highest bit of its storage unit.
 */
static bool member_bit(Dwarf_Die *member, uint64_t bit_size, uint64_t *ret)
{
	uint64_t location, from_top, storage;
	Dwarf_Die type;

	if (attr_number(member, DW_AT_data_bit_offset, ret))
		return true;
	if (!member_location(member, &location) || !u64_mul(location, 8, ret))
		return false;
	if (!bit_size || !attr_number(member, DW_AT_bit_offset, &from_top))
		return true;
	if (!attr_number(member, DW_AT_byte_size, &storage))
		storage = type_of(member, &type) ? dwarf_type_size(&type) : 0;
	*ret += storage * 8 - from_top - bit_size;
	return true;
}

static bool name_is(Dwarf_Die *die, const char *name, uint64_t n)
{
	const char *s = dwarf_diename(die);

	return s && strncmp(s, name, n) == 0 && !s[n];
}

struct level {
	Dwarf_Die next;	   // member to look at
	uint64_t base_bit; // of its struct in the outermost one
};

// The first member of the struct `type`, which starts at `base_bit`.
static bool enter(struct level *levels, unsigned *n, Dwarf_Die *type, uint64_t base_bit)
{
	Dwarf_Die def;

	if (*n == NESTED_MAX || !dwarf_type_peel(type, &def) || !is_struct(&def) ||
	    dwarf_child(&def, &levels[*n].next) != 0)
		return false;
	levels[(*n)++].base_bit = base_bit;
	return true;
}

/*
 * The member `name` of the struct `type`, also in anonymous structs and unions in it: those are
 * looked through where they stand, on a stack of our own.
 */
static bool find_member(Dwarf_Die *type, const char *name, uint64_t name_n, Dwarf_Die *ret,
			uint64_t *ret_bit)
{
	struct level levels[NESTED_MAX];
	unsigned n = 0;

	(void)enter(levels, &n, type, 0); // nothing in it, nothing found
	while (n) {
		struct level *l = &levels[n - 1];
		Dwarf_Die member = l->next, inner;
		const uint64_t base = l->base_bit;
		uint64_t bit = 0, bit_size = 0;

		if (dwarf_siblingof(&member, &l->next) != 0)
			n--;
		if (dwarf_tag(&member) != DW_TAG_member)
			continue;
		(void)attr_number(&member, DW_AT_bit_size, &bit_size); // 0: no bit-field
		if (!member_bit(&member, bit_size, &bit))
			continue;
		if (name_is(&member, name, name_n)) {
			*ret = member;
			*ret_bit = base + bit;
			return true;
		}
		if (!dwarf_hasattr(&member, DW_AT_name) && type_of(&member, &inner))
			(void)enter(levels, &n, &inner, base + bit); // not a struct: skipped
	}
	return false;
}

static bool points_to_struct(Dwarf_Die *type)
{
	Dwarf_Die at, target;

	return dwarf_type_peel(type, &at) && dwarf_tag(&at) == DW_TAG_pointer_type &&
	       type_of(&at, &target) && dwarf_type_peel(&target, &at) && is_struct(&at);
}

static bool set_answer(Dwarf_Die *member, Dwarf_Die *type, uint64_t bit, struct member_request *ret)
{
	uint64_t bit_size = 0, size = dwarf_type_size(type);

	(void)attr_number(member, DW_AT_bit_size, &bit_size); // 0: no bit-field
	if ((!bit_size && bit % 8) || (ret->to_struct && !points_to_struct(type)))
		return false;
	if (bit_size)
		size = (bit % 8 + bit_size + 7) / 8;
	if (bit / 8 > UINT32_MAX || size > UINT32_MAX || bit_size > 64)
		return false;
	ret->off = (uint32_t)(bit / 8);
	ret->size = (uint32_t)size;
	ret->bit_off = bit_size ? (uint32_t)(bit % 8) : 0;
	ret->bit_size = (uint32_t)bit_size;
	return true;
}

bool dwarf_type_member(Dwarf_Die *type, const char *path, uint64_t path_n,
		       struct member_request *ret)
{
	Dwarf_Die at = *type, member;
	uint64_t bit = 0;

	for (;;) {
		const char *dot = memchr(path, '.', path_n);
		const uint64_t n = dot ? (uint64_t)(dot - path) : path_n;
		uint64_t member_at;

		if (!find_member(&at, path, n, &member, &member_at) || !type_of(&member, &at))
			return false;
		bit += member_at;
		if (!dot)
			return set_answer(&member, &at, bit, ret);
		path += n + 1;
		path_n -= n + 1;
	}
}
