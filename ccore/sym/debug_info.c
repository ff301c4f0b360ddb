// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/debug_info.h"

#include "sym/local_file.h"
#include "util/cleanup.h"
#include "util/strbuf.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdlib.h>

static void add_below(struct strbuf *path, const struct target *t, const char *root)
{
	for (const char *dir = t->debug_dirs; *dir;) {
		const uint64_t n = strcspn(dir, ":");

		strbuf_printf(path, ":%s%.*s", root, (int)n, dir);
		dir += n + (dir[n] == ':');
	}
}

/*
 * libdwfl's search path: beside the binary, in .debug beside it, and in the given directories,
 * the sysroot's and the process's own first. The '+' asks for the checksum of files found by name
 * only.
 */
static char *search_path(const struct target *t)
{
	struct strbuf sb = {0};
	char root[64];

	(void)snprintf(root, sizeof(root), "/proc/%lld/root", (long long)t->pid); // fits
	strbuf_puts(&sb, "+:.debug");
	if (t->sysroot)
		add_below(&sb, t, t->sysroot);
	if (t->kind == TARGET_PROCESS)
		add_below(&sb, t, root);
	strbuf_printf(&sb, ":%s", t->debug_dirs);
	if (sb.failed) {
		strbuf_done(&sb);
		return NULL;
	}
	return sb.data;
}

static bool has_build_id(const char *path, const struct module *m)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	const void *id;
	ssize_t n;
	Elf *elf;
	bool same;

	if (fd < 0)
		return false;
	elf = elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	if (!elf)
		return false;
	n = dwelf_elf_gnu_build_id(elf, &id);
	same = n == (ssize_t)m->build_id_n && memcmp(id, m->build_id, (size_t)n) == 0;
	(void)elf_end(elf); // read only
	return same;
}

// The debug file of a binary that is not here.
static char *debug_file_alone(const struct debug_info *d, const struct module *m,
			      struct arena *scratch)
{
	for (const char *dir = d->search_path; *dir;) {
		const uint64_t n = strcspn(dir, ":");
		char *path = *dir == '/' ? build_id_path(scratch, dir, n, m->build_id,
							 m->build_id_n, ".debug")
					 : NULL;

		if (path && has_build_id(path, m))
			return path;
		dir += n + (dir[n] == ':');
	}
	return NULL;
}

int debug_info_missing(const struct target *t, const struct module *m, struct ccore_error *err)
{
	char hex[BUILD_ID_HEX_BYTES];

	build_id_hex(m->build_id, m->build_id_n, hex);
	if (!m->file)
		return err_set(err, CCORE_ENOTFOUND, 0,
			       "neither %s nor debug information with its build-id %s is found "
			       "here, nor below %s",
			       m->name, hex, t->debug_dirs);
	return err_set(err, CCORE_ENOTFOUND, 0,
		       "no debug information in %s, and none with its build-id %s below %s",
		       m->file, hex, t->debug_dirs);
}

static int report(struct debug_info *d, const struct module *m, const char *path,
		  struct ccore_error *err)
{
	dwfl_report_begin(d->dwfl);
	// At base 0, so that libdwfl's addresses are the file's.
	d->module = dwfl_report_elf(d->dwfl, m->name, path, -1, 0, false);
	(void)dwfl_report_end(d->dwfl, NULL, NULL); // no callback that could fail
	if (!d->module || !dwfl_module_getelf(d->module, &d->bias))
		return err_set(err, CCORE_EIO, 0, "cannot read %s: %s", path, dwfl_errmsg(-1));
	return 0;
}

// Nothing is fetched from the network unasked. libdwfl's standard search ends with debuginfod
// where the environment names a server; there, a file is found by build-id or not at all.
static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **ret)
{
	const int fd =
		dwfl_build_id_find_debuginfo(mod, userdata, name, base, file, link, crc, ret);
	const char *servers = getenv("DEBUGINFOD_URLS");

	if (fd >= 0 || (servers && *servers))
		return fd;
	return dwfl_standard_find_debuginfo(mod, userdata, name, base, file, link, crc, ret);
}

int debug_info_begin(struct debug_info *d, const struct target *t, struct ccore_error *err)
{
	memset(d, 0, sizeof(*d));
	(void)elf_version(EV_CURRENT); // the only one there is
	d->search_path = search_path(t);
	if (!d->search_path)
		return err_nomem(err);
	d->callbacks.find_elf = dwfl_build_id_find_elf;
	d->callbacks.find_debuginfo = t->debuginfod ? dwfl_standard_find_debuginfo : find_debuginfo;
	d->callbacks.debuginfo_path = &d->search_path;
	d->dwfl = dwfl_begin(&d->callbacks);
	return d->dwfl ? 0 : err_nomem(err);
}

int debug_info_open(struct debug_info *d, const struct target *t, const struct module *m,
		    struct ccore_error *err)
{
	struct arena scratch = {0};
	const char *path;
	int r;

	TRY(debug_info_begin(d, t, err));
	path = m->file ? m->file : debug_file_alone(d, m, &scratch);
	r = path ? report(d, m, path, err) : debug_info_missing(t, m, err);
	arena_done(&scratch);
	return r;
}

void debug_info_close(struct debug_info *d)
{
	if (d->dwfl)
		dwfl_end(d->dwfl);
	free(d->search_path);
	memset(d, 0, sizeof(*d));
}
