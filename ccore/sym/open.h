// SPDX-License-Identifier: GPL-2.0-or-later
// What the ways to open a target share.
#ifndef NECROPY_OPEN_H
#define NECROPY_OPEN_H

#include "sym/target.h"

/**
 * CCORE_EUSAGE when a folder that the user named for files is not there; a process's own root may
 * have it as well.
 */
int target_check_folders(const struct target_opts *opts, int64_t pid, struct ccore_error *err);

/** An empty target of that kind. On failure it needs no target_done(). */
int target_init(struct target *t, enum target_kind kind, const struct target_opts *opts,
		struct ccore_error *err);

/** Add a sentence for the user, made with arena_printf() of t->arena; NULL: memory is out. */
int target_note(struct target *t, const char *text, struct ccore_error *err);

/** Take AT_ENTRY, AT_PHDR and AT_EXECFN from the auxiliary vector. */
void target_read_auxv(struct target *t, const uint8_t *data, uint64_t n);

/**
 * Where the notes do not have it: find the auxiliary vector on the stack, as the kernel left it
 * there for the program. What is not found stays as it was.
 */
void target_find_vector(struct target *t);

/** Replace t->command_line by the whole one, when the stack has it. */
void target_complete_command_line(struct target *t);

/** Find the threads' fs_base where the core does not have them; 0: not found. Or CCORE_ENOMEM. */
int target_find_thread_areas(struct target *t, struct ccore_error *err);

/** opts->max_bytes, or the default: 75 % of RAM. */
uint64_t target_max_bytes(const struct target_opts *opts);

/** Whether a mapping of that name holds pages of the kernel's that no one else can read. */
bool target_is_kernels_own(const char *name);

/**
 * Find the ELF files mapped in `t`, whose memory can be read already, and the local files that
 * are the same; those then back the pages that a core did not save.
 */
int modules_find(struct target *t, const struct target_opts *opts, struct ccore_error *err);

#endif
