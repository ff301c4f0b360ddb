// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/layout.h"

#include "layout/cache.h"
#include "layout/extensions.h"
#include "layout/requests.h"
#include "layout/validate.h"
#include "util/strbuf.h"

#include <stdio.h>

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

static int no_python(const struct target *t, struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->modules.n; i++) {
		const struct module *m = &t->modules.data[i];

		if (looks_like_python(m) && !m->file &&
		    strncmp(m->name, "/usr/lib/python", 15) != 0)
			return err_set(err, CCORE_ENOPYTHON, m->start,
				       "the interpreter %s is not here%s: name the file with "
				       "--exe, or the folder it is in with --sysroot",
				       m->name,
				       m->other_build ? " in the build that the target ran" : "");
	}
	return err_set(err, CCORE_ENOPYTHON, 0,
		       "no CPython interpreter in the target: none of its %llu ELF files defines "
		       "PyType_Type",
		       (unsigned long long)t->modules.n);
}

static bool read_cached(const struct module *m, const struct layout_opts *opts, struct layout *ret)
{
	struct layout l;

	if (opts->no_cache || !cache_read(&l, m) || validate_layout(&l, NULL) < 0)
		return false;
	*ret = l;
	return true;
}

// Sets ret->module when there is one, and the rest of *ret when it is in the cache. The likely
// files come first, so that the others' symbols are seldom read.
static int find_interpreter(const struct target *t, const struct layout_opts *opts,
			    struct layout *ret, struct ccore_error *err)
{
	for (int likely = 1; likely >= 0; likely--) {
		for (uint64_t i = 0; i < t->modules.n; i++) {
			const struct module *m = &t->modules.data[i];

			if (looks_like_python(m) != likely)
				continue;
			if (read_cached(m, opts, ret))
				return 0;
			if (!m->file && !m->build_id_n)
				continue;
			int r = defines_python(t, m, err);

			if (r < 0 && r != CCORE_ENOTFOUND)
				return r;
			if (r == 1) {
				*ret = (struct layout){.module = m};
				return 0;
			}
		}
	}
	return 0;
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

int layout_resolve(struct layout *ret, const struct target *t, const struct layout_opts *opts,
		   struct ccore_error *err)
{
	struct layout l = {0};

	TRY(find_interpreter(t, opts, &l, err));
	if (!l.module)
		return no_python(t, err);
	if (!l.source) {
		TRY(resolve_from_dwarf(&l, t, err));
		l.source = "dwarf";
		int r = validate_layout(&l, err);

		if (r < 0)
			return err_prefix(err, r, "%s", l.module->name);
		if (!opts->no_cache)
			cache_write(&l, l.module);
	}
	TRY(extensions_add(&l, t, opts, err));
	*ret = l;
	return 0;
}

// -- facts

static const struct fact {
	enum fact_id id;
	uint32_t since;
	int64_t value;
} fact_rows[] = {
#define FACT(id, since, value, why) {FACT_##id, since, value},
#include "layout/cpython.def"
};

static const int64_t fact_initial[FACT_N] = {
#define FACT_NAME(id, initial) [FACT_##id] = initial,
#include "layout/cpython.def"
};

int layout_set_version(struct layout *l, uint32_t version, struct ccore_error *err)
{
	l->version = version;
	for (unsigned i = 0; i < FACT_N; i++)
		l->facts[i] = fact_initial[i];
	for (unsigned i = 0; i < sizeof(fact_rows) / sizeof(fact_rows[0]); i++)
		if (version >= fact_rows[i].since)
			l->facts[fact_rows[i].id] = fact_rows[i].value;
	if (!l->facts[FACT_SUPPORTED])
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "CPython %u.%u.%u is not supported: 2.7 and 3.6 to 3.15 are",
			       version >> 24, (version >> 16) & 0xff, (version >> 8) & 0xff);
	if (layout_has(l, F_OB_GC_BITS) && !l->facts[FACT_SUPPORTED_FREE_THREADED])
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "free-threaded CPython %u.%u.%u is not supported: 3.13 and 3.14 are",
			       version >> 24, (version >> 16) & 0xff, (version >> 8) & 0xff);
	return 0;
}

// -- the listing

static const char *const row_names[] = {
#define FIELD(id, struct_id, paths, need) #struct_id "." paths,
#include "layout/cpython.def"
#define EDGE(id, path, kind, label) #id "." path,
#include "layout/members.def"
#define ROOT(struct_id, path, label) #struct_id "." path,
#include "layout/roots.def"
#define SYMBOL(id, names, cu, need) names,
#include "layout/cpython.def"
};

static const struct field *field_at(const struct layout *l, uint64_t i)
{
	if (i < FIELD_N)
		return &l->fields[i];
	i -= FIELD_N;
	return i < EDGE_ROW_N ? &l->edges[i] : &l->roots[i - EDGE_ROW_N];
}

bool layout_row(const struct layout *l, uint64_t i, struct layout_row *ret)
{
	const uint64_t field_n = FIELD_N + EDGE_ROW_N + ROOT_ROW_N;

	if (i >= sizeof(row_names) / sizeof(row_names[0]))
		return false;
	*ret = (struct layout_row){.name = row_names[i]};
	if (i < field_n) {
		const struct field *f = field_at(l, i);

		ret->found = f->found;
		ret->value = f->off;
		ret->size = f->size;
	} else {
		ret->value = l->symbols[i - field_n];
		ret->found = ret->value != 0;
	}
	return true;
}
