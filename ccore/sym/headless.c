// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/headless.h"

#include "sym/mappings.h"
#include "util/checked.h"

#include <elf.h>

// -- which they are

static bool holds_variables(const struct mapping *m)
{
	const unsigned mask = MAPPING_W | MAPPING_SHARED | MAPPING_PERMS_KNOWN;

	return m->name[0] == '/' && (m->flags & mask) == (MAPPING_W | MAPPING_PERMS_KNOWN);
}

// What is readable where the file begins would have been a module, were it an ELF file.
static bool begins_readably(const struct target *t, const struct mapping *first, const char *name)
{
	uint8_t byte;

	return first->offset == 0 && strcmp(first->name, name) == 0 &&
	       mem_read(&t->mem, first->start, &byte, 1) == 0;
}

// The first and the last of the mappings around row `i` that are of its file. Whether what follows
// is its .bss, or was mapped there later, nothing tells.
static void bounds_of(const struct target *t, uint64_t i, uint64_t *ret_first, uint64_t *ret_last)
{
	const struct mapping *d = t->mappings.data;
	const char *name = d[i].name;
	uint64_t first = i, last = i;

	while (first && strcmp(d[first - 1].name, name) == 0)
		first--;
	while (last + 1 < t->mappings.n && strcmp(d[last + 1].name, name) == 0)
		last++;
	*ret_first = first;
	*ret_last = last;
}

// The program's headers lie where the kernel said, below all that is left of it.
static void reach_headers(const struct target *t, struct module *m, const struct mapping *first)
{
	const struct mapping *before = first > t->mappings.data ? first - 1 : NULL;

	if (!t->phdr || t->phdr >= m->start || (before && before->end > t->phdr))
		return;
	m->start = u64_align_down(t->phdr, PAGE_BYTES);
	m->is_main = true;
}

static int start_cmp(const void *a, const void *b)
{
	const struct module *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool overlaps_any(const struct module *m, const struct module *others, uint64_t n)
{
	for (const struct module *o = others; o && o < others + n; o++)
		if (o->start < m->end && m->start < o->end)
			return true;
	return false;
}

int headless_find(struct target *t, struct ccore_error *err)
{
	const uint64_t known_n = t->modules.n;
	uint64_t first, last;

	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *d = t->mappings.data;
		struct module m = {.name = d[i].name, .headless = true};

		if (!holds_variables(&d[i]))
			continue;
		bounds_of(t, i, &first, &last);
		i = last; // once for all that is left of it
		m.start = d[first].start;
		m.end = d[last].end;
		if (overlaps_any(&m, t->modules.data, known_n) ||
		    begins_readably(t, &d[first], m.name))
			continue;
		reach_headers(t, &m, &d[first]);
		if (!vec_push(&t->modules, m))
			return err_nomem(err);
	}
	if (t->modules.n > known_n)
		qsort(t->modules.data, t->modules.n, sizeof(*t->modules.data), start_cmp);
	return 0;
}

// -- whether a file is one of them

