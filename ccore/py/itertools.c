// SPDX-License-Identifier: GPL-2.0-or-later
// itertools: iterators with arrays of their own, which their size counts; what tee() keeps.
#include "py/families.h"

// `n` indices beside the object, where they are counted.
static uint64_t size_with(struct py_reader *r, const struct py_object *o, uint64_t n)
{
	if (!r->layout->facts[FACT_ITERTOOLS_SIZEOF])
		return o->type->basicsize;
	if (n > r->py->mem->bytes / 8) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return o->type->basicsize;
	}
	return o->type->basicsize + n * 8;
}

static uint64_t size_combinations(struct py_reader *r, const struct py_object *o)
{
	return size_with(r, o, object_u64(r, o, F_COMBINATIONS_R));
}

const struct py_family family_combinations = {
	.types = "itertools.combinations|itertools.combinations_with_replacement",
	.reads = S_combinations,
	.needs = F_COMBINATIONS_R,
	.size = size_combinations,
};

static uint64_t size_permutations(struct py_reader *r, const struct py_object *o)
{
	uint64_t n;

	if (!u64_add(tuple_length(r, object_u64(r, o, F_PERMUTATIONS_POOL)),
		     object_u64(r, o, F_PERMUTATIONS_R), &n))
		n = UINT64_MAX;
	return size_with(r, o, n);
}

const struct py_family family_permutations = {
	.types = "itertools.permutations",
	.reads = S_permutations,
	.needs = F_PERMUTATIONS_R,
	.size = size_permutations,
};

static uint64_t size_product(struct py_reader *r, const struct py_object *o)
{
	return size_with(r, o, tuple_length(r, object_u64(r, o, F_PRODUCT_POOLS)));
}

const struct py_family family_product = {
	.types = "itertools.product",
	.reads = S_product,
	.needs = F_PRODUCT_POOLS,
	.size = size_product,
};

// What has been read and not yet given to all.
static void visit_tee_data(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	const int64_t n = field_i64(l, F_TEE_NUMREAD, o->p);

	if (n < 0 || !layout_has(l, F_TEE_VALUES) ||
	    (uint64_t)n > l->fields[F_TEE_VALUES].size / 8) {
		damage_note(&r->damage, DAMAGE_BAD_CONTAINER, o->addr);
		return;
	}
	visit_pointers(r, o->addr + layout_off(l, F_TEE_VALUES), (uint64_t)n, EDGE_VISIT,
		       LABEL_INDEX, 0, o->addr);
}

const struct py_family family_tee_data = {
	.types = "itertools._tee_dataobject|itertools.tee_dataobject",
	.reads = S_teedata,
	.needs = F_TEE_NUMREAD,
	.visit = visit_tee_data,
};
