// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * finalizer: why the collector may not free a cycle through an object, but puts it into
 * gc.garbage. On 2.7 that is any __del__; since 3.4 only tp_del, which no Python class has.
 */
#ifndef NECROPY_FINALIZER_H
#define NECROPY_FINALIZER_H

#include "py/families.h"

enum finalizer {
	FINALIZER_NONE,
	FINALIZER_DEL,	     // __del__ of a Python class
	FINALIZER_C,	     // tp_del of a type in C
	FINALIZER_GENERATOR, // suspended where it has something left to do
	FINALIZER_N
};

/** What CPython would run before it freed `object`. */
enum finalizer finalizer_of(struct py_reader *r, addr_t object);

/** "its class has __del__" …; NULL for none. */
const char *finalizer_text(enum finalizer f);

#endif