static Elf64_Phdr phdr_at(const struct file_map *f, unsigned i)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	// elf_ident_of_file() has read them all
	memcpy(&eh, f->data, sizeof(eh));
	memcpy(&ph, f->data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

static unsigned phdrs_of(const struct file_map *f)
{
	Elf64_Ehdr eh;

	memcpy(&eh, f->data, sizeof(eh));
	return eh.e_phnum;
}

// The address in the file's own terms at which segment `i` has the page of it at `off`.
static bool vaddr_in(const struct file_map *f, unsigned i, const struct mapping *p, uint64_t *ret)
{
	const Elf64_Phdr ph = phdr_at(f, i);
	const uint64_t first = u64_align_down(ph.p_offset, PAGE_BYTES);
	uint64_t end;

	if (ph.p_type != PT_LOAD || !u64_add(ph.p_offset, ph.p_filesz, &end) || p->offset < first ||
	    p->offset >= end || ((p->flags & MAPPING_W) && !(ph.p_flags & PF_W)))
		return false;
	*ret = u64_align_down(ph.p_vaddr, PAGE_BYTES) + (p->offset - first);
	return true;
}

// A page in which one segment ends and another begins is mapped for both.
static bool fits(const struct file_map *f, const struct mapping *p, uint64_t bias)
{
	uint64_t vaddr;

	for (unsigned i = 0; i < phdrs_of(f); i++)
		if (vaddr_in(f, i, p, &vaddr) && p->start - vaddr == bias)
			return true;
	return false;
}

// Only one segment is writable.
static bool bias_of(const struct file_map *f, const struct mapping *p, uint64_t *ret)
{
	uint64_t vaddr;

	for (unsigned i = 0; (p->flags & MAPPING_W) && i < phdrs_of(f); i++)
		if (vaddr_in(f, i, p, &vaddr)) {
			*ret = p->start - vaddr;
			return true;
		}
	return false;
}

static bool find_bias(const struct target *t, const struct module *m, const struct file_map *f,
		      uint64_t *ret)
{
	const struct mapping *p = NULL;
	bool found = false;

	while (!found && (p = module_mapping(t, m, p)))
		found = *p->name && bias_of(f, p, ret);
	for (p = NULL; found && (p = module_mapping(t, m, p));)
		found = !*p->name || fits(f, p, *ret);
	return found;
}

/*
 * Where everything lies in the file, and how much of it there is, which two builds hardly share.
 * The dynamic linker has made addresses of some, and written one that the file does not have.
 */
static bool same_dynamic(const struct mem *mem, const struct file_map *f, const Elf64_Phdr *ph,
			 uint64_t bias)
{
	const uint64_t n = ph->p_filesz / sizeof(Elf64_Dyn);
	uint64_t i;

	if (ph->p_offset > f->size || ph->p_filesz > f->size - ph->p_offset)
		return false;
	for (i = 0; i < n; i++) {
		Elf64_Dyn here, there;

		memcpy(&here, f->data + ph->p_offset + i * sizeof(here), sizeof(here));
		if (here.d_tag == DT_NULL)
			break;
		if (mem_read(mem, ph->p_vaddr + bias + i * sizeof(there), &there, sizeof(there)) <
			    0 ||
		    here.d_tag != there.d_tag)
			return false;
		if (here.d_tag != DT_DEBUG && here.d_un.d_val != there.d_un.d_val &&
		    here.d_un.d_val + bias != there.d_un.d_val)
			return false;
	}
	return i > 0;
}

bool headless_is_at(const struct target *t, const struct file_map *f, uint64_t bias)
{
	bool same = false;

	for (unsigned i = 0; i < phdrs_of(f) && !same; i++) {
		const Elf64_Phdr ph = phdr_at(f, i);

		same = ph.p_type == PT_DYNAMIC && same_dynamic(&t->mem, f, &ph, bias);
	}
	return same;
}

bool headless_is_cut_off(const struct target *t, const struct module *m, const struct file_map *f)
{
	uint64_t bias = 0, word;

	if (!t->damage.count[DAMAGE_TRUNCATED] || !find_bias(t, m, f, &bias))
		return false;
	for (unsigned i = 0; i < phdrs_of(f); i++) {
		const Elf64_Phdr ph = phdr_at(f, i);

		if (ph.p_type == PT_DYNAMIC && mem_read_u64(&t->mem, ph.p_vaddr + bias, &word) < 0)
			return true;
	}
	return false;
}

bool headless_is_file(const struct target *t, struct module *m, const struct file_map *f,
		      const struct elf_ident *id)
{
	uint64_t bias = 0, end;

	if (!find_bias(t, m, f, &bias) || !u64_add(id->max_vaddr, bias, &end) ||
	    !headless_is_at(t, f, bias))
		return false;
	m->bias = bias;
	m->start = id->zero_vaddr + bias;
	m->end = end;
	m->build_id_n = id->build_id_n;
	memcpy(m->build_id, id->build_id, sizeof(m->build_id));
	return true;
}

// -- what the file gives back

int headless_complete(struct target *t, const struct module *m, const struct file_map *f,
		      struct ccore_error *err)
{
	const uint64_t known_n = t->mappings.n; // sorted; what is added comes after them

	for (unsigned i = 0; i < phdrs_of(f); i++) {
		const struct mapping_vec known = {.data = t->mappings.data, .n = known_n};
		const Elf64_Phdr ph = phdr_at(f, i);
		struct mapping added = {.name = m->name, .flags = MAPPING_PERMS_KNOWN};

		if (ph.p_type != PT_LOAD || (ph.p_flags & PF_W))
			continue;
		added.flags |=
			(ph.p_flags & PF_R ? MAPPING_R : 0u) | (ph.p_flags & PF_X ? MAPPING_X : 0u);
		added.start = u64_align_down(ph.p_vaddr, PAGE_BYTES) + m->bias;
		added.offset = u64_align_down(ph.p_offset, PAGE_BYTES);
		added.end = added.start + (ph.p_offset - added.offset) + ph.p_filesz;
		if (!u64_align_up(added.end, PAGE_BYTES, &added.end) || added.end <= added.start ||
		    mappings_find(&known, added.start))
			continue;
		if (!vec_push(&t->mappings, added))
			return err_nomem(err);
	}
	mappings_tidy(&t->mappings);
	return 0;
}
