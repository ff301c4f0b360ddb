// SPDX-License-Identifier: GPL-2.0-or-later
// Mappings by what backs them, and shared memory segments with how often each is mapped.
#ifndef NECROPY_SEGMENTS_H
#define NECROPY_SEGMENTS_H

#include "heap/holders.h"

enum backing {
	BACKING_ANON,	// private, anonymous
	BACKING_HEAP,	// [heap]
	BACKING_STACK,	// [stack]
	BACKING_KERNEL, // [vdso] and the like
	BACKING_FILE,
	BACKING_SYSV,
	BACKING_POSIX, // shm_open()
	BACKING_MEMFD,
	BACKING_SHARED_ANON, // MAP_SHARED | MAP_ANONYMOUS
	BACKING_HUGETLB
};

/** By the mapping's name and flags. */
enum backing mapping_backing(const struct mapping *m);

/** "anon", "heap" … as `maps` and `shm` show it. */
const char *backing_name(enum backing b);

struct shared_segment {
	uint32_t id; // `owner` of its ranges
	enum backing backing;
	const char *name;	// the mapping's
	uint32_t key;		// of SysV
	uint64_t inode;		// of a process; SysV: the shmid. 0 when not known
	uint64_t size;		// bytes of one mapping of it, the largest
	uint64_t attaches;	// how often it is mapped
	uint64_t mapped, saved; // bytes in all
	bool inferred;		// that these mappings are of one segment is a conclusion
	bool unlinked;		// its name is gone, but it is still mapped
	bool removed;		// of SysV: marked for removal, as far as that is known
	uint64_t content;	// hash of what is saved, to tell segments without a name apart
};

struct segments {
	VEC(struct shared_segment) all;	  // largest first
	VEC(struct address_range) ranges; // all that they are mapped at, by address
};

/** All shared memory among the mappings of `t`. CCORE_ENOMEM. */
int segments_find(struct segments *ret, const struct target *t, struct ccore_error *err);
void segments_done(struct segments *s);

#endif
