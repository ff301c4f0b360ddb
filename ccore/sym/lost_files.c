// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/lost_files.h"

#include "sym/headless.h"
#include "sym/link_map.h"
#include "sym/mappings.h"
#include "util/checked.h"
#include "util/hashmap.h"

#include <stdio.h>
#include <stdlib.h>

#define VDSO "linux-vdso.so" // the kernel's own code, which is no file

// A file whose ELF header is in memory.
struct lost {
	addr_t start;
	uint64_t bias;
	addr_t dynamic; // 0: it has none
	const char *name;
};

struct search {
	struct target *t;
	const struct target_opts *opts;
	VEC(struct lost) found;	   // sorted by start
	struct hashmap by_dynamic; // index in `found`
	struct lost *exe;	   // the one in `found` that the user named
	addr_t placed_dynamic;	   // of a program whose header is not in memory; 0: none was found
	uint64_t placed_bias;
	struct mapping_vec *out;
};

// -- what they were mapped as

static int push_segment(struct search *s, const Elf64_Phdr *ph, uint64_t bias, const char *name,
			struct ccore_error *err)
{
	struct mapping m = {.name = name, .offset = u64_align_down(ph->p_offset, PAGE_BYTES)};
	uint64_t end;

	m.start = u64_align_down(ph->p_vaddr, PAGE_BYTES) + bias;
	if (!ph->p_filesz || !u64_add(ph->p_vaddr + bias, ph->p_filesz, &end) ||
	    !u64_align_up(end, PAGE_BYTES, &m.end) || m.end <= m.start)
		return 0;
	if (s->out->n == LIM_MAPPINGS) {
		damage_note(&s->t->damage, DAMAGE_LIMIT, m.start);
		return 0;
	}
	return vec_push(s->out, m) ? 0 : err_nomem(err);
}

static int push_segments(struct search *s, const struct elf_phdrs *phdrs, uint64_t bias,
			 const char *name, struct ccore_error *err)
{
	for (unsigned i = 0; i < phdrs->n; i++)
		if (phdrs->of[i].p_type == PT_LOAD)
			TRY(push_segment(s, &phdrs->of[i], bias, name, err));
	return 0;
}

// -- by their headers

/*
 * A file that is only read lies in one piece; of one that runs, what it may write to begins a
 * mapping of its own.
 */
static bool is_loaded(const struct target *t, const struct elf_phdrs *phdrs, uint64_t bias)
{
	for (unsigned i = 0; i < phdrs->n; i++) {
		const Elf64_Phdr *ph = &phdrs->of[i];
		const addr_t at = u64_align_down(ph->p_vaddr, PAGE_BYTES) + bias;
		const struct mapping *m;

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_W))
			continue;
		m = mappings_find(&t->mappings, at);
		if (!m || (m->start != at && !(m->flags & MAPPING_W)))
			return false;
	}
	return true;
}

static int look_at(struct search *s, const struct mapping *m, struct ccore_error *err)
{
	struct lost f = {.start = m->start};
	struct elf_phdrs phdrs;
	struct elf_ident id;

	if (!elf_ident_of_memory(&s->t->mem, m->start, &id) ||
	    !elf_phdrs_of_memory(&s->t->mem, m->start, &phdrs))
		return 0;
	f.bias = m->start - id.zero_vaddr;
	if (!is_loaded(s->t, &phdrs, f.bias))
		return 0;
	for (unsigned i = 0; i < phdrs.n; i++)
		if (phdrs.of[i].p_type == PT_DYNAMIC)
			f.dynamic = phdrs.of[i].p_vaddr + f.bias;
	if (f.dynamic && !hashmap_put(&s->by_dynamic, f.dynamic, (uint32_t)s->found.n))
		return err_nomem(err);
	return vec_push(&s->found, f) ? 0 : err_nomem(err);
}

static int find_headers(struct search *s, struct ccore_error *err)
{
	for (uint64_t i = 0; i < s->t->mappings.n; i++) {
		const struct mapping *m = &s->t->mappings.data[i];

		if (m->name[0] == '/')
			continue;
		if (s->found.n == LIM_LOST_FILES) {
			damage_note(&s->t->damage, DAMAGE_LIMIT, m->start);
			return 0;
		}
		TRY(look_at(s, m, err));
	}
	return 0;
}

// -- by the files that the user and the stack name

// An absolute path that the kernel put on the program's stack.
static bool program_path(const struct search *s, char ret[LIM_PATH_BYTES])
{
	return s->t->execfn && mem_read_cstr(&s->t->mem, s->t->execfn, ret, LIM_PATH_BYTES) == 0 &&
	       ret[0] == '/';
}

