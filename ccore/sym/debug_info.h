// SPDX-License-Identifier: GPL-2.0-or-later
// One module's binary and its separate debug file, opened with libdwfl.
#ifndef NECROPY_DEBUG_INFO_H
#define NECROPY_DEBUG_INFO_H

#include "sym/target.h"

#include <elfutils/libdwfl.h>

struct debug_info {
	Dwfl_Callbacks callbacks;
	char *search_path; // what callbacks.debuginfo_path points to
	Dwfl *dwfl;
	Dwfl_Module *module;
	GElf_Addr bias; // what libdwfl added to the file's addresses
};

/** Start libdwfl with the search path of `t`, and no module. To be closed also on failure. */
int debug_info_begin(struct debug_info *d, const struct target *t, struct ccore_error *err);

/**
 * Open `m`: its binary, or where that is missing its debug file by build-id. To be closed also
 * on failure. CCORE_ENOTFOUND when there is neither; `err` says where was looked.
 */
int debug_info_open(struct debug_info *d, const struct target *t, const struct module *m,
		    struct ccore_error *err);

/** "no debug information for …", with the places in which it was looked for. */
int debug_info_missing(const struct target *t, const struct module *m, struct ccore_error *err);

void debug_info_close(struct debug_info *d);

#endif
