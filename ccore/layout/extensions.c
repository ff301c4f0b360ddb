// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/extensions.h"

#include "layout/cache.h"
#include "layout/companions.h"
#include "layout/requests.h"
#include "layout/validate.h"

static const struct extension {
	const char *module, *files;
} extensions[EXTENSION_N] = {
#define EXTENSION(module, files) {module, files},
#include "layout/extensions.def"
};

// "_io.so", "_io.cpython-38-x86_64-linux-gnu.so"; old builds have "itertoolsmodule.so".
static bool is_file_of(const char *path, const char *module)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const size_t n = strlen(module);

	if (strncmp(name, module, n) != 0)
		return false;
	name += n;
	if (strncmp(name, "module.", 7) == 0)
		name += 6;
	return *name == '.' && strstr(name, ".so");
}

static const struct extension *find_extension(const struct module *m)
{
	for (size_t i = 0; i < EXTENSION_N; i++)
		if (is_file_of(m->name, extensions[i].module))
			return &extensions[i];
	return NULL;
}

// 1 and the rows that `m` has, or 0 when it has none or nothing is known of it.
static int read_extension(struct layout *ret, const struct target *t, const struct module *m,
			  const struct extension *x, struct ccore_error *err)
{
	struct requests *q = malloc(sizeof(*q));
	int r = 0;

	if (!q)
		return err_nomem(err);
	if (requests_make_for(q, x->files)) {
		*ret = (struct layout){.module = m};
		r = dwarf_find(t, m, q->structs, REQUESTS_MEMBER_N, NULL, 0, err);
		if (r == 0) {
			requests_answer(q, m->bias, ret);
			r = 1;
		} else if (r == CCORE_ENOTFOUND || r == CCORE_EIO) {
			r = 0;
		}
	}
	free(q);
	return r;
}

// Whole structs only: one that `l` has is the interpreter's own.
static void add_missing(struct layout *l, const struct layout *more)
{
	const struct layout before = *l;

	for (unsigned i = 0; i < STRUCT_N; i++)
		if (!before.struct_size[i])
			l->struct_size[i] = more->struct_size[i];
	for (unsigned i = 0; i < MEMBERS_N; i++)
		if (!before.members_size[i])
			l->members_size[i] = more->members_size[i];
	for (unsigned i = 0; i < FIELD_N; i++)
		if (!before.struct_size[struct_of_field[i]])
			l->fields[i] = more->fields[i];
	for (unsigned i = 0; i < EDGE_ROW_N; i++)
		if (!before.members_size[members_of_edge[i]])
			l->edges[i] = more->edges[i];
}

static int add_extension(struct layout *l, const struct target *t, const struct module *m,
			 const struct extension *x, const struct layout_opts *opts,
			 struct ccore_error *err)
{
	struct layout more = {0}, both = *l;
	bool cached = !opts->no_cache && cache_read(&more, m, t->debug_dirs);
	int r = cached ? 1 : read_extension(&more, t, m, x, err);

	if (r <= 0)
		return r;
	add_missing(&both, &more);
	companions_drop(&both);
	if (validate_fields(&both, NULL) < 0)
		return 0;
	*l = both;
	l->from_cache = l->from_cache && cached;
	if (!cached && !opts->no_cache)
		cache_write(&more, m, t->debug_dirs);
	return 0;
}

int extensions_add(struct layout *l, const struct target *t, const struct layout_opts *opts,
		   struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->modules.n; i++) {
		const struct module *m = &t->modules.data[i];
		const struct extension *x = m != l->module ? find_extension(m) : NULL;

		if (!x)
			continue;
		TRY(add_extension(l, t, m, x, opts, err));
		l->extensions[x - extensions] = m;
	}
	return 0;
}
