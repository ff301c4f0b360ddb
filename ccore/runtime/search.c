// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/search.h"

#include "sym/mappings.h"

// -- words of modules

#define PIECE 4096u

struct scan {
	struct py_reader *r;
	word_fn fn;
	void *ctx;
	uint32_t misses_left;
};

static bool scan_range(struct scan *s, addr_t start, addr_t end)
{
	const struct mem *mem = s->r->py->mem;
	uint8_t scratch[PIECE];
	addr_t at = start;

	while (u64_align_up(mem_next_readable(mem, at), 8, &at) && at < end) {
		const uint64_t n = mem_readable(mem, at, u64_min(end - at, PIECE)) & ~7ull;
		const uint8_t *p = n ? py_get(s->r, at, n, scratch) : NULL;

		if (!p && !s->misses_left--)
			return false;
		for (uint64_t off = 0; p && off < n; off += 8) {
			const uint64_t value = load_u64(p + off);

			if (value && !s->fn(s->ctx, at + off, value))
				return false;
		}
		at += p ? n : PIECE;
	}
	return true;
}

// What was made read-only after it was relocated was written to, and is there.
static bool scan_module(struct scan *s, const struct target *t, const struct module *m)
{
	const struct mapping *p = NULL;

	while ((p = module_mapping(t, m, p)))
		if (p->start >= m->start && !(p->flags & (MAPPING_X | MAPPING_SHARED)) &&
		    (p->flags & MAPPING_W || !m->file) &&
		    !scan_range(s, p->start, u64_min(p->end, m->end)))
			return false;
	return !m->headless || m->file || scan_range(s, m->end, m->end + MODULE_BSS_BYTES);
}

void search_words(const struct target *t, const struct module *m, struct py_reader *r, word_fn fn,
		  void *ctx)
{
	struct scan s = {.r = r, .fn = fn, .ctx = ctx, .misses_left = LIM_MISSES};

	for (uint64_t i = 0; i < t->modules.n; i++)
		if ((!m || m == &t->modules.data[i]) && !scan_module(&s, t, &t->modules.data[i]))
			return;
}

// -- objects, read without a struct py_type: what types mean is not settled yet

uint64_t search_word(struct py_reader *r, addr_t addr)
{
	uint8_t scratch[8];
	const uint8_t *p = py_get(r, addr, 8, scratch);

	return p ? load_u64(p) : 0;
}

uint64_t search_field(struct py_reader *r, addr_t base, enum field_id f)
{
	uint8_t scratch[8];
	const struct field *field = &r->layout->fields[f];
	const uint8_t *p = field->found && field->size <= 8 && base
				   ? py_get(r, base + field->off, field->size, scratch)
				   : NULL;

	return p ? field_u64(r->layout, f, p - field->off) : 0;
}

bool search_is_object(struct py_reader *r, addr_t addr)
{
	const addr_t type = addr && addr % 8 == 0 ? search_field(r, addr, F_OB_TYPE) : 0;
	struct raw_type t;

	return raw_type_read(r, type, &t) && raw_type_is_type(r, &t) && raw_type_is_possible(r, &t);
}

bool search_is_gone(const struct target *t, addr_t addr)
{
	const struct mapping *m = addr % 8 == 0 ? mappings_find(&t->mappings, addr) : NULL;

	return m && m->flags & MAPPING_W && m->lost_bytes && addr - m->start >= m->saved_bytes &&
	       !mem_readable(&t->mem, addr, 1);
}

addr_t search_name(struct py_reader *r, const struct runtime *rt, const char *module,
		   const char *name)
{
	for (uint64_t i = 0; i < rt->interpreters.n; i++) {
		const addr_t modules =
			dict_at(r, dict_lookup(r, rt->interpreters.data[i].sysdict, "modules"));
		const addr_t m = modules ? dict_lookup(r, modules, module) : 0;
		const addr_t dict = dict_at(r, search_field(r, m, F_MD_DICT));
		const addr_t found = dict ? dict_lookup(r, dict, name) : 0;

		if (found)
			return found;
	}
	return 0;
}

addr_t search_builtin(struct py_reader *r, const struct runtime *rt, const char *name)
{
	const bool py27 = layout_has(r->layout, F_INT27_IVAL);

	return search_name(r, rt, py27 ? "__builtin__" : "builtins", name);
}

void search_set(struct layout *l, enum symbol_id id, addr_t addr)
{
	l->symbols[id] = addr;
	l->symbol_origin[id] = addr ? ORIGIN_STRUCTURE : ORIGIN_LAYOUT;
}
