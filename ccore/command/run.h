// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef NECROPY_RUN_H
#define NECROPY_RUN_H

#include "session/session.h"
#include "util/sink.h"

/**
 * Run the command that `argv` (argv[0] its name) asks for; as ccore_run(). What a command
 * streams goes to `sink`; other commands leave it alone.
 */
int command_run(struct session *s, const char *const *argv, uint64_t argc, struct sink *sink,
		struct ccore_result **ret, struct ccore_error *err);

#endif
