// SPDX-License-Identifier: GPL-2.0-or-later
// Which module is the interpreter, and which layouts it may have.
#include "layout/layout.h"

#include "layout/cache.h"
#include "layout/companions.h"
#include "layout/extensions.h"
#include "layout/layout_text.h"
#include "layout/python_version.h"
#include "layout/requests.h"
#include "layout/shipped.h"
#include "layout/validate.h"
#include "mem/src.h"

#include <stdio.h>
#include <stdlib.h>

// -- which module is the interpreter

static bool looks_like_python(const struct module *m)
{
	const char *slash = strrchr(m->name, '/');

	return strstr(slash ? slash : m->name, "python") != NULL;
}

// 1 when `m` defines PyType_Type, else 0 or an error.
static int defines_python(const struct target *t, const struct module *m, struct ccore_error *err)
{
	struct sym_request type = {.names = "PyType_Type"};

	TRY(symbols_find(t, m, &type, 1, true, err));
	return type.found;
}

static const char *what_is_lost(const struct target *t)
{
	const bool is_cut = t->damage.count[DAMAGE_TRUNCATED];

	if (t->damage.count[DAMAGE_MISSING_NOTES])
		return is_cut ? " (the core is cut off: its notes, which gcore writes last, are "
				"missing)"
			      : " (the core's notes are missing)";
	return is_cut ? ", as far as the core was not cut off" : "";
}

// Whether there is anything that objects can be in, or was before the core was cut off.
static bool has_own_memory(const struct target *t)
{
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];

		// Files' pages have variables, and some types, but no heap and no stack.
		if (m->flags & MAPPING_W && !(m->flags & MAPPING_SHARED) && m->name[0] != '/' &&
		    (m->saved_bytes || m->lost_bytes))
			return true;
	}
	return t->kind != TARGET_CORE || t->damage.count[DAMAGE_TRUNCATED];
}

// Whether the core was cut off before all that it should have of `m`.
static bool is_cut_off(const struct target *t, const struct module *m)
{
	const struct mapping *p = NULL;
	uint64_t saved = 0, lost = 0;

	while ((p = module_mapping(t, m, p))) {
		saved += p->saved_bytes;
		lost += p->lost_bytes;
	}
	return lost && !saved;
}

static int no_python(const struct target *t, struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->modules.n; i++) {
		const struct module *m = &t->modules.data[i];

		if (!looks_like_python(m) || m->file ||
		    strncmp(m->name, "/usr/lib/python", 15) == 0)
			continue;
		if (is_cut_off(t, m))
			return err_set(err, CCORE_ENOPYTHON, m->start,
				       "the core is cut off before all that it had of the "
				       "interpreter %s, whose variables lead to the objects",
				       m->name);
		return err_set(err, CCORE_ENOPYTHON, m->start,
			       "the interpreter %s is not here%s: name the file with "
			       "--exe, or the folder it is in with --sysroot",
			       m->name, m->other_build ? " in the build that the target ran" : "");
	}
	return err_set(err, CCORE_ENOPYTHON, 0,
		       "no CPython interpreter in the target: none of its %llu ELF files defines "
		       "PyType_Type%s",
		       (unsigned long long)t->modules.n, what_is_lost(t));
}

static bool read_cached(const struct target *t, const struct module *m,
			const struct layout_opts *opts, struct layout *ret)
{
	struct layout l;

	if (opts->no_cache || !cache_read(&l, m, t->debug_dirs))
		return false;
	companions_drop(&l);
	if (validate_layout(&l, NULL) < 0)
		return false;
	*ret = l;
	return true;
}

// Sets ret->module when there is one, and the rest of *ret when it is in the cache. The likely
// files come first, so that the others' symbols are seldom read.
static int find_interpreter(const struct target *t, const struct layout_opts *opts,
			    struct layout *ret, struct ccore_error *err)
{
	uint32_t skip = opts->skip;

