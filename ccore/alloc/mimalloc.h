// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimalloc: the memory of free-threaded builds. Each thread has a heap for each kind of block;
 * a heap is queues of pages; a page is blocks of one size. Pages lie in segments of 32 MiB,
 * whose headers describe them. Segments of threads that have ended are the interpreter's.
 *
 * A page's blocks in use are those below its capacity that are on none of four lists: free,
 * freed by the owner, freed by other threads, and the heap's list of the first block that
 * others have freed in each full page. Lists and counts are checked against each other; what
 * contradicts itself is damage (DAMAGE_BAD_PAGE), and its blocks are reported as far as known.
 */
#ifndef NECROPY_MIMALLOC_H
#define NECROPY_MIMALLOC_H

#include "runtime/runtime.h"

/** What a heap is for: the index of it, and the tag of its pages. */
enum mimalloc_tag {
	MIMALLOC_MEM,	 // PyMem_Malloc()
	MIMALLOC_OBJECT, // objects without HAVE_GC
	MIMALLOC_GC,	 // objects with it
	MIMALLOC_GC_PRE, // and with words for a managed dict before them
	MIMALLOC_TAG_N
};

/** A block in use. */
struct mimalloc_block {
	addr_t addr;
	uint64_t size; // that can be used: at least what was asked for
	enum mimalloc_tag tag;
};

struct mimalloc_page;

/** Where the pages and blocks go; a negative status ends the walk. */
struct mimalloc_visitor {
	int (*take)(void *ctx, const struct mimalloc_block *block); // or NULL
	// Or NULL. Before the page's blocks, of which `used_n` are in use. `abandoned`: the thread
	// that it was made by has ended.
	int (*take_page)(void *ctx, const struct mimalloc_page *page, uint32_t used_n,
			 bool abandoned);
	void *ctx;
	unsigned tags; // 1 << tag of each kind wanted
};

/**
 * Call `v` for the blocks of interpreter `i`'s threads, and of its threads that have ended. Only
 * for layouts that have F_TSI_HEAPS. CCORE_ENOMEM leaves `err` to the caller.
 */
int mimalloc_walk(const struct runtime *rt, uint32_t i, struct py_reader *r,
		  const struct mimalloc_visitor *v);

#endif
