// SPDX-License-Identifier: GPL-2.0-or-later
// Which version of CPython a module is, where neither objects nor debug information can say.
#ifndef NECROPY_PYTHON_VERSION_H
#define NECROPY_PYTHON_VERSION_H

#include "sym/target.h"

/**
 * The version of `m`, or where that is NULL of whatever module has one: from the word at `symbol`
 * (Py_Version; 0: not known), else from what Py_GetVersion() has left in its variables
 * ("3.9.2 (default, …"), else from its constants. As PY_VERSION_HEX; 0 when it cannot be told,
 * or there are several that differ. The last byte is 0 where only text was found.
 */
uint32_t python_version_find(const struct target *t, const struct module *m, addr_t symbol);

#endif
