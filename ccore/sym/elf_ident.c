// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/elf_ident.h"

#include "mem/cursor.h"
#include "util/checked.h"

// The two places that an ELF file is read from: by address, or by offset in the file.
struct place {
	const struct file_map *file; // NULL: `mem`
	const struct mem *mem;
	addr_t start; // in `mem`, of the file's first byte
};

static bool place_read(const struct place *p, uint64_t off, void *buf, uint64_t n)
{
	addr_t addr;

	if (!p->file)
		return u64_add(p->start, off, &addr) && mem_read(p->mem, addr, buf, n) == 0;
	if (off > p->file->size || n > p->file->size - off)
		return false;
	memcpy(buf, p->file->data + off, n);
	return true;
}

static bool header_ok(const Elf64_Ehdr *eh)
{
	return memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_ident[EI_CLASS] == ELFCLASS64 &&
	       eh->e_ident[EI_DATA] == ELFDATA2LSB && eh->e_machine == EM_X86_64 &&
	       (eh->e_type == ET_EXEC || eh->e_type == ET_DYN) &&
	       eh->e_phentsize == sizeof(Elf64_Phdr) && eh->e_phnum &&
	       eh->e_phnum <= LIM_MODULE_PHDRS;
}

static bool add_load(struct elf_ident *id, const Elf64_Phdr *ph, bool first)
{
	const uint64_t min = u64_align_down(ph->p_vaddr, PAGE_BYTES);
	uint64_t max;

	if (!u64_add(ph->p_vaddr, ph->p_memsz, &max) || !u64_align_up(max, PAGE_BYTES, &max))
		return false;
	if (first) {
		id->zero_vaddr = ph->p_vaddr - ph->p_offset;
		id->min_vaddr = min;
	}
	if (min < id->min_vaddr)
		return false; // the first one is the lowest, by ELF's rules
	if (max > id->max_vaddr)
		id->max_vaddr = max;
	if ((ph->p_flags & PF_X) && !id->text_vaddr)
		id->text_vaddr = ph->p_vaddr;
	return true;
}

static bool take_build_id(struct elf_ident *id, const uint8_t *notes, uint64_t n)
{
	struct cursor c = cursor_init(notes, n);
	uint32_t name_n, desc_n, type;

	while (cursor_u32(&c, &name_n) && cursor_u32(&c, &desc_n) && cursor_u32(&c, &type)) {
		const uint8_t *name = cursor_bytes(&c, (name_n + 3ull) & ~3ull);
		const uint8_t *desc = cursor_bytes(&c, (desc_n + 3ull) & ~3ull);

		if (!name || !desc)
			return false;
		if (type != NT_GNU_BUILD_ID || name_n != 4 || memcmp(name, "GNU", 4) != 0)
			continue;
		if (!desc_n || desc_n > sizeof(id->build_id))
			return false;
		memcpy(id->build_id, desc, desc_n);
		id->build_id_n = desc_n;
		return true;
	}
	return false;
}

static bool read_notes(const struct place *p, const Elf64_Phdr *ph, struct elf_ident *id)
{
	// In memory a note lies where its address says; the file's start is at zero_vaddr.
	const uint64_t off = p->mem ? ph->p_vaddr - id->zero_vaddr : ph->p_offset;
	uint8_t *notes;
	bool ok;

	if (!ph->p_filesz || ph->p_filesz > LIM_MODULE_HEADER_BYTES)
		return false;
	notes = malloc(ph->p_filesz);
	if (!notes)
		return false;
	ok = place_read(p, off, notes, ph->p_filesz) && take_build_id(id, notes, ph->p_filesz);
	free(notes);
	return ok;
}

static bool read_phdrs(const struct place *p, struct elf_phdrs *ret)
{
	Elf64_Ehdr eh;

	if (!place_read(p, 0, &eh, sizeof(eh)) || !header_ok(&eh) ||
	    !place_read(p, eh.e_phoff, ret->of, eh.e_phnum * sizeof(ret->of[0])))
		return false;
	ret->n = eh.e_phnum;
	return true;
}

static bool read_ident(const struct place *p, struct elf_ident *id)
{
	struct elf_phdrs phdrs;
	bool any = false;

	memset(id, 0, sizeof(*id));
	if (!read_phdrs(p, &phdrs))
		return false;
	for (unsigned i = 0; i < phdrs.n; i++) {
		if (phdrs.of[i].p_type != PT_LOAD)
			continue;
		if (!add_load(id, &phdrs.of[i], !any))
			return false;
		any = true;
	}
	for (unsigned i = 0; any && i < phdrs.n; i++)
		if (phdrs.of[i].p_type == PT_NOTE && read_notes(p, &phdrs.of[i], id))
			break;
	return any;
}

bool elf_ident_of_memory(const struct mem *m, addr_t addr, struct elf_ident *ret)
{
	return read_ident(&(struct place){.mem = m, .start = addr}, ret);
}

bool elf_ident_of_file(const struct file_map *f, struct elf_ident *ret)
{
	return read_ident(&(struct place){.file = f}, ret);
}

bool elf_phdrs_of_memory(const struct mem *m, addr_t addr, struct elf_phdrs *ret)
{
	return read_phdrs(&(struct place){.mem = m, .start = addr}, ret);
}

bool elf_phdrs_of_file(const struct file_map *f, struct elf_phdrs *ret)
{
	return read_phdrs(&(struct place){.file = f}, ret);
}
