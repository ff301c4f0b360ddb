// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/local_file.h"

#include "sym/debuginfod.h"
#include "sym/elf_ident.h"
#include "sym/headless.h"
#include "util/checked.h"
#include "util/cleanup.h"

#include <elf.h>

// NOT_THERE: or not to be compared with what the target has of it.
enum verdict { NOT_THERE, OTHER_BUILD, SAME_BUILD };

char *build_id_path(struct arena *a, const char *dir, uint64_t dir_n, const uint8_t *build_id,
		    uint32_t build_id_n, const char *suffix)
{
	char hex[BUILD_ID_HEX_BYTES];

	if (build_id_n < 2)
		return NULL;
	build_id_hex(build_id, build_id_n, hex);
	return arena_printf(a, "%.*s/.build-id/%.2s/%s%s", (int)dir_n, dir, hex, hex + 2, suffix);
}

// Where the sections are: strip and debug packages move them, and they are not loaded.
static void forget_sections(uint8_t *page, uint64_t n)
{
	Elf64_Ehdr h;

	if (n < sizeof(h))
		return;
	memcpy(&h, page, sizeof(h));
	h.e_shoff = 0;
	h.e_shnum = h.e_shstrndx = 0;
	memcpy(page, &h, sizeof(h));
}

// The target's first page of `m` against the file's; where it is not saved, nothing is known.
static enum verdict compare_first_page(const struct target *t, const struct module *m,
				       const struct file_map *f)
{
	const uint64_t n = u64_min(PAGE_BYTES, f->size);
	uint8_t page[PAGE_BYTES], ours[PAGE_BYTES];

	if (mem_readable(&t->mem, m->start, n) < n || mem_read(&t->mem, m->start, page, n) < 0)
		return NOT_THERE;
	memcpy(ours, f->data, n);
	forget_sections(page, n);
	forget_sections(ours, n);
	return memcmp(page, ours, n) == 0 ? SAME_BUILD : OTHER_BUILD;
}

static enum verdict judge(const struct target *t, struct module *m, const struct file_map *f)
{
	struct elf_ident id;
	enum verdict v;

	if (!elf_ident_of_file(f, &id))
		return m->build_id_n ? OTHER_BUILD : NOT_THERE;
	if (m->headless && headless_is_file(t, m, f, &id))
		return SAME_BUILD;
	if (m->headless)
		return headless_is_cut_off(t, m, f) ? NOT_THERE : OTHER_BUILD;
	if (m->build_id_n)
		return id.build_id_n == m->build_id_n &&
				       memcmp(id.build_id, m->build_id, id.build_id_n) == 0
			       ? SAME_BUILD
			       : OTHER_BUILD;
	v = compare_first_page(t, m, f);
	if (v != SAME_BUILD)
		return v;
	// The target's note may just not be saved.
	memcpy(m->build_id, id.build_id, sizeof(m->build_id));
	m->build_id_n = id.build_id_n;
	return SAME_BUILD;
}

// SAME_BUILD leaves the file open in `*ret`.
static enum verdict try_path(const struct target *t, struct module *m, const char *path,
			     struct file_map *ret)
{
	enum verdict v;

	if (!path || file_map_open(path, ret, NULL, NULL) < 0)
		return NOT_THERE;
	v = judge(t, m, ret);
	if (v != SAME_BUILD)
		file_map_close(ret);
	return v;
}

// Binaries by build-id in the debug directories, as links to them.
static enum verdict try_debug_dirs(struct target *t, struct module *m, struct file_map *ret,
				   const char **path)
{
	for (const char *dir = t->debug_dirs; *dir;) {
		const uint64_t n = strcspn(dir, ":");

		*path = n ? build_id_path(&t->arena, dir, n, m->build_id, m->build_id_n, "") : NULL;
		if (try_path(t, m, *path, ret) == SAME_BUILD)
			return SAME_BUILD;
		dir += n + (dir[n] == ':');
	}
	return NOT_THERE;
}

