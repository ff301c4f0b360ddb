// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/type_shape.h"

#include <stdio.h>

static const struct shape {
	uint64_t hash;
	uint32_t versions; // bits of version_bit()
	const char *name;
} shapes[] = {
#define SHAPE(hash, versions, name) {hash, versions, name},
#include "layout/shapes.inc"
};

// What CPython's own modules call static types of its own.
static const struct known_alias {
	uint32_t versions;
	const char *alias, *name;
} known_aliases[] = {
#define ALIAS(versions, alias, name) {versions, alias, name},
#include "layout/shapes.inc"
};

#define SHAPE_N (sizeof(shapes) / sizeof(shapes[0]))

// Attributes of one type: more is no type of C's.
#define ATTRIBUTES_MAX 1000u

// As tools/gen_layouts.py numbers the versions.
static uint32_t version_bit(const struct py_reader *r)
{
	const uint32_t v = r->layout->version;
	const unsigned minor = v >> 16 & 0xff;

	return v >> 24 == 2 ? 1u : minor > 5 && minor < 32 ? 1u << (minor - 5) : 0;
}

// tools/gen_layouts.py does the same; attributes come in any order.
static uint64_t text_hash(const char *s, uint64_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (uint64_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 0x100000001b3ull;
	return h;
}

static bool shape_hash(struct py_reader *r, const struct raw_type *t, uint64_t *ret)
{
	const uint64_t bytes = raw_u64(r, t, F_TP_BASICSIZE) - r->layout->struct_size[S_PyObject];
	struct strbuf key = {0};
	struct dict_iter it;
	struct dict_item item;
	uint64_t hash = 0;
	bool ok = true;

	if (!dict_iter_init_at(&it, r, type_dict(r, t->addr)) || it.n > 4 * ATTRIBUTES_MAX)
		return false;
	while (ok && dict_iter_next(&it, &item)) {
		key.n = 0;
		ok = text_append(r, item.key, LIM_NAME_BYTES, &key, NULL) && !key.failed;
		if (ok) // of a part only, it would be another type's
			hash += text_hash(key.data, key.n);
	}
	strbuf_done(&key);
	hash ^= bytes * 0x9e3779b97f4a7c15ull;
	hash ^= raw_u64(r, t, F_TP_ITEMSIZE) * 0xc2b2ae3d27d4eb4full;
	hash ^= (raw_u64(r, t, F_TP_FLAGS) >> TPFLAG_HAVE_GC & 1) * 0x165667b19e3779f9ull;
	*ret = hash;
	return ok;
}

// The first of the shapes with `hash`, which are sorted; SHAPE_N: there is none.
static size_t first_shape(uint64_t hash)
{
	size_t low = 0, high = SHAPE_N;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (shapes[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low < SHAPE_N && shapes[low].hash == hash ? low : SHAPE_N;
}

static const char *last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static const struct type_alias *next_alias(const struct py *py, addr_t addr, uint64_t *i)
{
	while (*i < py->aliases.n) {
		const struct type_alias *a = &py->aliases.data[(*i)++];

		if (a->addr == addr)
			return a;
	}
	return NULL;
}

static bool some_alias_is(const struct py *py, addr_t addr, const char *name)
{
	const struct type_alias *a;
	uint64_t i = 0;

	while ((a = next_alias(py, addr, &i)))
		if (strcmp(a->name, name) == 0)
			return true;
	return false;
}

// Of the types of `versions` that look like it the only one, or the one that some module calls so.
static enum name_origin choose_shape(const struct py *py, addr_t addr, size_t first,
				     uint32_t versions, const char **ret)
{
	const char *any = NULL;
	unsigned n = 0;

	for (size_t k = first; k < SHAPE_N && shapes[k].hash == shapes[first].hash; k++) {
		if (!(shapes[k].versions & versions))
			continue;
		any = any ? any : shapes[k].name;
		n++;
		if (some_alias_is(py, addr, last_part(shapes[k].name))) {
			*ret = shapes[k].name;
			return NAME_BY_SHAPE;
		}
	}
	*ret = any;
	return n == 1 ? NAME_BY_SHAPE : n ? NAME_UNSURE : NAME_UNKNOWN;
}

static enum name_origin from_shapes(struct py_reader *r, const struct raw_type *t, const char **ret)
{
	enum name_origin origin;
	uint64_t hash;
	size_t i;

	if (!shape_hash(r, t, &hash) || (i = first_shape(hash)) == SHAPE_N)
		return NAME_UNKNOWN;
	origin = choose_shape(r->py, t->addr, i, version_bit(r), ret);
	return origin == NAME_UNKNOWN ? choose_shape(r->py, t->addr, i, UINT32_MAX, ret) : origin;
}

static bool is_alias(const struct type_alias *a, const char *full)
{
	const size_t n = strlen(a->module);

	return strncmp(full, a->module, n) == 0 && full[n] == '.' &&
	       strcmp(full + n + 1, a->name) == 0;
}

static const char *known_alias(const struct py_reader *r, addr_t addr)
{
	const uint32_t version = version_bit(r);
	const struct type_alias *a;
	uint64_t i = 0;

	while ((a = next_alias(r->py, addr, &i)))
		for (size_t k = 0; k < sizeof(known_aliases) / sizeof(known_aliases[0]); k++)
			if (known_aliases[k].versions & version &&
			    is_alias(a, known_aliases[k].alias))
				return known_aliases[k].name;
	return NULL;
}

static bool is_builtins(const char *module)
{
	return strcmp(module, "builtins") == 0 || strcmp(module, "__builtin__") == 0;
}

/*
 * By what tells the interpreter itself that an object is an int, a tuple and so on, which is left
 * where the type's attributes are cut off. It is inherited: the first to have it is the type.
 */
static const char *name_of_flag(struct py_reader *r, const struct raw_type *t)
{
	static const struct {
		unsigned flag;
		const char *name, *name27;
	} known[] = {
		{TPFLAG_INT27, NULL, "int"},
		{TPFLAG_LONG, "int", "long"},
		{TPFLAG_LIST, "list", "list"},
		{TPFLAG_TUPLE, "tuple", "tuple"},
		{TPFLAG_BYTES, "bytes", "str"},
		{TPFLAG_UNICODE, "str", "unicode"},
		{TPFLAG_DICT, "dict", "dict"},
		{TPFLAG_BASE_EXC, "BaseException", "exceptions.BaseException"},
		{TPFLAG_TYPE, "type", "type"},
	};
	const addr_t base = raw_u64(r, t, F_TP_BASE);
	const uint64_t flags = raw_u64(r, t, F_TP_FLAGS);
	const bool py27 = layout_has(r->layout, F_INT27_IVAL);
	struct raw_type b;

	if (!base && raw_type_read(r, r->layout->symbols[SYM_TYPE_TYPE], &b) &&
	    raw_u64(r, &b, F_TP_BASE) == t->addr)
		return "object";
	if (!base || !raw_type_read(r, base, &b))
		return NULL;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *name = py27 ? known[i].name27 : known[i].name;

		if (name && flags >> known[i].flag & 1 &&
		    !(raw_u64(r, &b, F_TP_FLAGS) >> known[i].flag & 1))
			return name;
	}
	return NULL;
}

enum name_origin type_shape_name(struct py_reader *r, const struct raw_type *t, char *buf,
				 uint64_t cap)
{
	const struct type_alias *a, *other = NULL, *built_in = NULL;
	const char *name = NULL, *built_in_name;
	enum name_origin origin = from_shapes(r, t, &name);
	uint64_t i = 0;

	while ((a = next_alias(r->py, t->addr, &i))) {
		if (is_builtins(a->module))
			built_in = a;
		// Which module made it is not known: the one that is no mere part of another.
		if (!other || (other->module[0] == '_' && a->module[0] != '_'))
			other = a;
	}
	built_in_name = built_in ? built_in->name : name_of_flag(r, t);
	if (origin != NAME_BY_SHAPE && built_in_name) {
		(void)snprintf(buf, cap, "%s", built_in_name); // cut, it is still a name
		return NAME_OF_BUILTIN;
	}
	if (origin != NAME_BY_SHAPE && known_alias(r, t->addr)) {
		name = known_alias(r, t->addr);
		origin = NAME_BY_SHAPE;
	}
	if (origin != NAME_BY_SHAPE && other) {
		(void)snprintf(buf, cap, "%s.%s", other->module, other->name);
		return NAME_OF_MODULE;
	}
	if (name && origin == NAME_UNSURE)
		(void)snprintf(buf, cap, "<like %s 0x%llx>", name, (unsigned long long)t->addr);
	else if (name)
		(void)snprintf(buf, cap, "%s", name);
	return built_in ? NAME_OF_BUILTIN : origin;
}

void type_alias_add(struct py_reader *r, const char *module, const char *name, addr_t addr)
{
	struct py *py = r->py;
	const struct type_alias a = {addr, module, arena_strdup(&py->arena, name)};

	if (!a.name || !vec_push(&py->aliases, a))
		py->out_of_memory = true;
}

void type_aliases_add(struct py_reader *r, const char *module, addr_t dict)
{
	struct strbuf name = {0};
	struct dict_iter it;
	struct dict_item item;
	struct raw_type t;

	if (!dict_iter_init_at(&it, r, dict))
		return;
	it.n = u64_min(it.n, LIM_NAMESPACE);
	while (dict_iter_next(&it, &item)) {
		if (!raw_type_read(r, item.value, &t) || !raw_type_is_type(r, &t) ||
		    !raw_type_is_possible(r, &t) ||
		    raw_u64(r, &t, F_TP_FLAGS) >> TPFLAG_HEAPTYPE & 1)
			continue;
		name.n = 0;
		if (text_append(r, item.key, LIM_NAME_BYTES, &name, NULL) && !name.failed)
			type_alias_add(r, module, name.data, item.value);
	}
	strbuf_done(&name);
}
