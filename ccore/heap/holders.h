// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects that hold memory outside the heap: whose C struct has a pointer into given ranges of
 * addresses. mmap, memoryview, ctypes objects and arrays of extension modules all keep the
 * address of their buffer in their struct, whatever it is called there.
 */
#ifndef NECROPY_HOLDERS_H
#define NECROPY_HOLDERS_H

#include "heap/heap.h"

struct address_range {
	addr_t start, end; // exclusive end
	uint32_t owner;	   // what the range is part of; the caller's number
};

struct holder {
	uint32_t owner;
	uint32_t node;
};

struct holders {
	VEC(struct holder) all; // sorted by owner, then node; each pair once
};

/**
 * Find all objects with a pointer into one of the `n` ranges, which are sorted and do not
 * overlap. Needs the table of all objects. On failure `*ret` needs no holders_done().
 */
int holders_find(struct holders *ret, struct heap *h, const struct address_range *ranges,
		 uint64_t n, struct ccore_error *err);
void holders_done(struct holders *h);

#endif
