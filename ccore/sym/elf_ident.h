// SPDX-License-Identifier: GPL-2.0-or-later
// Which ELF file something is: of one mapped in the target, or of a local file.
#ifndef NECROPY_ELF_IDENT_H
#define NECROPY_ELF_IDENT_H

#include "mem/mem.h"
#include "mem/src.h"
#include "util/limits.h"

#include <elf.h>

struct elf_ident {
	uint64_t zero_vaddr;	       // where the file's first byte is meant to be
	uint64_t min_vaddr, max_vaddr; // of all PT_LOADs, in whole pages; exclusive end
	uint64_t text_vaddr;	       // of the first executable one; 0 if there is none
	uint8_t build_id[LIM_BUILD_ID_BYTES];
	uint32_t build_id_n; // 0: none that can be read
};

/** What is mapped at `addr`; false when it is no ELF file of x86-64 that could be loaded. */
bool elf_ident_of_memory(const struct mem *m, addr_t addr, struct elf_ident *ret);

/** The same of a local file. */
bool elf_ident_of_file(const struct file_map *f, struct elf_ident *ret);

struct elf_phdrs {
	Elf64_Phdr of[LIM_MODULE_PHDRS];
	unsigned n;
};

/** The program headers of either, as they are. */
bool elf_phdrs_of_memory(const struct mem *m, addr_t addr, struct elf_phdrs *ret);
bool elf_phdrs_of_file(const struct file_map *f, struct elf_phdrs *ret);

#endif
