// SPDX-License-Identifier: GPL-2.0-or-later
// All types met so far, by address.
#include "py/raw_type.h"

// -- finding them; all under py->lock

static bool remember(struct py *py, addr_t key, struct py_type *type)
{
	if (!type) // too many of these is the target's doing: they are then looked up again
		return py->type_by_addr.n > LIM_TYPES || hashmap_put(&py->type_by_addr, key, 0);
	if (py->types.n >= LIM_TYPES)
		return false;
	type->index = (uint32_t)py->types.n;
	return vec_push(&py->types, type) && hashmap_put(&py->type_by_addr, key, type->index + 1);
}

static const struct py_type *known_type(const struct py *py, addr_t addr, bool *ret_known)
{
	uint32_t i = 0;

	*ret_known = hashmap_get(&py->type_by_addr, addr, &i);
	return *ret_known && i ? py->types.data[i - 1] : NULL;
}

// The bases of `addr` that are not yet known, nearest first, at most LIM_TYPE_DEPTH.
static uint32_t unknown_bases(struct py_reader *r, addr_t addr, addr_t *chain,
			      const struct py_type **ret_known_base)
{
	struct raw_type t;
	uint32_t n = 0;
	bool known;

	*ret_known_base = NULL;
	while (addr && n < LIM_TYPE_DEPTH) {
		*ret_known_base = known_type(r->py, addr, &known);
		if (known)
			break;
		if (!raw_type_read(r, addr, &t) || !raw_type_is_type(r, &t) ||
		    !raw_type_is_possible(r, &t))
			break;
		chain[n++] = addr;
		addr = raw_u64(r, &t, F_TP_BASE);
	}
	return n;
}

static const struct py_type *load_type(struct py_reader *r, addr_t addr)
{
	addr_t chain[LIM_TYPE_DEPTH];
	const struct py_type *base;
	struct py_type *type = NULL;
	struct raw_type t;
	uint32_t n = unknown_bases(r, addr, chain, &base);

	if (!n && base)
		return base;
	if (!n && !remember(r->py, addr, NULL))
		r->py->out_of_memory = true;
	while (n--) {
		if (r->py->arena.total_bytes > r->py->max_bytes) {
			r->py->out_of_memory = true;
			return NULL;
		}
		type = raw_type_read(r, chain[n], &t) ? type_make(r, &t, base) : NULL;
		if (!type || !remember(r->py, chain[n], type)) {
			r->py->out_of_memory = true;
			return NULL;
		}
		base = type;
	}
	return type;
}

// Everything that type_make() reads of other objects (names, dictionaries) is read without
// asking for their types through here, so the lock is never taken twice.
const struct py_type *py_type_slow(struct py_reader *r, addr_t addr)
{
	const uint64_t slot = (addr >> 4) % PY_TYPE_CACHE;
	const struct py_type *type;
	bool known;

	if (!addr || addr % 8)
		return NULL;
	pthread_mutex_lock(&r->py->lock);
	type = known_type(r->py, addr, &known);
	if (!known)
		type = load_type(r, addr);
	pthread_mutex_unlock(&r->py->lock);
	r->cache[slot].addr = addr;
	r->cache[slot].type = type;
	return type;
}

static const struct py_type *make_class27(struct py_reader *r, const struct py_type *instance,
					  addr_t cls)
{
	struct py_type *type = arena_alloc(&r->py->arena, sizeof(*type));

	if (!type)
		return NULL;
	*type = *instance;
	type->name = class27_name(r, cls);
	if (!type->name || !remember(r->py, cls | 1, type))
		return NULL;
	return type;
}

const struct py_type *py_class_of_instance27(struct py_reader *r, const struct py_type *type,
					     addr_t object)
{
	const struct py_type *named;
	addr_t cls;
	bool known;

	if (!layout_has(r->layout, F_IN_CLASS) ||
	    mem_read_u64(r->py->mem, object + layout_off(r->layout, F_IN_CLASS), &cls) < 0 ||
	    !cls || cls % 8)
		return type;
	pthread_mutex_lock(&r->py->lock);
	// Object addresses are even: the odd key cannot be taken for a type's.
	named = known_type(r->py, cls | 1, &known);
	if (!known)
		named = make_class27(r, type, cls);
	pthread_mutex_unlock(&r->py->lock);
	return named ? named : type;
}
