// SPDX-License-Identifier: GPL-2.0-or-later
// The local variables of a frame, as frame.f_locals has them.
#ifndef NECROPY_FRAME_LOCALS_H
#define NECROPY_FRAME_LOCALS_H

#include "py/stack_frame.h"

/**
 * Show `take` each variable of `f` that has a value: of a function, its locals in the order of
 * its code, contents instead of cells; of a module's or class's body, its namespace. `name` is a
 * str object. When `take` returns false it is shown no more.
 */
void frame_locals_each(struct py_reader *r, const struct stack_frame *f,
		       bool (*take)(void *ctx, addr_t name, addr_t value), void *ctx);

/** The names of attributes and globals that code object `code` uses: a tuple, or 0. */
addr_t code_names(struct py_reader *r, addr_t code, uint64_t *ret_n);

/** Show `take` each global that the code of `f` may use, as frame_locals_each() does. */
void frame_globals_each(struct py_reader *r, const struct stack_frame *f,
			bool (*take)(void *ctx, addr_t name, addr_t value), void *ctx);

/** The value of the variable `name` among those, or 0. */
addr_t frame_local(struct py_reader *r, const struct stack_frame *f, const char *name);

#endif