	for (int likely = 1; likely >= 0; likely--) {
		for (uint64_t i = 0; i < t->modules.n; i++) {
			const struct module *m = &t->modules.data[i];

			if (looks_like_python(m) != likely)
				continue;
			if (!skip && read_cached(t, m, opts, ret))
				return 0;
			if (!m->file && !m->build_id_n)
				continue;
			int r = defines_python(t, m, err);

			if (r < 0 && r != CCORE_ENOTFOUND)
				return r;
			if (r == 1 && !skip--) {
				*ret = (struct layout){.module = m};
				return 0;
			}
		}
	}
	return opts->skip ? CCORE_ENOTFOUND : 0;
}

#define TPFLAG_READY 12

static bool runs_python(const struct layout *l, const struct target *t, const struct module *m)
{
	struct sym_request type = {.names = "PyType_Type"};
	uint64_t flags;

	return symbols_find(t, m, &type, 1, true, NULL) == 0 && type.found &&
	       mem_read_u64(&t->mem, type.value + m->bias + layout_off(l, F_TP_FLAGS), &flags) ==
		       0 &&
	       flags >> TPFLAG_READY & 1;
}

const struct module *layout_other_interpreter(const struct layout *l, const struct target *t)
{
	for (uint64_t i = 0; i < t->modules.n; i++) {
		const struct module *m = &t->modules.data[i];
		const char *name = strrchr(m->name, '/');

		name = name ? name + 1 : m->name;
		if (m != l->module &&
		    (m->is_main || strncmp(name, "python", 6) == 0 ||
		     strncmp(name, "libpython", 9) == 0) &&
		    runs_python(l, t, m))
			return m;
	}
	return NULL;
}

// -- what debug information says of it

// The Debian package with the debug information of `m`, as far as its path tells.
static void suggest_package(const struct module *m, struct strbuf *out)
{
	const char *slash = strrchr(m->name, '/');
	const char *version = slash ? strstr(slash, "python") : NULL;

	if (strncmp(m->name, "/usr/", 5) == 0 && strncmp(m->name, "/usr/local/", 11) != 0 &&
	    version) {
		version += strlen("python");
		strbuf_printf(out, "install the package python%.*s-dbg, or name",
			      (int)strspn(version, "0123456789."), version);
	} else {
		strbuf_puts(out, "install the interpreter's debug package (python3-dbg on Debian), "
				 "or name");
	}
}

static int no_debug_information(const struct target *t, const struct module *m,
				struct ccore_error *err)
{
	struct strbuf advice = {0};
	int r;

	suggest_package(m, &advice);
	r = err_set(err, CCORE_ELAYOUT, m->start,
		    "no debug information for %s in it or in %s: %s its folder with --debug-dir",
		    m->name, t->debug_dirs, advice.failed ? "name" : advice.data);
	strbuf_done(&advice);
	return r;
}

static int resolve_from_dwarf(struct layout *l, const struct target *t, struct ccore_error *err)
{
	struct requests *q = malloc(sizeof(*q));
	int r;

	if (!q)
		return err_nomem(err);
	requests_make(q);
	r = dwarf_find(t, l->module, q->structs, REQUESTS_MEMBER_N, q->symbols, SYMBOL_N, err);
	if (r == CCORE_ENOTFOUND)
		r = no_debug_information(t, l->module, err);
	if (r == 0)
		r = symbols_find(t, l->module, q->symbols, SYMBOL_N, false, err);
	if (r == 0)
		requests_answer(q, l->module->bias, l);
	free(q);
	return r;
}

static bool is_untried(const struct layout_choices *c)
{
	const addr_t at = c->base.symbols[SYM_PY_VERSION];
	uint32_t version;

	return at && mem_read_u32(&c->target->mem, at, &version) == 0 &&
	       layout_version_support(version) == UNTRIED;
}

// The whole layout, or the reason in c->no_dwarf.
static int try_dwarf(struct layout_choices *c, struct ccore_error *err)
{
	struct layout *l = &c->base;
	const struct module *m = l->module;
	int r = resolve_from_dwarf(l, c->target, &c->no_dwarf);

	if (r == 0) {
		l->origin = ORIGIN_DWARF;
		companions_drop(l);
		r = validate_layout(l, &c->no_dwarf);
		if (r < 0 && is_untried(c) && validate_fields(l, NULL) == 0)
			r = 0; // there is no better one: what has changed is not read
		if (r < 0)
			(void)err_prefix(&c->no_dwarf, r, "%s", m->name);
	}
	if (r == CCORE_ELAYOUT) {
		*l = (struct layout){.module = m};
		return 0;
	}
	if (r < 0) {
		if (err)
			*err = c->no_dwarf;
		return r;
	}
	c->is_certain = true;
	if (!c->opts.no_cache)
		cache_write(l, m, c->target->debug_dirs);
	return 0;
}

