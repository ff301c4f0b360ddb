// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lie detector: do the tables say what the types' own code says? Each object's references of
 * kind visit are compared with those that its type's tp_traverse reports, emulated. A difference
 * means that the layout is not that of this interpreter, or that the object is damaged.
 */
#ifndef NECROPY_LIE_DETECTOR_H
#define NECROPY_LIE_DETECTOR_H

#include "heap/heap.h"

/** One object of which the tables and its type's code say different things. */
struct lie {
	addr_t object;
	const struct py_type *type;
	uint64_t missing, extra;	   // references that the tables lack, that they invent
	addr_t first_missing, first_extra; // by address; 0 when there is none
};

typedef void (*lie_fn)(void *ctx, const struct lie *lie);

/**
 * Compare `n` objects that the collector tracks; `report` is called for each that differs.
 * *ret_compared: how many there were something to compare of; not those of types that are
 * emulated anyway. 0 of them without an emulator. Fails when memory is out.
 */
int lie_check(struct heap *h, const addr_t *objects, uint64_t n, lie_fn report, void *ctx,
	      uint64_t *ret_compared);

/**
 * Compare some objects of each kind of type that the tables know, spread over the collector's
 * lists. Kinds that differ are counted as damage, and are from then on read by emulation. After
 * heap_need_gc().
 */
int lie_check_sample(struct heap *h, struct ccore_error *err);

#endif
