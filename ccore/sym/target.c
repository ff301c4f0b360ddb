// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/src.h"
#include "sym/mappings.h"
#include "sym/open.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_DEBUG_DIRS "/usr/lib/debug"

static bool is_folder(const char *root, const char *path, uint64_t path_n)
{
	char full[2 * LIM_PATH_BYTES];
	struct stat st;
	const int n = snprintf(full, sizeof(full), "%s%.*s", root, (int)path_n, path);

	return n >= 0 && (uint64_t)n < sizeof(full) && stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

int target_check_folders(const struct target_opts *opts, int64_t pid, struct ccore_error *err)
{
	const char *sysroot = opts->sysroot ? opts->sysroot : "", *dirs = opts->debug_dirs;
	char root[64];

	(void)snprintf(root, sizeof(root), "/proc/%lld/root", (long long)pid); // fits
	if (*sysroot && !is_folder("", sysroot, strnlen(sysroot, LIM_PATH_BYTES)))
		return err_set(err, CCORE_EUSAGE, 0, "--sysroot %.150s: there is no such folder",
			       sysroot);
	// The default need not be there.
	while (dirs && *dirs && strcmp(opts->debug_dirs, DEFAULT_DEBUG_DIRS) != 0) {
		const uint64_t n = strcspn(dirs, ":");

		if (n && !is_folder("", dirs, n) && !(*sysroot && is_folder(sysroot, dirs, n)) &&
		    !(pid && is_folder(root, dirs, n)))
			return err_set(err, CCORE_EUSAGE, 0,
				       "--debug-dir %.*s: there is no such folder",
				       n < 150 ? (int)n : 150, dirs);
		dirs += n + (dirs[n] == ':');
	}
	return 0;
}

int target_init(struct target *t, enum target_kind kind, const struct target_opts *opts,
		struct ccore_error *err)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->live_fd = -1;
	t->debug_dirs =
		arena_strdup(&t->arena, opts->debug_dirs ? opts->debug_dirs : DEFAULT_DEBUG_DIRS);
	t->sysroot = arena_strdup(&t->arena, opts->sysroot);
	t->debuginfod = opts->debuginfod;
	if (t->debug_dirs && (t->sysroot || !opts->sysroot))
		return 0;
	target_done(t);
	return err_nomem(err);
}

int target_note(struct target *t, const char *text, struct ccore_error *err)
{
	return text && vec_push(&t->notes, text) ? 0 : err_nomem(err);
}

uint64_t target_max_bytes(const struct target_opts *opts)
{
	const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

	if (opts->max_bytes)
		return opts->max_bytes;
	if (pages <= 0 || page_bytes <= 0)
		return UINT64_MAX;
	return (uint64_t)pages / 4 * 3 * (uint64_t)page_bytes;
}

bool target_is_kernels_own(const char *name)
{
	return strncmp(name, "[vvar", 5) == 0 || strcmp(name, "[vsyscall]") == 0;
}

static int add_read_by_callback(struct target *t, struct mem_source *source,
				struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		struct mapping *m = &t->mappings.data[i];
		const uint64_t size = m->end - m->start;
		const bool readable = (m->flags & MAPPING_R) && !target_is_kernels_own(m->name);

		m->saved_bytes = readable ? size : 0;
		TRY(mem_add(&t->mem, m->start, size, NULL, readable ? source : NULL, m->start,
			    err));
	}
	return mem_freeze(&t->mem, err);
}

static int open_callback(struct target *t, const char *maps, ccore_read_fn read, void *ctx,
			 const struct target_opts *opts, struct ccore_error *err)
{
	struct mem_source *source;

	t->mem.unsaved_text = "mapped, but not readable";
	TRY(maps_text_parse(maps, strlen(maps), &t->arena, &t->mappings, err));
	if (!t->mappings.n)
		return err_set(err, CCORE_EFORMAT, 0, "the list of mappings is empty");
	mappings_infer_shared(&t->mappings);
	TRY(src_callback_new(&t->mem, read, ctx, target_max_bytes(opts) / 4, &source, err));
	TRY(add_read_by_callback(t, source, err));
	return modules_find(t, opts, err);
}

int target_open_callback(struct target *ret, const char *maps, ccore_read_fn read, void *ctx,
			 const struct target_opts *opts, struct ccore_error *err)
{
	int r;

	TRY(target_check_folders(opts, 0, err));
	TRY(target_init(ret, TARGET_MEMORY, opts, err));
	r = open_callback(ret, maps, read, ctx, opts, err);
	if (r < 0)
		target_done(ret);
	return r;
}

void target_done(struct target *t)
{
	mem_done(&t->mem);
	if (t->live_fd >= 0)
		(void)close(t->live_fd); // only read
	vec_done(&t->mappings);
	vec_done(&t->modules);
	vec_done(&t->threads);
	vec_done(&t->notes);
	arena_done(&t->arena);
}
