// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/self_test.h"

#include "heap/gc_bits.h"
#include "layout/companions.h"
#include "runtime/search.h"
#include "sym/target.h"

// Objects of each list that are looked at.
#define OBJECTS_SEEN_MAX 2000u

static int wrong(addr_t addr, const char *what, struct ccore_error *err)
{
	return err_set(err, CCORE_ELAYOUT, addr, "%s at 0x%llx is not as this layout has it", what,
		       (unsigned long long)addr);
}

// -- types whose struct is known, and nothing after it

static const struct sized_type {
	const char *name;
	enum struct_id object;
} sized_types[] = {
	{"dict", S_PyDictObject},
	{"list", S_PyListObject},
	{"set", S_PySetObject},
	{"float", S_PyFloatObject},
	{"object", S_PyObject},
	{"type", S_PyHeapTypeObject},
	{"bytearray", S_PyByteArrayObject},
	{"frozenset", S_PySetObject},
};

// The two types that lead to each other, where there is no table of dicts to look for more.
static int test_first_types(struct py_reader *r, struct ccore_error *err)
{
	const struct layout *l = r->layout;
	const addr_t type = l->symbols[SYM_TYPE_TYPE], base = search_field(r, type, F_TP_BASE);

	if (!search_is_object(r, type) ||
	    search_field(r, type, F_TP_BASICSIZE) != l->struct_size[S_PyHeapTypeObject])
		return wrong(type, "type", err);
	if (!search_is_object(r, base) ||
	    search_field(r, base, F_TP_BASICSIZE) != l->struct_size[S_PyObject])
		return wrong(base, "object", err);
	return 0;
}

static int test_types(const struct runtime *rt, struct py_reader *r, struct ccore_error *err)
{
	const struct layout *l = r->layout;
	const char *module = layout_has(l, F_INT27_IVAL) ? "__builtin__" : "builtins";
	uint32_t seen = 0;

	for (unsigned i = 0; i < sizeof(sized_types) / sizeof(sized_types[0]); i++) {
		const struct sized_type *s = &sized_types[i];
		const addr_t type = search_name(r, rt, module, s->name);

		if (!type || !l->struct_size[s->object])
			continue;
		if (!search_is_object(r, type) ||
		    search_field(r, type, F_TP_BASICSIZE) != l->struct_size[s->object])
			return wrong(type, s->name, err);
		seen++;
	}
	if (!seen)
		return err_set(err, CCORE_ELAYOUT, 0,
			       "the module %s is not to be found with this layout", module);
	return 0;
}

// -- threads

static int test_threads(const struct runtime *rt, struct py_reader *r, struct ccore_error *err)
{
	for (uint64_t i = 0; i < rt->threads.n; i++) {
		const struct py_thread *t = &rt->threads.data[i];
		const addr_t owner = rt->interpreters.data[t->interpreter].addr;

		if (layout_has(r->layout, F_TS_INTERP) &&
		    search_field(r, t->addr, F_TS_INTERP) != owner)
			return wrong(t->addr, "a thread", err);
	}
	return 0;
}

// -- the collector's lists

// How many of the first objects are none, of `*ret_n`; negative when the ring is broken.
static int bad_objects(struct py_reader *r, addr_t head, uint32_t *ret_n)
{
	addr_t at = search_field(r, head, F_GC_NEXT) & ~3ull, before = head;
	int bad = 0;

	for (; at != head && *ret_n < OBJECTS_SEEN_MAX; ++*ret_n) {
		if (!at || at % 8 || (search_field(r, at, F_GC_PREV) & ~3ull) != before)
			return -1;
		bad += !search_is_object(r, at + layout_gc_head(r->layout));
		before = at;
		at = search_field(r, at, F_GC_NEXT) & ~3ull;
	}
	return bad;
}

// Damage may break a list or an object; a wrong layout breaks them all.
static int test_lists(const struct runtime *rt, struct py_reader *r, struct ccore_error *err)
{
	const struct gc_state *gc = &rt->interpreters.data[0].gc;
	uint32_t broken = 0, lists = 0;

	for (unsigned i = 0; i < GC_GENERATIONS; i++) {
		uint32_t n = 0;
		const int bad = gc->heads[i] ? bad_objects(r, gc->heads[i], &n) : 0;

		lists += gc->heads[i] != 0;
		broken += bad < 0 ? n < 3 : (uint32_t)bad > n / 2;
	}
	return lists && broken == lists ? wrong(gc->heads[0], "the collector's list", err) : 0;
}

// Without lists: an interpreter that runs has modules and types, wherever it allocates them.
static int test_heaps(const struct runtime *rt, struct py_reader *r, const struct target *t,
		      struct ccore_error *err)
{
	uint32_t n, bad;

	if (t->damage.count[DAMAGE_TRUNCATED])
		return 0;
	TRY(gc_bits_sample(rt, 0, r, OBJECTS_SEEN_MAX, &n, &bad));
	return bad > n / 2 || !n ? wrong(rt->interpreters.data[0].addr,
					 "the memory that objects are allocated from", err)
				 : 0;
}

int self_test(const struct runtime *rt, struct py_reader *r, const struct target *t,
	      uint32_t expected_version, struct ccore_error *err)
{
	if (expected_version && expected_version >> 8 != r->layout->version >> 8)
		return err_set(err, CCORE_ELAYOUT, 0,
			       "sys.hexversion reads as 0x%x with this layout", r->layout->version);
	TRY(test_first_types(r, err));
	if (!layout_lacks(r->layout, S_PyDictObject) && !layout_lacks(r->layout, S_PyUnicodeObject))
		TRY(test_types(rt, r, err));
	TRY(test_threads(rt, r, err));
	return layout_has(r->layout, F_OB_GC_BITS) ? test_heaps(rt, r, t, err)
						   : test_lists(rt, r, err);
}
