// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * headless: modules whose ELF header is not in the core. gdb's gcore left out, before gdb 8,
 * whatever a file can give back, from the core and from its list of files; a kernel does so where
 * bit 4 of coredump_filter is off. What is left are the variables.
 */
#ifndef NECROPY_HEADLESS_H
#define NECROPY_HEADLESS_H

#include "mem/src.h"
#include "sym/elf_ident.h"
#include "sym/target.h"

/**
 * Add such modules to `t`, from the first to the last byte known to be theirs, which leaves out
 * .bss: no bias, no build-id.
 */
int headless_find(struct target *t, struct ccore_error *err);

/**
 * Whether `f` is the file of headless module `m`: each of its mappings is one that `f` asks for,
 * at one bias, and the dynamic section in memory is `f`'s. `m` then gets its true bounds, bias and
 * build-id.
 */
bool headless_is_file(const struct target *t, struct module *m, const struct file_map *f,
		      const struct elf_ident *id);

/** Whether that cannot be told, because the dynamic section is cut off. */
bool headless_is_cut_off(const struct target *t, const struct module *m, const struct file_map *f);

/** Whether the dynamic section of `f`, which elf_ident_of_file() knows, is in memory at `bias`. */
bool headless_is_at(const struct target *t, const struct file_map *f, uint64_t bias);

/** Add the mappings that module `m` must have had and the core does not name; `f` is its file. */
int headless_complete(struct target *t, const struct module *m, const struct file_map *f,
		      struct ccore_error *err);

#endif