static struct lost *main_of(struct search *s)
{
	for (uint64_t i = 0; i < s->found.n; i++) {
		struct lost *f = &s->found.data[i];
		const addr_t next = i + 1 < s->found.n ? s->found.data[i + 1].start : UINT64_MAX;

		if (s->t->phdr >= f->start && s->t->phdr < next)
			return f;
	}
	// Without the auxiliary vector: in all of Linux's layouts the program lies lowest.
	return s->found.n && !s->t->phdr ? &s->found.data[0] : NULL;
}

static bool is_file(const struct search *s, const struct lost *f, const struct file_map *file)
{
	struct elf_ident here, there;

	return elf_ident_of_memory(&s->t->mem, f->start, &here) &&
	       elf_ident_of_file(file, &there) && here.build_id_n &&
	       here.build_id_n == there.build_id_n &&
	       memcmp(here.build_id, there.build_id, here.build_id_n) == 0;
}

static const char *path_of_exe(struct search *s)
{
	char *real = realpath(s->opts->exe, NULL);
	const char *path = arena_strdup(&s->t->arena, real ? real : s->opts->exe);

	free(real);
	return path;
}

// Where what it may write to can begin, so that its dynamic section is there: unique, or nowhere.
static bool bias_of_exe(const struct search *s, const struct file_map *f,
			const struct elf_phdrs *phdrs, uint64_t *ret)
{
	unsigned n = 0;

	for (unsigned k = 0; k < phdrs->n; k++) {
		const Elf64_Phdr *ph = &phdrs->of[k];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_W))
			continue;
		for (uint64_t i = 0; i < s->t->mappings.n; i++) {
			const struct mapping *m = &s->t->mappings.data[i];
			const uint64_t bias = m->start - u64_align_down(ph->p_vaddr, PAGE_BYTES);

			if (m->name[0] == '/' || (n && bias == *ret) ||
			    !headless_is_at(s->t, f, bias))
				continue;
			*ret = bias;
			n++;
		}
	}
	return n == 1;
}

static int place(struct search *s, const struct file_map *f, const char *name,
		 struct ccore_error *err)
{
	struct elf_phdrs phdrs;
	struct elf_ident id;
	uint64_t bias = 0;

	if (!name)
		return err_nomem(err);
	if (!elf_ident_of_file(f, &id) || !elf_phdrs_of_file(f, &phdrs) ||
	    !bias_of_exe(s, f, &phdrs, &bias))
		return 0;
	for (unsigned i = 0; i < phdrs.n; i++)
		if (phdrs.of[i].p_type == PT_DYNAMIC) {
			s->placed_dynamic = phdrs.of[i].p_vaddr + bias;
			s->placed_bias = bias;
		}
	return push_segments(s, &phdrs, bias, name, err);
}

/*
 * The file that the user named is one of them by its build-id, or by lying where nothing is named:
 * exactly one place must do.
 */
static int take_exe(struct search *s, struct ccore_error *err)
{
	struct file_map f;
	int r = 0;

	if (!s->opts->exe || file_map_open(s->opts->exe, &f, NULL, NULL) < 0)
		return 0; // local_file_check_exe() says why
	for (uint64_t i = 0; i < s->found.n; i++)
		if (is_file(s, &s->found.data[i], &f))
			s->exe = &s->found.data[i];
	if (!s->exe)
		r = place(s, &f, path_of_exe(s), err);
	file_map_close(&f);
	return r;
}

// Where the program's header is not saved, the stack may still name it.
static int take_program(struct search *s, struct ccore_error *err)
{
	char path[2 * LIM_PATH_BYTES], name[LIM_PATH_BYTES];
	const char *root = s->t->sysroot ? s->t->sysroot : "";
	struct file_map f;
	int r;

	if (main_of(s) || s->placed_dynamic || !program_path(s, name) ||
	    snprintf(path, sizeof(path), "%s%s", root, name) >= (int)sizeof(path) ||
	    file_map_open(path, &f, NULL, NULL) < 0)
		return 0;
	r = place(s, &f, arena_strdup(&s->t->arena, name), err);
	file_map_close(&f);
	return r;
}

// -- by the dynamic linker's list

// Where a file's header is not saved, the file itself tells what was mapped.
static int take_file(struct search *s, const char *path, const char *name, uint64_t bias,
		     struct ccore_error *err)
{
	struct elf_phdrs phdrs;
	struct elf_ident id;
	struct file_map f;
	int r = 0;

	if (file_map_open(path, &f, NULL, NULL) < 0)
		return 0;
	if (elf_ident_of_file(&f, &id) && elf_phdrs_of_file(&f, &phdrs) &&
	    headless_is_at(s->t, &f, bias)) {
		r = push_segments(s, &phdrs, bias, name, err);
		r = r < 0 ? r : 1;
	}
	file_map_close(&f);
	return r;
}

