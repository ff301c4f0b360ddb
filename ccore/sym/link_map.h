// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link_map: the dynamic linker's list of the files that it has loaded, as struct link_map of
 * glibc's and musl's <link.h> begins; and what the dynamic sections say that lead to it.
 */
#ifndef NECROPY_LINK_MAP_H
#define NECROPY_LINK_MAP_H

#include "mem/mem.h"
#include "util/limits.h"

struct link_map {
	uint64_t bias;
	addr_t dynamic;		   // its dynamic section
	char name[LIM_PATH_BYTES]; // as it was opened; "" of the program
};

typedef int (*link_map_fn)(void *ctx, const struct link_map *l, struct ccore_error *err);

/** The value of `tag` in the dynamic section at `dynamic`; false: it has none that can be read. */
bool dynamic_value(const struct mem *m, addr_t dynamic, int64_t tag, uint64_t *ret);

/** The same of a value that is an address: some dynamic linkers add the bias to it in place. */
bool dynamic_addr(const struct mem *m, addr_t dynamic, int64_t tag, uint64_t bias, addr_t *ret);

/** Where the list begins, if the file whose dynamic section is at `dynamic` knows; else 0. */
addr_t link_map_head(const struct mem *m, addr_t dynamic, uint64_t bias);

/** Call `fn` for each entry from `head` on, up to one that is not linked to the one before it. */
int link_map_each(const struct mem *m, addr_t head, link_map_fn fn, void *ctx,
		  struct ccore_error *err);

/** Call `fn` for the one entry of that file, where its table of addresses leads to it. */
int link_map_of(const struct mem *m, addr_t dynamic, uint64_t bias, link_map_fn fn, void *ctx,
		struct ccore_error *err);

#endif
