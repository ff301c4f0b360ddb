// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/symbol_at.h"

#include "sym/debug_info.h"

#include <inttypes.h>

struct symbol {
	addr_t addr;
	uint64_t size;	  // 0: not known
	const char *name; // the arena's, NUL-terminated
};

struct module_symbols {
	bool loaded;
	VEC(struct symbol) all; // sorted by address
	struct arena arena;
};

static bool is_variable(const GElf_Sym *sym)
{
	const int type = GELF_ST_TYPE(sym->st_info);

	return type == STT_OBJECT && sym->st_shndx != SHN_UNDEF;
}

// "cache.1234" and "state.lto_priv.0" are the compiler's names of "cache" and "state".
static uint64_t base_name_n(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && dot != name ? (uint64_t)(dot - name) : strlen(name);
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

static void load(struct module_symbols *m, const struct target *t, const struct module *mod)
{
	struct debug_info d;
	int n = 0;

	m->loaded = true;
	// Without its file, names are offsets: that is said where they are shown.
	if (debug_info_open(&d, t, mod, NULL) == 0)
		n = dwfl_module_getsymtab(d.module);
	for (int i = 1; i < n; i++) {
		struct symbol s;
		GElf_Sym sym;
		GElf_Addr addr;
		const char *name =
			dwfl_module_getsym_info(d.module, i, &sym, &addr, NULL, NULL, NULL);

		if (!name || !*name || !is_variable(&sym))
			continue;
		s = (struct symbol){.addr = addr - d.bias + mod->bias, .size = sym.st_size};
		s.name = arena_strndup(&m->arena, name, base_name_n(name));
		if (!s.name || !vec_push(&m->all, s))
			break;
	}
	debug_info_close(&d);
	if (m->all.n)
		qsort(m->all.data, m->all.n, sizeof(*m->all.data), by_address);
}

// The symbol whose bytes `addr` is among.
static const struct symbol *find(const struct module_symbols *m, addr_t addr)
{
	uint64_t low = 0, high = m->all.n;
	const struct symbol *s;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (m->all.data[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	s = &m->all.data[low - 1];
	return addr - s->addr < (s->size ? s->size : 8) ? s : NULL;
}

// The file's name, without what says for which Python it was built.
static void module_text(const struct module *mod, struct strbuf *out)
{
	const char *slash = strrchr(mod->name, '/');
	const char *base = slash ? slash + 1 : mod->name;
	const char *tag = strstr(base, ".cpython-");

	if (tag) {
		strbuf_add(out, base, (uint64_t)(tag - base));
		strbuf_puts(out, ".so");
	} else {
		strbuf_puts(out, base);
	}
}

static const struct symbol *symbol_in(struct symbol_index *x, const struct module *mod, addr_t addr)
{
	struct module_symbols *m;

	if (!x->modules)
		x->modules = calloc(x->target->modules.n, sizeof(*x->modules));
	if (!x->modules)
		return NULL;
	m = &x->modules[mod - x->target->modules.data];
	if (!m->loaded)
		load(m, x->target, mod);
	return find(m, addr);
}

const char *symbol_name_at(struct symbol_index *x, addr_t addr)
{
	const struct module *mod = target_module_at(x->target, addr);
	const struct symbol *s = mod ? symbol_in(x, mod, addr) : NULL;

	return s ? s->name : NULL;
}

void symbol_at(struct symbol_index *x, addr_t addr, struct strbuf *out)
{
	const struct module *mod = target_module_at(x->target, addr);
	const struct symbol *s = mod ? symbol_in(x, mod, addr) : NULL;
	uint64_t off;

	if (!mod)
		return;
	module_text(mod, out);
	off = addr - (s ? s->addr : mod->start);
	if (s)
		strbuf_printf(out, ":%s", s->name);
	if (off)
		strbuf_printf(out, "+0x%" PRIx64, off);
}

void symbol_index_done(struct symbol_index *x)
{
	for (uint64_t i = 0; x->modules && i < x->target->modules.n; i++) {
		vec_done(&x->modules[i].all);
		arena_done(&x->modules[i].arena);
	}
	free(x->modules);
	x->modules = NULL;
}
