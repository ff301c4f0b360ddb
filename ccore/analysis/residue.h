// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Residue: what is left of an object's refcount when the references to it that were found, of
 * other objects and of exact roots, are taken off. More than 0: it is held from C, by a
 * variable, a stack or an extension's own memory. Less than 0: more references were found than
 * it counts, so the object is corrupt, or what was taken for a reference is none.
 */
#ifndef NECROPY_RESIDUE_H
#define NECROPY_RESIDUE_H

#include "graph/counted.h"

// Of objects whose refcount is no count: immortal, or static and begun with a huge number.
#define RESIDUE_NONE INT32_MIN

/** Zeroed, it is empty. */
struct residue {
	int32_t *of; // by node id; what does not fit is INT32_MAX
	// Objects with residue 0, more, less, none.
	uint64_t exact_n, held_n, below_n, none_n;
	struct counted counted;
};

/** Whether node `id` is held from C, and not even a guess says from where. */
static inline bool residue_is_hidden(const struct residue *r, uint32_t id)
{
	return r->of[id] > 0 && !r->counted.guessed[id];
}

/** Compare each refcount of `h` with the references found, and find its roots for it. */
int residue_compute(struct residue *ret, struct heap *h, struct ccore_error *err);

/**
 * Whether refcounts count every reference: not in free-threaded builds whose frames hold some
 * objects without counting. The residue is then no more than a hint.
 */
static inline bool residue_is_sure(const struct heap *h)
{
	return !gc_sees_untracked(&h->layout) || h->layout.facts[FACT_DEFERRED_REFS];
}

/**
 * Whether the refcount of node `id` cannot be true: less than the references found, more than
 * the target's memory could hold, or none of an object in the collector's lists. Never where
 * residues are not sure.
 */
bool residue_is_wrong(const struct residue *r, struct heap *h, uint32_t id);

void residue_done(struct residue *r);

#endif
