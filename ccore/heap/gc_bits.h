// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gc_bits: the collector's objects where there are no lists of them. Bits in each object's header
 * say whether it is tracked, frozen, or found to be garbage by a running collection; the objects
 * are found by walking the memory they are allocated from.
 */
#ifndef NECROPY_GC_BITS_H
#define NECROPY_GC_BITS_H

#include "heap/gc.h"

/** Whether those who hold `o` may do so without counting. Free-threaded builds only. */
bool gc_bits_deferred(const struct py_reader *r, const struct py_object *o);

/**
 * How many tracked objects interpreter `i` has, of the first `max`, and how many of those are no
 * objects. Memory that contradicts itself is not counted as damage.
 */
int gc_bits_sample(const struct runtime *rt, uint32_t i, struct py_reader *r, uint32_t max,
		   uint32_t *ret_n, uint32_t *ret_bad);

/** Takes the objects of a walk. */
struct gc_sink {
	struct gc_objects *out;
	struct damage *damage;
	const struct progress *progress;
	struct ccore_error *err;
	bool stays_in_place; // the array, while the public objects are found
};

/** Take one object. CCORE_ENOMEM, CCORE_ECANCELED. */
int gc_sink_push(struct gc_sink *s, addr_t object);

/** Note the run from object `first` on, if it is not empty or a generation's. */
int gc_sink_list(struct gc_sink *s, uint32_t interpreter, uint32_t generation, uint64_t first);

/** As gc_walk_public() and so on, of interpreter `i`. */
int gc_bits_walk_public(struct gc_sink *s, const struct runtime *rt, uint32_t i,
			struct py_reader *r);
int gc_bits_walk_rest(struct gc_sink *s, const struct runtime *rt, uint32_t i, struct py_reader *r);
int gc_bits_walk_untracked(struct gc_sink *s, const struct runtime *rt, uint32_t i,
			   struct py_reader *r);

#endif
