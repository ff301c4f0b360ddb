// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * source_text: lines of the program's source files, as far as they are found on this machine.
 * The names come from the target: what is opened is a regular file of bounded size, and nothing
 * of it is shown but the line asked for.
 */
#ifndef NECROPY_SOURCE_TEXT_H
#define NECROPY_SOURCE_TEXT_H

#include "sym/target.h"

#include <time.h>

/** Where source files are looked for, and the one read last. */
struct source_text {
	const struct target *target;
	time_t taken; // when the target was as it is read; 0: not known
	char *path;   // of the file read last, also when there is none
	char *data;
	uint64_t n;
	bool changed; // that file is newer than what the target ran
};

/** `t` must outlive `*s`. */
void source_text_init(struct source_text *s, const struct target *t);

/**
 * Line `line` (from 1) of the file the target calls `path`, without its end; NULL when it is not
 * here. Valid until the next call. s->changed says whether it may be another version's line.
 */
const char *source_text_line(struct source_text *s, const char *path, int64_t line,
			     uint64_t *ret_n);

void source_text_done(struct source_text *s);

#endif
