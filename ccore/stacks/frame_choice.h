// SPDX-License-Identifier: GPL-2.0-or-later
// Which frame a command is about: --thread THREAD --frame N.
#ifndef NECROPY_FRAME_CHOICE_H
#define NECROPY_FRAME_CHOICE_H

#include "stacks/stack_table.h"

/**
 * Frame `frame` (0 is the innermost) of the thread that `thread` names; NULL: of the first that
 * runs Python code, which is the one that crashed. CCORE_ENOTFOUND when there is none.
 */
int frame_choose(struct session *s, const char *thread, uint64_t frame, struct stack_frame *ret,
		 struct ccore_error *err);

#endif