// -- what a file says of it

// Where there is no table of what sys.hexversion is in, text of the interpreter may tell.
static void find_version(struct layout_choices *c)
{
	const struct layout *l = &c->base;
	uint32_t version;

	if (!layout_lacks_version(l))
		return;
	version = python_version_find(c->target, l->module, 0);
	if (version)
		c->base.version = version;
}

static int read_file(struct layout_choices *c, struct ccore_error *err)
{
	const struct module *m = c->base.module;
	uint8_t build_id[LIM_BUILD_ID_BYTES];
	uint32_t build_id_n = 0;
	struct file_map f;
	char *text;
	int r;

	TRY(file_map_open(c->opts.file, &f, NULL, err));
	text = f.size <= LIM_LAYOUT_BYTES ? malloc(f.size + 1) : NULL;
	if (text)
		memcpy(text, f.data, f.size);
	r = f.size > LIM_LAYOUT_BYTES
		    ? err_set(err, CCORE_EFORMAT, 0, "not a layout: more than %u bytes",
			      LIM_LAYOUT_BYTES)
	    : text ? layout_text_read(text, f.size, &c->base, build_id, &build_id_n, err)
		   : err_nomem(err);
	file_map_close(&f);
	free(text);
	if (r == 0) {
		companions_drop(&c->base);
		r = validate_fields(&c->base, err);
	}
	if (r < 0)
		return err_prefix(err, r, "%s", c->opts.file);
	c->base.module = m;
	c->base.origin = ORIGIN_FILE;
	c->base.table_version = c->base.version;
	find_version(c);
	// Addresses are of one build only.
	for (unsigned i = 0; i < SYMBOL_N; i++)
		if (m && build_id_n && build_id_n == m->build_id_n &&
		    memcmp(build_id, m->build_id, build_id_n) == 0 && c->base.symbols[i])
			c->base.symbols[i] += m->bias;
		else
			c->base.symbols[i] = 0;
	c->is_certain = true;
	return 0;
}

// -- what symbols say of it

// Those that are not known yet. Without any file of it there are none.
static int add_symbols(struct layout_choices *c, struct ccore_error *err)
{
	struct requests *q = malloc(sizeof(*q));
	struct layout *l = &c->base;
	int r;

	if (!q)
		return err_nomem(err);
	requests_make(q);
	for (unsigned i = 0; i < SYMBOL_N; i++)
		q->symbols[i].found = l->symbols[i] && i != SYM_PyRuntime;
	r = symbols_find(c->target, l->module, q->symbols, SYMBOL_N, false, err);
	for (unsigned i = 0; r == 0 && i < SYMBOL_N; i++)
		if (q->symbols[i].found && !l->symbols[i]) {
			l->symbols[i] = q->symbols[i].value + l->module->bias;
			l->symbol_origin[i] = ORIGIN_SYMBOLS;
		}
	if (r == 0 && q->symbols[SYM_PyRuntime].found)
		c->runtime_bytes = q->symbols[SYM_PyRuntime].size;
	free(q);
	return r == CCORE_ENOTFOUND ? 0 : r;
}

// -- the tables that may be of it

// Whether the interpreter, or what may be it, is the build of that id.
static bool has_build(const struct layout_choices *c, const char *build_id)
{
	char id[BUILD_ID_HEX_BYTES];

	for (uint64_t i = 0; i < c->target->modules.n; i++) {
		const struct module *m = &c->target->modules.data[i];

		if ((c->base.module && m != c->base.module) || !m->build_id_n)
			continue;
		build_id_hex(m->build_id, m->build_id_n, id);
		if (strcmp(id, build_id) == 0)
			return true;
	}
	return false;
}

