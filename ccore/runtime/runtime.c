// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/runtime.h"

#include "layout/companions.h"

// -- addresses that depend on where the version keeps its collector

static addr_t offset_from(const struct layout *l, addr_t base, enum field_id f)
{
	return layout_has(l, f) ? base + layout_off(l, f) : 0;
}

// `n` of an array of struct gc_generation.
static void generations_from(const struct layout *l, addr_t array, addr_t *ret, unsigned n)
{
	for (unsigned i = 0; array && i < n; i++)
		ret[i] = array + i * l->struct_size[S_gc_generation];
}

static void gc_from_struct(const struct layout *l, addr_t gc, struct gc_state *ret)
{
	const addr_t permanent = offset_from(l, gc, F_GCS_PERMANENT);

	*ret = (struct gc_state){
		.permanent = permanent ? permanent + layout_off(l, F_GEN_HEAD) : 0,
		.collecting = offset_from(l, gc, F_GCS_COLLECTING),
		.enabled = offset_from(l, gc, F_GCS_ENABLED),
		.debug = offset_from(l, gc, F_GCS_DEBUG),
		.garbage = offset_from(l, gc, F_GCS_GARBAGE),
		.callbacks = offset_from(l, gc, F_GCS_CALLBACKS),
		.stats = offset_from(l, gc, F_GCS_STATS),
		.long_total = offset_from(l, gc, F_GCS_LONG_TOTAL),
		.long_pending = offset_from(l, gc, F_GCS_LONG_PENDING),
	};
	if (layout_has(l, F_GCS_YOUNG) && layout_has(l, F_GCS_OLD)) {
		ret->generations[0] = gc + layout_off(l, F_GCS_YOUNG);
		generations_from(l, gc + layout_off(l, F_GCS_OLD), ret->generations + 1, 2);
	} else {
		generations_from(l, offset_from(l, gc, F_GCS_GENERATIONS), ret->generations,
				 GC_GENERATIONS);
	}
}

static void gc_from_statics(const struct layout *l, struct gc_state *ret)
{
	*ret = (struct gc_state){
		.collecting = l->symbols[SYM_COLLECTING],
		.enabled = l->symbols[SYM_ENABLED],
		.debug = l->symbols[SYM_DEBUG],
		.garbage = l->symbols[SYM_GARBAGE],
		.callbacks = l->symbols[SYM_CALLBACKS],
		.stats = l->symbols[SYM_GC_STATS],
		.long_total = l->symbols[SYM_LONG_TOTAL],
		.long_pending = l->symbols[SYM_LONG_PENDING],
	};
	generations_from(l, l->symbols[SYM_GENERATIONS], ret->generations, GC_GENERATIONS);
}

// The first interpreter owns a collector that all share.
static void find_gc(const struct layout *l, struct interpreter *in, bool first)
{
	struct gc_state *gc = &in->gc;

	if (layout_has(l, F_IS_GC))
		gc_from_struct(l, in->addr + layout_off(l, F_IS_GC), gc);
	else if (layout_has(l, F_RT_GC))
		gc_from_struct(l, l->symbols[SYM_PyRuntime] + layout_off(l, F_RT_GC), gc);
	else
		gc_from_statics(l, gc);
	in->owns_gc = layout_has(l, F_IS_GC) || first;
	if (layout_has(l, F_OB_GC_BITS)) { // the lists are there, and not used
		gc->permanent = 0;
		return;
	}
	for (unsigned i = 0; i < GC_GENERATIONS; i++)
		gc->heads[i] =
			gc->generations[i] ? gc->generations[i] + layout_off(l, F_GEN_HEAD) : 0;
}

// -- lists of interpreters and threads

static int first_interpreter(struct py_reader *r, addr_t *ret, struct ccore_error *err)
{
	const struct layout *l = r->layout;
	addr_t at = l->symbols[SYM_INTERP_HEAD];

	if (l->symbols[SYM_PyRuntime] && layout_has(l, F_RT_INTERPRETERS))
		at = l->symbols[SYM_PyRuntime] + layout_off(l, F_RT_INTERPRETERS);
	if (!at)
		return err_set(err, CCORE_ELAYOUT, 0,
			       "%s has neither _PyRuntime nor interp_head in its symbols",
			       l->module->name);
	TRY(mem_read_err(r->py->mem, at, ret, sizeof(*ret), "the list of interpreters", err));
	if (!*ret)
		return err_set(err, CCORE_ENOPYTHON, at,
			       "CPython is loaded (%s), but no interpreter was running in it",
			       l->module->name);
	return 0;
}

