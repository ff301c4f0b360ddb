// SPDX-License-Identifier: GPL-2.0-or-later
// target_open_program(): a program or library that does not run, as it would lie in memory.
#include "mem/src.h"
#include "sym/elf_ident.h"
#include "sym/open.h"
#include "util/checked.h"

#include <elf.h>
#include <stdlib.h>

static bool read_header(const struct file_map *f, Elf64_Ehdr *ret)
{
	struct elf_ident id; // that can be read: the header is as it should be

	if (!elf_ident_of_file(f, &id))
		return false;
	memcpy(ret, f->data, sizeof(*ret));
	return true;
}

static int add_segment(struct target *t, const struct file_map *f, const Elf64_Phdr *ph,
		       const char *name, struct ccore_error *err)
{
	struct mapping m = {.name = name, .flags = MAPPING_PERMS_KNOWN};
	uint64_t skipped, in_file;

	m.start = u64_align_down(ph->p_vaddr, PAGE_BYTES);
	skipped = ph->p_vaddr - m.start;
	if (!u64_add(ph->p_vaddr, ph->p_memsz, &m.end) ||
	    !u64_align_up(m.end, PAGE_BYTES, &m.end) || skipped > ph->p_offset ||
	    ph->p_offset > f->size)
		return err_set(err, CCORE_EFORMAT, 0, "a segment of it lies nowhere");
	m.offset = ph->p_offset - skipped;
	m.flags |= (ph->p_flags & PF_R ? MAPPING_R : 0u) | (ph->p_flags & PF_W ? MAPPING_W : 0u) |
		   (ph->p_flags & PF_X ? MAPPING_X : 0u);
	in_file = u64_min(ph->p_filesz + skipped, f->size - m.offset);
	m.saved_bytes = u64_min(in_file, m.end - m.start);
	if (m.end == m.start)
		return 0;
	TRY(mem_add(&t->mem, m.start, m.end - m.start, NULL, NULL, 0, err));
	TRY(mem_add(&t->mem, m.start, m.saved_bytes, f->data + m.offset, NULL, 0, err));
	return vec_push(&t->mappings, m) ? 0 : err_nomem(err);
}

static int add_segments(struct target *t, const struct file_map *f, struct ccore_error *err)
{
	const char *name = arena_strdup(&t->arena, t->path);
	Elf64_Ehdr eh;

	if (!name)
		return err_nomem(err);
	if (!read_header(f, &eh))
		return err_set(err, CCORE_EFORMAT, 0,
			       "neither a core nor a program or library of x86-64");
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		// elf_ident_of_file() has read them all
		memcpy(&ph, f->data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD)
			TRY(add_segment(t, f, &ph, name, err));
	}
	TRY(mem_freeze(&t->mem, err));
	return 0;
}

static int open_program(struct target *t, const char *path, const struct target_opts *opts,
			struct ccore_error *err)
{
	char *real = realpath(path, NULL);
	struct file_map f;

	t->path = arena_strdup(&t->arena, real ? real : path);
	free(real);
	if (!t->path)
		return err_nomem(err);
	TRY(file_map_open(path, &f, NULL, err));
	TRY(file_map_own(&t->mem, f, err));
	TRY(add_segments(t, &f, err));
	return modules_find(t, opts, err);
}

bool target_is_program(const char *path)
{
	struct elf_ident id;
	struct file_map f;
	bool is;

	if (file_map_open(path, &f, NULL, NULL) < 0)
		return false;
	is = elf_ident_of_file(&f, &id);
	file_map_close(&f);
	return is;
}

int target_open_program(struct target *ret, const char *path, const struct target_opts *opts,
			struct ccore_error *err)
{
	int r;

	TRY(target_check_folders(opts, 0, err));
	TRY(target_init(ret, TARGET_PROGRAM, opts, err));
	r = open_program(ret, path, opts, err);
	if (r < 0)
		target_done(ret);
	return r;
}