// How far table `i` is from what is known of the interpreter; less is better.
static uint64_t distance(const struct layout_choices *c, uint32_t i)
{
	const struct shipped_build *b = &shipped_builds[i];
	const uint32_t v = b->version >> 8, wanted = c->version >> 8;
	const bool debug = c->base.symbols[SYM_REF_DEBUG] != 0;
	uint64_t d = 1;

	if (has_build(c, b->build_id))
		return 0;
	d += b->is_debug != debug ? 2 : 0;
	d += c->runtime_bytes && shipped_runtime_bytes(i) != c->runtime_bytes ? 4 : 0;
	if (wanted)
		d += 8ull * (v > wanted ? v - wanted : wanted - v);
	return d;
}

static void order_tables(struct layout_choices *c)
{
	uint64_t distances[LAYOUT_CHOICES_MAX] = {0};

	for (uint32_t i = 0; i < shipped_build_n && i < LAYOUT_CHOICES_MAX; i++) {
		const uint64_t d = distance(c, i);
		uint32_t k = c->n++;

		for (; k && distances[k - 1] > d; k--) {
			distances[k] = distances[k - 1];
			c->order[k] = c->order[k - 1];
		}
		distances[k] = d;
		c->order[k] = i;
	}
}

static bool is_same_build(const struct layout_choices *c, uint32_t i, const struct layout *l)
{
	const struct shipped_build *b = &shipped_builds[i];

	return (!c->version || c->version >> 8 == b->version >> 8) &&
	       (!c->runtime_bytes || c->runtime_bytes == l->struct_size[S_runtime]);
}

static int make_choice(const struct layout_choices *c, uint32_t i, struct layout *ret,
		       struct ccore_error *err)
{
	struct layout *l = ret;

	*l = c->base;
	shipped_read(i, l);
	l->origin = is_same_build(c, i, l) ? ORIGIN_TABLE : ORIGIN_NEAREST;
	l->table_version = shipped_builds[i].version;
	companions_drop(l);
	return validate_fields(l, err);
}

// -- all of it

static int find_choices(struct layout_choices *c, struct ccore_error *err)
{
	const struct target *t = c->target;

	if (!has_own_memory(t))
		return err_set(err, CCORE_ENOPYTHON, 0,
			       "the core has nothing of the process's own memory, where objects "
			       "are: its /proc/PID/coredump_filter must have bit 0, as in 0x33");
	TRY(find_interpreter(t, &c->opts, &c->base, err));
	c->is_certain = c->base.origin != ORIGIN_LAYOUT; // from the cache
	if (c->opts.file) {
		c->base = (struct layout){.module = c->base.module};
		TRY(read_file(c, err));
		return c->base.module ? add_symbols(c, err) : 0;
	}
	if (c->is_certain)
		return 0;
	if (!c->base.module && t->kind == TARGET_PROGRAM)
		return no_python(t, err);
	if (c->base.module)
		TRY(try_dwarf(c, err));
	else
		(void)no_python(t, &c->no_dwarf); // the reason, if there is no other way
	if (c->is_certain)
		return 0;
	if (t->kind == TARGET_PROGRAM) {
		*err = c->no_dwarf;
		return CCORE_ELAYOUT;
	}
	if (c->base.module)
		TRY(add_symbols(c, err));
	c->version = python_version_find(t, c->base.module, c->base.symbols[SYM_PY_VERSION]);
	order_tables(c);
	return 0;
}

int layout_choices_find(struct layout_choices *ret, const struct target *t,
			const struct layout_opts *opts, struct ccore_error *err)
{
	*ret = (struct layout_choices){.target = t, .opts = *opts};
	return find_choices(ret, err);
}

uint32_t layout_choice_version(const struct layout_choices *c, uint32_t i)
{
	return shipped_builds[c->order[i]].version;
}

int layout_choice(const struct layout_choices *c, uint32_t i, struct layout *ret,
		  struct ccore_error *err)
{
	if (c->is_certain && !i)
		*ret = c->base;
	else if (i >= c->n)
		return err_set(err, CCORE_ELAYOUT, 0, "there is no other layout");
	else
		TRY(make_choice(c, c->order[i], ret, err));
	return extensions_add(ret, c->target, &c->opts, err);
}