static addr_t read_field(struct py_reader *r, addr_t base, enum field_id f)
{
	addr_t x = 0;

	if (layout_has(r->layout, f) &&
	    mem_read_u64(r->py->mem, base + layout_off(r->layout, f), &x) < 0)
		damage_note(&r->damage, DAMAGE_BAD_THREAD, base);
	return x;
}

static void read_interpreter(struct py_reader *r, addr_t addr, struct interpreter *ret)
{
	const struct layout *l = r->layout;

	*ret = (struct interpreter){
		.addr = addr,
		.id = (int64_t)read_field(r, addr, F_IS_ID),
		.sysdict = read_field(r, addr, F_IS_SYSDICT),
		.static_types = {offset_from(l, addr, F_IS_STATIC_TYPES),
				 offset_from(l, addr, F_IS_EXT_TYPES)},
	};
}

// New interpreters are put at the head of the list: the main one is the last.
static int read_interpreters(struct runtime *rt, struct py_reader *r, struct hashmap *seen,
			     struct ccore_error *err)
{
	addr_t at = 0;
	uint32_t before;

	TRY(first_interpreter(r, &at, err));
	while (at) {
		struct interpreter in;

		if (at % 8 || rt->interpreters.n >= LIM_INTERPRETERS ||
		    hashmap_get(seen, at, &before)) {
			damage_note(&r->damage, DAMAGE_BAD_THREAD, at);
			break;
		}
		read_interpreter(r, at, &in);
		if (!vec_push(&rt->interpreters, in) || !hashmap_put(seen, at, 0))
			return err_nomem(err);
		at = read_field(r, at, F_IS_NEXT);
	}
	if (!rt->interpreters.n)
		return err_set(err, CCORE_EDAMAGED, at,
			       "the list of interpreters leads to 0x%llx, where none can be: this "
			       "part of the target's memory is damaged",
			       (unsigned long long)at);
	for (uint64_t i = 0, k = rt->interpreters.n - 1; i < k; i++, k--) {
		const struct interpreter swap = rt->interpreters.data[i];

		rt->interpreters.data[i] = rt->interpreters.data[k];
		rt->interpreters.data[k] = swap;
	}
	for (uint64_t i = 0; i < rt->interpreters.n; i++)
		find_gc(r->layout, &rt->interpreters.data[i], i == 0);
	return 0;
}

static addr_t thread_frame(struct py_reader *r, addr_t tstate, addr_t cframe)
{
	if (layout_has(r->layout, F_TS_FRAME))
		return read_field(r, tstate, F_TS_FRAME);
	if (!layout_has(r->layout, F_CF_CURRENT_FRAME))
		return 0;
	// what is not readable is no frame either, and will be found to be none
	if (!cframe ||
	    mem_readable(r->py->mem, cframe + layout_off(r->layout, F_CF_CURRENT_FRAME), 8) < 8)
		return cframe;
	return read_field(r, cframe, F_CF_CURRENT_FRAME);
}

static int read_threads(struct runtime *rt, struct py_reader *r, uint32_t interpreter,
			struct hashmap *seen, struct ccore_error *err)
{
	addr_t at = read_field(r, rt->interpreters.data[interpreter].addr, F_IS_THREADS);
	uint32_t before;

	while (at) {
		struct py_thread t = {.addr = at, .interpreter = interpreter};

		if (at % 8 || rt->threads.n >= LIM_THREADS || hashmap_get(seen, at, &before)) {
			damage_note(&r->damage, DAMAGE_BAD_THREAD, at);
			break;
		}
		t.thread_id = read_field(r, at, F_TS_THREAD_ID);
		t.native_id = read_field(r, at, F_TS_NATIVE_ID);
		t.cframe = read_field(r, at, F_TS_CFRAME);
		t.frame = thread_frame(r, at, t.cframe);
		if (!vec_push(&rt->threads, t) || !hashmap_put(seen, at, 0))
			return err_nomem(err);
		at = read_field(r, at, F_TS_NEXT);
	}
	return 0;
}

// -- the version

