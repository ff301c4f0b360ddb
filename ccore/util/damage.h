// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damage: what in the target could not be read or contradicts itself. Counted by kind with
 * the first address; printed with every answer; never stops an analysis.
 */
#ifndef NECROPY_DAMAGE_H
#define NECROPY_DAMAGE_H

#include "util/error.h"

#include <stdbool.h>

// kind, its name in JSON, and what it means, after "N"
#define DAMAGE_KINDS(X)                                                                            \
	X(DAMAGE_TRUNCATED, "truncated-core", "mappings cut off by the end of the core file")      \
	X(DAMAGE_MISSING_NOTES, "missing-notes",                                                   \
	  "notes of the core that are cut off or overwritten: threads, the list of files, …")      \
	X(DAMAGE_UNREADABLE_OBJECT, "unreadable-object",                                           \
	  "objects whose memory is not in the target")                                             \
	X(DAMAGE_UNREADABLE_TYPE, "unreadable-type", "objects whose type is not a readable type")  \
	X(DAMAGE_BAD_TYPE, "bad-type",                                                             \
	  "types that contradict themselves, or objects of theirs: what is said of these may be "  \
	  "wrong")                                                                                 \
	X(DAMAGE_BAD_CONTAINER, "bad-container", "containers whose size or table is not possible") \
	X(DAMAGE_BAD_LINK, "bad-link", "GC list links that lead nowhere or back")                  \
	X(DAMAGE_BAD_PAGE, "bad-page", "pages of the memory allocator that contradict themselves") \
	X(DAMAGE_BAD_FRAME, "bad-frame", "frames that cannot be followed")                         \
	X(DAMAGE_BAD_THREAD, "bad-thread", "interpreter or thread states that cannot be followed") \
	X(DAMAGE_BAD_POOL, "bad-pool", "pieces of an allocator that contradict themselves")        \
	X(DAMAGE_MISSING_POOL, "missing-pool",                                                     \
	  "pools of the memory allocator that are not in the target, with all that lay in them")   \
	X(DAMAGE_BAD_REFCOUNT, "bad-refcount", "objects whose refcount cannot be true")            \
	X(DAMAGE_BAD_NAME, "bad-name", "names that cannot be read")                                \
	X(DAMAGE_GUESSED_NAME, "guessed-name",                                                     \
	  "static types whose name is in a file that is not here: named by their attributes, "     \
	  "or as modules know them")                                                               \
	X(DAMAGE_EMULATION, "emulation",                                                           \
	  "objects whose type's own code could not be run to its end: guesses were made instead")  \
	X(DAMAGE_TABLES, "tables",                                                                 \
	  "objects of which their type's own code says something else than necropy's tables: "     \
	  "the code was believed")                                                                 \
	X(DAMAGE_LIMIT, "limit", "limits reached (see limits.h)")

enum damage_kind {
#define X(id, name, text) id,
	DAMAGE_KINDS(X)
#undef X
		DAMAGE_KIND_N
};

/** Zeroed, it is no damage. */
struct damage {
	uint64_t count[DAMAGE_KIND_N];
	addr_t first[DAMAGE_KIND_N];
};

static inline void damage_note(struct damage *d, enum damage_kind kind, addr_t addr)
{
	// The lowest address: which comes first in time depends on the threads.
	if (!d->count[kind]++ || addr < d->first[kind])
		d->first[kind] = addr;
}

/** Whether there is any. */
bool damage_any(const struct damage *d);

/** Add `from` to `to`. */
void damage_merge(struct damage *to, const struct damage *from);

/** "bad-link", and what it means, to stand after a number; static. */
const char *damage_name(enum damage_kind kind);
const char *damage_text(enum damage_kind kind);

#endif
