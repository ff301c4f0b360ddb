// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef NECROPY_RUN_H
#define NECROPY_RUN_H

#include "command/session.h"

/** Run the command that `argv` (argv[0] its name) asks for; as ccore_run(). */
int command_run(struct session *s, const char *const *argv, uint64_t argc,
		struct ccore_result **ret, struct ccore_error *err);

#endif
