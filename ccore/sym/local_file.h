// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local copy of a file that the target has mapped. Only the same build will do: the same
 * build-id, or where the target's cannot be read, the same first page.
 */
#ifndef NECROPY_LOCAL_FILE_H
#define NECROPY_LOCAL_FILE_H

#include "mem/src.h"
#include "sym/target.h"

/**
 * Look for `m` in m->file, the sysroot, where the target had it, the debug directories. 1: `*ret`
 * is it, m->file its path; 0: not found, and m->other_build says whether there was another build.
 */
int local_file_find(struct target *t, struct module *m, struct file_map *ret,
		    struct ccore_error *err);

/**
 * Find the module of `t` that opts->exe is, if given; it becomes the module's `file`.
 * CCORE_EFORMAT when it is another build, CCORE_EIO when it cannot be read.
 */
int local_file_check_exe(struct target *t, const struct target_opts *opts, struct ccore_error *err);

/** The path of `build_id` below `dir`, as in DIR/.build-id/c5/61f3….debug; or NULL. */
char *build_id_path(struct arena *a, const char *dir, uint64_t dir_n, const uint8_t *build_id,
		    uint32_t build_id_n, const char *suffix);

#endif
