// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An attach of a SysV segment always begins at file offset 0, so mappings with offset 0 are
 * attaches, and others are parts of one that mprotect() split. Keyed segments are told apart
 * by name; those of IPC_PRIVATE all have the same one: of a process the inode is the shmid, in
 * a core only size and contents are left.
 */
#include "analysis/segments.h"

#include "util/hashmap.h"

#include <stdio.h>
#include <stdlib.h>

#define HASH_BYTES_MAX (1u << 20) // of one mapping's contents

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

enum backing mapping_backing(const struct mapping *m)
{
	const char *name = m->name;

	if (begins(name, "/SYSV"))
		return BACKING_SYSV;
	if (begins(name, "/dev/shm/"))
		return BACKING_POSIX;
	if (begins(name, "/memfd:"))
		return BACKING_MEMFD;
	if (begins(name, "/dev/zero"))
		return BACKING_SHARED_ANON;
	if (begins(name, "/anon_hugepage"))
		return BACKING_HUGETLB;
	if (begins(name, "[heap]"))
		return BACKING_HEAP;
	if (begins(name, "[stack"))
		return BACKING_STACK;
	if (begins(name, "[anon"))
		return BACKING_ANON;
	if (name[0] == '[')
		return BACKING_KERNEL;
	return name[0] ? BACKING_FILE : BACKING_ANON;
}

const char *backing_name(enum backing b)
{
	static const char *const names[] = {
		[BACKING_ANON] = "anon",	[BACKING_HEAP] = "heap",
		[BACKING_STACK] = "stack",	[BACKING_KERNEL] = "kernel",
		[BACKING_FILE] = "file",	[BACKING_SYSV] = "sysv",
		[BACKING_POSIX] = "posix",	[BACKING_MEMFD] = "memfd",
		[BACKING_SHARED_ANON] = "anon", [BACKING_HUGETLB] = "hugetlb",
	};
	return names[b];
}

// Known to be, or of a kind that only is.
static bool is_shared_memory(const struct mapping *m)
{
	switch (mapping_backing(m)) {
	case BACKING_SYSV:
	case BACKING_POSIX:
	case BACKING_MEMFD:
	case BACKING_SHARED_ANON:
	case BACKING_HUGETLB:
		return !(m->flags & MAPPING_SHARED_KNOWN) || m->flags & MAPPING_SHARED;
	case BACKING_FILE:
		return m->flags & MAPPING_SHARED && m->flags & MAPPING_SHARED_KNOWN;
	case BACKING_ANON:
	case BACKING_HEAP:
	case BACKING_STACK:
	case BACKING_KERNEL:
		break;
	}
	return false;
}

static bool is_deleted(const char *name)
{
	static const char tail[] = " (deleted)";
	const uint64_t n = strlen(name);

	return n >= sizeof(tail) && strcmp(name + n - (sizeof(tail) - 1), tail) == 0;
}

// Of the bytes that are there; by words, since an attach that leaks is mapped many times.
static uint64_t content_hash(const struct target *t, const struct mapping *m)
{
	uint64_t h = 0xcbf29ce484222325ull;
	uint64_t n = m->end - m->start;
	uint8_t page[4096];

	n = n < HASH_BYTES_MAX ? n : HASH_BYTES_MAX;
	for (uint64_t at = 0; at + sizeof(page) <= n; at += sizeof(page)) {
		if (mem_read(&t->mem, m->start + at, page, sizeof(page)) < 0)
			return 0;
		for (unsigned i = 0; i < sizeof(page); i += 8)
			h = hash_u64(h ^ load_u64(page + i));
	}
	return h;
}

static void describe(const struct target *t, const struct mapping *m, struct shared_segment *ret)
{
	unsigned key = 0;

	*ret = (struct shared_segment){
		.backing = mapping_backing(m),
		.name = m->name,
		.inode = m->inode,
		.size = m->end - m->start,
		.attaches = 1,
		.mapped = m->end - m->start,
		.saved = m->saved_bytes,
	};
	if (ret->backing == BACKING_SYSV && sscanf(m->name, "/SYSV%8x", &key) == 1)
		ret->key = key;
	ret->removed = m->flags & MAPPING_REMOVED;
	// The kernel calls every SysV, memfd and anonymous segment deleted.
	ret->unlinked = (ret->backing == BACKING_POSIX || ret->backing == BACKING_FILE) &&
			is_deleted(m->name);
	if (!ret->inode && ret->backing == BACKING_SYSV && !ret->key) {
		ret->inferred = true;
		ret->content = content_hash(t, m);
	}
}

