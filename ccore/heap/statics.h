// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * statics: objects that no allocator has made: they lie in the writable data of modules. Types,
 * small ints, the text and code that is compiled into the interpreter. There a refcount beside
 * a type's address is not yet an object: the rest of it must prove it (py/static_object.h).
 */
#ifndef NECROPY_STATICS_H
#define NECROPY_STATICS_H

#include "runtime/runtime.h"

/** Takes an object. 0 or a failure, which ends the scan. */
typedef int (*static_fn)(void *ctx, addr_t addr, const struct py_type *type);

/** Scan the data of all modules of `t`, and the states of interpreters that lie elsewhere. */
int statics_find(const struct target *t, const struct runtime *rt, struct py_reader *r,
		 static_fn fn, void *ctx);

/** Whether `addr` lies where static objects do. */
bool statics_hold(const struct target *t, const struct runtime *rt, const struct layout *l,
		  addr_t addr);

#endif
