// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a layout that no debug information vouches for is that of the target: what it says of
 * the sizes of types, of the interpreters, their threads and the collector's lists, or the memory
 * it has objects in, must be so.
 */
#ifndef NECROPY_SELF_TEST_H
#define NECROPY_SELF_TEST_H

#include "runtime/runtime.h"

/** After runtime_read(). CCORE_ELAYOUT says what is not as it should be. */
int self_test(const struct runtime *rt, struct py_reader *r, const struct target *t,
	      uint32_t expected_version, struct ccore_error *err);

#endif
