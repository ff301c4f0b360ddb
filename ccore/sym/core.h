// SPDX-License-Identifier: GPL-2.0-or-later
// The two halves of reading an ELF core: its program headers, and its notes.
#ifndef NECROPY_CORE_H
#define NECROPY_CORE_H

#include "sym/target.h"

/** A piece of the core file: a segment of memory, or notes. Bounds lie within the file. */
struct core_piece {
	uint32_t type;	// PT_LOAD or PT_NOTE
	unsigned flags; // enum mapping_flags
	addr_t addr;
	uint64_t mem_bytes;	  // PT_LOAD: of the address space; does not run past its end
	uint64_t off, file_bytes; // what the file has of it
	uint64_t lost_bytes;	  // what it ought to have besides
};

struct core_pieces {
	struct core_piece *data;
	uint64_t n, cap;
};

/**
 * Read the ELF and program headers of the core `data`. A file that ends early gives what it
 * has, and damage in `damage`. CCORE_EFORMAT or CCORE_EUNSUPPORTED when it is none.
 */
int core_elf_read(const uint8_t *data, uint64_t size, struct core_pieces *ret,
		  struct damage *damage, struct ccore_error *err);

/** Read the notes in `n` bytes at `data` into `t`; NT_FILE's entries go to `files`. */
int core_notes_read(struct target *t, const uint8_t *data, uint64_t n, struct mapping_vec *files,
		    struct ccore_error *err);

#endif
