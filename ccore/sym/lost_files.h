// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lost_files: the mappings of ELF files in a core that does not list them: gdb's gcore writes the
 * notes last, so that they are the first to be cut off.
 */
#ifndef NECROPY_LOST_FILES_H
#define NECROPY_LOST_FILES_H

#include "sym/target.h"

/**
 * What NT_FILE would have said of the ELF files that `t`, which can be read, has in memory and no
 * name for: `*ret` is tidy. Which file is where is told by
 *	their ELF headers, where these are saved;
 *	the dynamic linker's list, which has their names too, and the local files of these names;
 *	opts->exe, where exactly one place in memory can be its.
 * A file of which no path is known gets another name, which does not begin with '/'.
 */
int lost_files_find(struct target *t, const struct target_opts *opts, struct mapping_vec *ret,
		    struct ccore_error *err);

#endif