// What comes over the network is judged as anything else is.
static enum verdict try_servers(struct target *t, struct module *m, struct file_map *ret,
				const char **path)
{
	_cleanup_free_ char *fetched =
		t->debuginfod ? debuginfod_program(m->build_id, m->build_id_n) : NULL;

	*path = fetched ? arena_strdup(&t->arena, fetched) : NULL;
	return try_path(t, m, *path, ret);
}

// The name as the kernel had it before the file was deleted or replaced.
static const char *undeleted(struct target *t, const char *name)
{
	static const char mark[] = " (deleted)";
	const uint64_t n = strlen(name), mark_n = sizeof(mark) - 1;

	if (n > mark_n && strcmp(name + n - mark_n, mark) == 0)
		return arena_strndup(&t->arena, name, n - mark_n);
	return name;
}

#define PLACES_MAX 5

static unsigned places_of(struct target *t, const struct module *m, const char *name,
			  const char *places[PLACES_MAX])
{
	unsigned n = 0;

	if (m->file)
		places[n++] = m->file; // --exe, already found to be the same
	if (t->sysroot && name)
		places[n++] = arena_printf(&t->arena, "%s%s", t->sysroot, name);
	places[n++] = name;
	if (t->kind == TARGET_PROCESS && m->is_main)
		places[n++] = arena_printf(&t->arena, "/proc/%lld/exe", (long long)t->pid);
	if (t->kind == TARGET_PROCESS && name)
		places[n++] = arena_printf(&t->arena, "/proc/%lld/root%s", (long long)t->pid, name);
	return n;
}

int local_file_find(struct target *t, struct module *m, struct file_map *ret,
		    struct ccore_error *err)
{
	const char *places[PLACES_MAX], *path = NULL;
	const char *name = m->name[0] == '/' ? undeleted(t, m->name) : NULL;
	const unsigned n = places_of(t, m, name, places);
	bool other = false;

	for (unsigned i = 0; i < n; i++) {
		enum verdict v = try_path(t, m, places[i], ret);

		other |= v == OTHER_BUILD;
		if (v == SAME_BUILD) {
			path = places[i];
			m->beside_sysroot = t->sysroot && path == name;
			break;
		}
	}
	if (!path && try_debug_dirs(t, m, ret, &path) != SAME_BUILD &&
	    try_servers(t, m, ret, &path) != SAME_BUILD) {
		m->other_build = other;
		return 0;
	}
	m->file = arena_strdup(&t->arena, path);
	if (m->file)
		return 1;
	file_map_close(ret);
	return err_nomem(err);
}

static int other_build_error(const struct target *t, const struct target_opts *opts,
			     const struct file_map *f, struct ccore_error *err)
{
	char theirs[BUILD_ID_HEX_BYTES], ours[BUILD_ID_HEX_BYTES];
	const struct module *main = NULL;
	struct elf_ident id;

	for (uint64_t i = 0; i < t->modules.n; i++)
		if (t->modules.data[i].is_main)
			main = &t->modules.data[i];
	if (!elf_ident_of_file(f, &id))
		return err_set(err, CCORE_EFORMAT, 0, "%s is no x86-64 program", opts->exe);
	if (!main)
		return err_set(err, CCORE_EFORMAT, 0,
			       "%s cannot be compared with the target's program, which is not "
			       "readable in it",
			       opts->exe);
	build_id_hex(id.build_id, id.build_id_n, theirs);
	build_id_hex(main->build_id, main->build_id_n, ours);
	return err_set(err, CCORE_EFORMAT, 0,
		       "%s is another build than the target's %s: its build-id is %s, not %s",
		       opts->exe, main->name, theirs, ours);
}

int local_file_check_exe(struct target *t, const struct target_opts *opts, struct ccore_error *err)
{
	bool found = false;
	struct file_map f;
	int r = 0;

	if (!opts->exe)
		return 0;
	TRY(file_map_open(opts->exe, &f, NULL, err));
	for (uint64_t i = 0; i < t->modules.n && !found; i++) {
		struct module *m = &t->modules.data[i];

		found = judge(t, m, &f) == SAME_BUILD;
		if (found)
			m->file = arena_strdup(&t->arena, opts->exe);
	}
	if (!found)
		r = other_build_error(t, opts, &f, err);
	file_map_close(&f);
	return r;
}
