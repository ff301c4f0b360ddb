// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * core_types: types that every heap is made of, whose fields are known beforehand. One that was
 * overwritten takes all of its objects with it, and those that are on no list of the collector
 * would be missing without a word.
 */
#ifndef NECROPY_CORE_TYPES_H
#define NECROPY_CORE_TYPES_H

#include "runtime/runtime.h"

/**
 * Compare them, as the module builtins knows them, with what each must be. One that is another is
 * DAMAGE_BAD_TYPE, at its address. The first such, or 0.
 */
addr_t core_types_check(const struct runtime *rt, struct py_reader *r);

#endif