// Anonymous shared memory without an inode: each mapping may be a segment of its own.
static bool has_identity(const struct shared_segment *s)
{
	return s->inode || (s->backing != BACKING_SHARED_ANON && s->backing != BACKING_HUGETLB);
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

// 0 for mappings of one segment, if they have an identity.
static int by_identity(const struct shared_segment *a, const struct shared_segment *b)
{
	int r = compare(a->backing, b->backing);

	r = r ? r : compare(a->inode, b->inode);
	r = r ? r : compare(a->inferred, b->inferred);
	if (r || !a->inferred)
		return r ? r : strcmp(a->name, b->name);
	r = compare(a->size, b->size);
	return r ? r : compare(a->content, b->content);
}

// One mapping, as the segment it is of.
struct part {
	struct shared_segment segment;
	uint64_t order; // of the mapping
	addr_t start, end;
	bool is_attach; // its beginning is mapped
};

struct parts {
	VEC(struct part) all;
};

static int same_segment_together(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	const int r = by_identity(&x->segment, &y->segment);

	return r ? r : compare(x->order, y->order);
}

static int find_parts(struct parts *ret, const struct target *t, struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];
		struct part p = {
			.order = i,
			.start = m->start,
			.end = m->end,
			.is_attach = m->offset == 0,
		};

		if (!is_shared_memory(m))
			continue;
		describe(t, m, &p.segment);
		if (!vec_push(&ret->all, p))
			return err_nomem(err);
	}
	if (ret->all.n)
		qsort(ret->all.data, ret->all.n, sizeof(*ret->all.data), same_segment_together);
	return 0;
}

// A part is of the last segment, or begins another.
static int add_part(struct segments *ret, const struct part *p, struct ccore_error *err)
{
	struct shared_segment *last = ret->all.n ? &ret->all.data[ret->all.n - 1] : NULL;
	struct shared_segment first = p->segment;

	if (!last || !has_identity(last) || by_identity(last, &p->segment) != 0) {
		first.id = (uint32_t)ret->all.n;
		return vec_push(&ret->all, first) ? 0 : err_nomem(err);
	}
	last->attaches += p->is_attach;
	last->mapped += p->segment.mapped;
	last->saved += p->segment.saved;
	if (p->segment.size > last->size)
		last->size = p->segment.size;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct address_range *x = a, *y = b;

	return compare(x->start, y->start);
}

static int join_parts(struct segments *ret, const struct parts *parts, struct ccore_error *err)
{
	for (uint64_t i = 0; i < parts->all.n; i++) {
		const struct part *p = &parts->all.data[i];
		struct address_range range = {.start = p->start, .end = p->end};

		TRY(add_part(ret, p, err));
		range.owner = (uint32_t)(ret->all.n - 1);
		if (!vec_push(&ret->ranges, range))
			return err_nomem(err);
	}
	if (ret->ranges.n)
		qsort(ret->ranges.data, ret->ranges.n, sizeof(*ret->ranges.data), by_start);
	return 0;
}

static int most_mapped_first(const void *a, const void *b)
{
	const struct shared_segment *x = a, *y = b;

	if (x->mapped != y->mapped)
		return x->mapped < y->mapped ? 1 : -1;
	return strcmp(x->name, y->name);
}

int segments_find(struct segments *ret, const struct target *t, struct ccore_error *err)
{
	struct parts parts = {0};
	int r;

	*ret = (struct segments){0};
	r = find_parts(&parts, t, err);
	if (r == 0)
		r = join_parts(ret, &parts, err);
	vec_done(&parts.all);
	if (r < 0)
		segments_done(ret);
	else if (ret->all.n)
		qsort(ret->all.data, ret->all.n, sizeof(*ret->all.data), most_mapped_first);
	return r;
}

void segments_done(struct segments *s)
{
	vec_done(&s->all);
	vec_done(&s->ranges);
}
