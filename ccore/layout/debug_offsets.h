// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * _Py_DebugOffsets: what CPython from 3.13 on says of its own structs, at the start of _PyRuntime.
 * It lies in the target's memory and may say anything: it is believed only where the offset lies
 * inside its struct, and it never overrules debug information.
 */
#ifndef NECROPY_DEBUG_OFFSETS_H
#define NECROPY_DEBUG_OFFSETS_H

#include "layout/layout.h"

/** A field of which `l` says something else than the target's _Py_DebugOffsets. */
typedef void (*offset_fn)(void *ctx, enum field_id field, uint64_t offset);

/**
 * Read the offsets, with `l`'s own idea of where they are, and call `fn` (may be NULL) for each
 * that differs from `l`'s. How many `l` has in common with them; 0: there are none, or not of this
 * version.
 */
uint32_t debug_offsets_compare(const struct layout *l, const struct mem *mem, offset_fn fn,
			       void *ctx);

/** Take the offsets that are possible into `l`, where it has others, as ORIGIN_OFFSETS. */
void debug_offsets_apply(struct layout *l, const struct mem *mem);

#endif
