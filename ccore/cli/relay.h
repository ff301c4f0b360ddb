// SPDX-License-Identifier: GPL-2.0-or-later
// What an isolated child says, on its way to where the user wants it.
#ifndef NECROPY_RELAY_H
#define NECROPY_RELAY_H

#include "ccore.h"

#include <stdbool.h>
#include <sys/types.h>

/** A terminal is sent text, colours and the erasing of a line; all else a child could forge. */
struct terminal_filter {
	char sequence[16]; // one that has begun, as far as it is known
	unsigned n;
};

struct relay {
	const char *path; // of the file for the answer, or NULL: standard output
	char *temporary;  // that file until it is whole, or NULL
	int fd;
	bool to_terminal[2]; // the answer, the messages
	struct terminal_filter filter[2];
};

/** The answer goes to the file at `path`, or where that is NULL to standard output. */
int relay_begin(struct relay *r, const char *path, struct ccore_error *err);

/** Pass on what comes from `out` and `err_fd` until both end; Ctrl-C goes to `child`. */
int relay_run(struct relay *r, int out, int err_fd, pid_t child, struct ccore_error *err);

/** Let the file appear if the answer is `whole`, else remove it. */
int relay_end(struct relay *r, bool whole, struct ccore_error *err);

#endif