// sys.hexversion fits one digit of an int. Read without types: their meaning depends on it.
static bool read_hexversion(const struct runtime *rt, struct py_reader *r, uint32_t *ret)
{
	const struct layout *l = r->layout;
	const enum field_id digit = layout_has(l, F_INT27_IVAL) ? F_INT27_IVAL : F_LONG_DIGIT;

	for (uint64_t i = 0; layout_has(l, digit) && i < rt->interpreters.n; i++) {
		const addr_t value = dict_lookup(r, rt->interpreters.data[i].sysdict, "hexversion");

		if (value && mem_read_u32(r->py->mem, value + layout_off(l, digit), ret) == 0)
			return true;
	}
	return false;
}

static int read_version(struct runtime *rt, struct py_reader *r, uint32_t otherwise, uint32_t *ret,
			struct ccore_error *err)
{
	const struct layout *l = r->layout;

	if (read_hexversion(rt, r, ret))
		return 0;
	*ret = otherwise;
	if (otherwise)
		return 0;
	// Where there is no table to read that with, text in memory has it, or who gave the rest.
	if (l->version && layout_lacks_version(l)) {
		*ret = l->version;
		return 0;
	}
	return err_set(
		err, CCORE_EDAMAGED, rt->interpreters.data[0].sysdict,
		"cannot read sys.hexversion, so the version of CPython is not known: its "
		"memory is not in the target, or the interpreter was not yet or no longer running");
}

static int add_interned(struct py *py, addr_t at, struct ccore_error *err)
{
	addr_t dict;

	if (mem_read_u64(py->mem, at, &dict) < 0 || !dict)
		return 0;
	return vec_push(&py->interned, dict) ? 0 : err_nomem(err);
}

// The dicts of interned strings: one for all, later one for each interpreter.
static int find_interned(const struct runtime *rt, struct py_reader *r, struct ccore_error *err)
{
	static const enum symbol_id symbols[] = {SYM_INTERNED, SYM_INTERNED27};
	const struct layout *l = r->layout;

	for (unsigned i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (l->symbols[symbols[i]])
			TRY(add_interned(r->py, l->symbols[symbols[i]], err));
	if (layout_has(l, F_IS_INTERNED))
		for (uint64_t i = 0; i < rt->interpreters.n; i++)
			TRY(add_interned(
				r->py, rt->interpreters.data[i].addr + layout_off(l, F_IS_INTERNED),
				err));
	return 0;
}

int runtime_read(struct runtime *ret, struct py_reader *r, struct layout *layout,
		 uint32_t otherwise, struct ccore_error *err)
{
	struct hashmap seen = {0}; // states: lists of them may lead back
	uint32_t version = 0;
	int status;

	*ret = (struct runtime){0};
	status = read_interpreters(ret, r, &seen, err);
	if (status == 0)
		status = read_version(ret, r, otherwise, &version, err);
	if (status == 0)
		status = layout_set_version(layout, version, err);
	for (uint32_t i = 0; status == 0 && i < ret->interpreters.n; i++)
		status = read_threads(ret, r, i, &seen, err);
	hashmap_done(&seen);
	if (status < 0) {
		runtime_done(ret);
		return status;
	}
	for (unsigned i = 0; i < 2; i++)
		r->py->static_types[i] = ret->interpreters.data[0].static_types[i];
	status = find_interned(ret, r, err);
	if (status < 0)
		runtime_done(ret);
	return status;
}

int runtime_read_again(struct runtime *rt, struct py_reader *r, struct ccore_error *err)
{
	py_settle(r->py);
	for (uint64_t i = 0; i < rt->interpreters.n; i++)
		find_gc(r->layout, &rt->interpreters.data[i], i == 0);
	r->py->interned.n = 0;
	return find_interned(rt, r, err);
}

void runtime_done(struct runtime *rt)
{
	vec_done(&rt->interpreters);
	vec_done(&rt->threads);
}

bool runtime_knows_collecting(const struct runtime *rt, const struct mem *m)
{
	bool known = rt->interpreters.n != 0;

	for (uint64_t i = 0; known && i < rt->interpreters.n; i++) {
		const addr_t at = rt->interpreters.data[i].gc.collecting;

		known = at && mem_readable(m, at, 4) == 4;
	}
	return known;
}

bool runtime_is_collecting(const struct runtime *rt, const struct mem *m)
{
	for (uint64_t i = 0; i < rt->interpreters.n; i++) {
		const addr_t at = rt->interpreters.data[i].gc.collecting;
		uint32_t collecting;

		if (at && mem_read_u32(m, at, &collecting) == 0 && collecting)
			return true;
	}
	return false;
}