static int take_listed(void *ctx, const struct link_map *l, struct ccore_error *err)
{
	struct search *s = ctx;
	const char *name, *path;
	uint32_t i;
	int r;

	if (!l->name[0] || l->name[0] == '[')
		return 0;
	name = strncmp(l->name, VDSO, strlen(VDSO)) == 0 ? "[vdso]"
							 : arena_strdup(&s->t->arena, l->name);
	if (!name)
		return err_nomem(err);
	if (hashmap_get(&s->by_dynamic, l->dynamic, &i)) {
		if (!s->found.data[i].name)
			s->found.data[i].name = name;
		return 0;
	}
	if (name[0] != '/' || mappings_find(&s->t->mappings, l->dynamic) == NULL ||
	    mappings_find(&s->t->mappings, l->dynamic)->name[0] == '/')
		return 0;
	path = s->t->sysroot ? arena_printf(&s->t->arena, "%s%s", s->t->sysroot, name) : name;
	if (!path)
		return err_nomem(err);
	r = take_file(s, path, name, l->bias, err);
	return r < 0 ? r : 0;
}

static int read_list(struct search *s, struct ccore_error *err)
{
	addr_t head = 0;

	for (uint64_t i = 0; i < s->found.n && !head; i++)
		head = link_map_head(&s->t->mem, s->found.data[i].dynamic, s->found.data[i].bias);
	if (!head)
		head = link_map_head(&s->t->mem, s->placed_dynamic, s->placed_bias);
	if (head)
		TRY(link_map_each(&s->t->mem, head, take_listed, s, err));
	// What was loaded later is listed elsewhere, and may be left where the list's head is not.
	for (uint64_t i = 0; i < s->found.n; i++)
		if (!s->found.data[i].name)
			TRY(link_map_of(&s->t->mem, s->found.data[i].dynamic, s->found.data[i].bias,
					take_listed, s, err));
	return 0;
}

// -- names that the list does not have

// The program is listed without its name, which the kernel put on its stack.
static int name_main(struct search *s, struct ccore_error *err)
{
	struct lost *f = main_of(s);
	char path[LIM_PATH_BYTES];

	if (!f || f->name || !program_path(s, path))
		return 0;
	f->name = arena_strdup(&s->t->arena, path);
	return f->name ? 0 : err_nomem(err);
}

static int name_exe(struct search *s, struct ccore_error *err)
{
	if (!s->exe || s->exe->name)
		return 0;
	s->exe->name = path_of_exe(s);
	return s->exe->name ? 0 : err_nomem(err);
}

static const char *name_it_has_itself(struct search *s, const struct lost *f)
{
	char name[LIM_PATH_BYTES];
	uint64_t off;
	addr_t at;

	if (!dynamic_value(&s->t->mem, f->dynamic, DT_SONAME, &off) ||
	    !dynamic_addr(&s->t->mem, f->dynamic, DT_STRTAB, f->bias, &at) ||
	    mem_read_cstr(&s->t->mem, at + off, name, sizeof(name)) < 0 || !name[0] ||
	    strchr(name, '/') || name[0] == '[')
		return NULL;
	if (strncmp(name, VDSO, strlen(VDSO)) == 0)
		return "[vdso]";
	return arena_strdup(&s->t->arena, name);
}

static int name_rest(struct search *s, struct ccore_error *err)
{
	for (uint64_t i = 0; i < s->found.n; i++) {
		struct lost *f = &s->found.data[i];

		if (!f->name)
			f->name = name_it_has_itself(s, f);
		if (!f->name)
			f->name = arena_printf(&s->t->arena, "(file at 0x%llx)",
					       (unsigned long long)f->start);
		if (!f->name)
			return err_nomem(err);
	}
	return 0;
}

static int push_found(struct search *s, struct ccore_error *err)
{
	for (uint64_t i = 0; i < s->found.n; i++) {
		const struct lost *f = &s->found.data[i];
		struct elf_phdrs phdrs;

		if (elf_phdrs_of_memory(&s->t->mem, f->start, &phdrs))
			TRY(push_segments(s, &phdrs, f->bias, f->name, err));
	}
	return 0;
}

static int find(struct search *s, struct ccore_error *err)
{
	TRY(find_headers(s, err));
	TRY(take_exe(s, err));
	TRY(take_program(s, err));
	TRY(read_list(s, err));
	TRY(name_main(s, err));
	TRY(name_exe(s, err));
	TRY(name_rest(s, err));
	return push_found(s, err);
}

int lost_files_find(struct target *t, const struct target_opts *opts, struct mapping_vec *ret,
		    struct ccore_error *err)
{
	struct search s = {.t = t, .opts = opts, .out = ret};
	const int r = find(&s, err);

	mappings_tidy(ret);
	hashmap_done(&s.by_dynamic);
	vec_done(&s.found);
	return r;
}
