// SPDX-License-Identifier: GPL-2.0-or-later
// Which ELF files are mapped in the target, and where.
#include "sym/elf_ident.h"
#include "sym/headless.h"
#include "sym/local_file.h"
#include "sym/mappings.h"
#include "sym/open.h"
#include "util/checked.h"

/*
 * Files are also mapped to be read only, and then lie in memory otherwise than when they are
 * loaded: the first code must be where the program headers want it, in a mapping of that file.
 */
static bool is_loaded(const struct target *t, const struct mapping *first, uint64_t bias,
		      const struct elf_ident *id)
{
	const struct mapping *text = mappings_find(&t->mappings, bias + id->text_vaddr);

	if (!id->text_vaddr)
		return true;
	if (!text || strcmp(text->name, first->name) != 0)
		return false;
	return (text->flags & MAPPING_X) || !(text->flags & MAPPING_PERMS_KNOWN);
}

static int add_module(struct target *t, const struct mapping *first, struct ccore_error *err)
{
	struct module m = {.name = first->name, .start = first->start};
	struct elf_ident id;
	uint64_t size;

	if (!elf_ident_of_memory(&t->mem, first->start, &id))
		return 0;
	size = id.max_vaddr - id.min_vaddr;
	m.bias = first->start - id.zero_vaddr;
	if (!u64_add(m.start, size, &m.end) || !is_loaded(t, first, m.bias, &id))
		return 0;
	memcpy(m.build_id, id.build_id, sizeof(m.build_id));
	m.build_id_n = id.build_id_n;
	m.is_main = t->phdr >= m.start && t->phdr < m.end;
	return vec_push(&t->modules, m) ? 0 : err_nomem(err);
}

static int find_mapped(struct target *t, struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];
		const struct module *last =
			t->modules.n ? &t->modules.data[t->modules.n - 1] : NULL;

		if (m->offset || !m->name[0] || m->name[0] == '[')
			continue; // "[vdso]" is no file
		if (last && m->start < last->end && strcmp(m->name, last->name) == 0)
			continue;
		TRY(add_module(t, m, err));
	}
	return 0;
}

// Without an auxiliary vector the program is taken to be the lowest module: it is, in all of
// Linux's memory layouts.
static void choose_main(struct target *t)
{
	for (uint64_t i = 0; i < t->modules.n; i++)
		if (t->modules.data[i].is_main)
			return;
	if (t->modules.n && !t->phdr)
		t->modules.data[0].is_main = true;
}

/*
 * Pages of `m` that the writer of the core left out because they are as in the file: never what
 * was cut off the core's end, nor what may have been written to by others or by the process.
 */
static int back_with_file(struct target *t, const struct module *m, const struct file_map *f,
			  struct ccore_error *err)
{
	const struct mapping *p = NULL;

	while ((p = module_mapping(t, m, p))) {
		const uint64_t known = p->saved_bytes + p->lost_bytes;
		const uint64_t size = p->end - p->start;
		uint64_t off;

		if (strcmp(p->name, m->name) != 0)
			continue;
		if ((p->flags & (MAPPING_W | MAPPING_SHARED)) || known >= size)
			continue;
		if (!u64_add(p->offset, known, &off) || off >= f->size)
			continue;
		TRY(mem_add(&t->mem, p->start + known, u64_min(size - known, f->size - off),
			    f->data + off, NULL, 0, err));
	}
	return 0;
}

struct local_file {
	uint64_t module;
	struct file_map map;
};

struct local_file_vec {
	struct local_file *data;
	uint64_t n, cap;
};

// Whether a file is the target's may have to be asked of the target's memory.
static int find_local_files(struct target *t, struct local_file_vec *ret, struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->modules.n; i++) {
		struct local_file f = {.module = i};
		const int r = local_file_find(t, &t->modules.data[i], &f.map, err);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (t->kind == TARGET_CORE && vec_push(ret, f))
			continue;
		file_map_close(&f.map);
		if (t->kind == TARGET_CORE)
			return err_nomem(err);
	}
	return 0;
}

// And that cannot be read any more when the first of them is added to it.
static int use_local_files(struct target *t, struct local_file_vec *files, struct ccore_error *err)
{
	while (files->n) {
		const struct local_file f = files->data[--files->n];
		const struct module *m = &t->modules.data[f.module];

		TRY(file_map_own(&t->mem, f.map, err));
		if (m->headless)
			TRY(headless_complete(t, m, &f.map, err));
		TRY(back_with_file(t, m, &f.map, err));
	}
	return 0;
}

