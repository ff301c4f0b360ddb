// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of mappings: parsing, sorting, and putting together what two sources say.
#ifndef NECROPY_MAPPINGS_H
#define NECROPY_MAPPINGS_H

#include "sym/target.h"

/** Sort by start and cut each mapping off where the next one starts; drop empty ones. */
void mappings_tidy(struct mapping_vec *v);

/**
 * Cut what lies partly within the mappings of `whole`, which is tidy, and partly in none to the one
 * that it begins or ends with; drop it where there is none. The number of those; `err` on failure.
 */
int64_t mappings_trim(struct mapping_vec *v, const struct mapping_vec *whole,
		      struct ccore_error *err);

/**
 * Put `upper` over `lower`, both tidy: where both know an address, name, file offset, device and
 * inode (and flags, when upper knows them) are upper's, saved bytes are lower's. Mappings are
 * split where the other list has a boundary, and never joined; a part has no usage. The result
 * replaces `lower`.
 */
int mappings_overlay(struct mapping_vec *lower, const struct mapping_vec *upper,
		     struct ccore_error *err);

/** Set MAPPING_SHARED by name where nothing better is known. */
void mappings_infer_shared(struct mapping_vec *v);

/** The mapping that contains `addr`, or NULL. */
const struct mapping *mappings_find(const struct mapping_vec *v, addr_t addr);

/** That one, else the next one above `addr`, or NULL. */
const struct mapping *mappings_from(const struct mapping_vec *v, addr_t addr);

/**
 * Parse `n` bytes of text in the format of /proc/PID/maps, or of smaps with its lines of
 * details; device, inode and name may be missing. Names go to `arena`. CCORE_EFORMAT names the
 * first bad line. The result is tidy.
 */
int maps_text_parse(const char *text, uint64_t n, struct arena *arena, struct mapping_vec *ret,
		    struct ccore_error *err);

#endif