// The same build is as good, but whoever gives a sysroot thinks that it has all of them.
static int note_beside_sysroot(struct target *t, struct ccore_error *err)
{
	const char *first = NULL;
	uint64_t n = 0;

	for (uint64_t i = 0; i < t->modules.n; i++)
		if (t->modules.data[i].beside_sysroot) {
			first = first ? first : t->modules.data[i].file;
			n++;
		}
	if (!n)
		return 0;
	return target_note(t,
			   arena_printf(&t->arena,
					"%llu of %llu program files are not below %s, and were "
					"read from where they are here, the same build: %s%s",
					(unsigned long long)n, (unsigned long long)t->modules.n,
					t->sysroot, first, n > 1 ? ", …" : ""),
			   err);
}

static int note_missing(struct target *t, struct ccore_error *err)
{
	const char *first = NULL;
	uint64_t missing = 0;

	for (uint64_t i = 0; i < t->modules.n; i++) {
		const struct module *m = &t->modules.data[i];

		if (m->other_build)
			TRY(target_note(t,
					arena_printf(&t->arena,
						     "%s is another build here than in the target",
						     m->name),
					err));
		if (m->file || m->other_build)
			continue;
		first = first ? first : m->name;
		missing++;
	}
	if (!missing)
		return 0;
	return target_note(
		t,
		arena_printf(&t->arena,
			     "%llu of %llu program files are not found here, or cannot be "
			     "compared with the target's: %s%s",
			     (unsigned long long)missing, (unsigned long long)t->modules.n, first,
			     missing > 1 ? ", …" : ""),
		err);
}

#define BSS_MAPPINGS 16u // that one may be cut into

// Of a file's segments only the last can go on without the file: .bss.
static bool is_own(const struct target *t, const struct module *m, const struct mapping *p)
{
	for (unsigned i = 0;
	     i < BSS_MAPPINGS && !*p->name && p > t->mappings.data && p[-1].end == p->start; i++)
		p--;
	return strcmp(p->name, m->name) == 0;
}

const struct mapping *module_mapping(const struct target *t, const struct module *m,
				     const struct mapping *p)
{
	const struct mapping *end = t->mappings.data + t->mappings.n;

	for (p = p ? p + 1 : mappings_from(&t->mappings, m->start);
	     p && p < end && p->start < m->end; p++)
		if (!m->shared_range || is_own(t, m, p))
			return p;
	return NULL;
}

static void note_gaps(const struct target *t, struct module *m)
{
	const struct mapping *p = NULL;

	while ((p = module_mapping(t, m, p)))
		m->shared_range |= !is_own(t, m, p);
}

int modules_find(struct target *t, const struct target_opts *opts, struct ccore_error *err)
{
	struct local_file_vec files = {0};
	int r;

	TRY(find_mapped(t, err));
	TRY(headless_find(t, err));
	choose_main(t);
	TRY(local_file_check_exe(t, opts, err));
	r = find_local_files(t, &files, err);
	if (r == 0)
		r = use_local_files(t, &files, err);
	while (files.n)
		file_map_close(&files.data[--files.n].map);
	vec_done(&files);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < t->modules.n; i++)
		note_gaps(t, &t->modules.data[i]);
	TRY(note_beside_sysroot(t, err));
	TRY(note_missing(t, err));
	return mem_freeze(&t->mem, err);
}

const struct module *target_module_at(const struct target *t, addr_t addr)
{
	uint64_t low = 0, high = t->modules.n;
	const struct module *m;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (t->modules.data[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	m = low && addr < t->modules.data[low - 1].end ? &t->modules.data[low - 1] : NULL;
	if (m && m->shared_range) {
		const struct mapping *p = mappings_find(&t->mappings, addr);

		return p && !is_own(t, m, p) ? NULL : m;
	}
	return m;
}

void build_id_hex(const uint8_t *build_id, uint32_t build_id_n, char ret[BUILD_ID_HEX_BYTES])
{
	if (!build_id_n)
		(void)snprintf(ret, BUILD_ID_HEX_BYTES, "none");
	for (uint32_t i = 0; i < build_id_n && i < LIM_BUILD_ID_BYTES; i++)
		(void)snprintf(ret + 2 * (size_t)i, 3, "%02x", build_id[i]);
}
