// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread register of cores whose writer did not know it (gdb's gcore before gdb 8): glibc's
 * struct pthread, to which it points, is found by its two pointers to itself and the thread's
 * number.
 */
#include "sym/mappings.h"
#include "sym/open.h"
#include "util/checked.h"
#include "util/hashmap.h"

// tcbhead_t of x86-64 and nptl/descr.h: alike in all versions of glibc.
#define PTHREAD_SELF 16u
#define PTHREAD_TID 720u
#define PTHREAD_ALIGN 64u

// Bytes of one mapping, and of all: a thread's area is at the end of its stack, or the loader's.
#define SEARCHED_MAX (64u << 20)
#define SEARCHED_IN_ALL (1ull << 30)

struct search {
	struct target *t;
	struct hashmap by_tid; // threads whose area is not known; index + 1
	uint64_t unknown_n;
	uint64_t left; // bytes to search
};

static uint64_t word_at(const struct mem *m, addr_t addr)
{
	uint64_t w;

	return mem_read_u64(m, addr, &w) == 0 ? w : 0;
}

static bool cannot_be(const struct target *t, addr_t at)
{
	if (mem_readable(&t->mem, at, 8) == 8)
		return word_at(&t->mem, at) != at;
	return !mappings_find(&t->mappings, at);
}

// What several threads have for theirs is nobody's.
static bool find_unknown(struct search *s)
{
	struct hashmap threads = {0}; // by fs_base; 0: several
	uint32_t before;
	bool ok = true;

	for (uint64_t i = 0; ok && i < s->t->threads.n; i++) {
		const addr_t at = s->t->threads.data[i].fs_base;

		if (at)
			ok = hashmap_put(&threads, at,
					 hashmap_get(&threads, at, &before) ? 0 : (uint32_t)i + 1);
	}
	for (uint64_t i = 0; ok && i < s->t->threads.n; i++) {
		struct os_thread *th = &s->t->threads.data[i];

		if (!th->has_regs || (hashmap_get(&threads, th->fs_base, &before) && before &&
				      !cannot_be(s->t, th->fs_base)))
			continue;
		th->fs_base = 0;
		if (th->tid > 0 && !hashmap_get(&s->by_tid, (uint64_t)th->tid, &before)) {
			ok = hashmap_put(&s->by_tid, (uint64_t)th->tid, (uint32_t)i + 1);
			s->unknown_n++;
		}
	}
	hashmap_done(&threads);
	return ok;
}

static void look_at(struct search *s, addr_t at)
{
	const struct mem *m = &s->t->mem;
	struct os_thread *th;
	uint32_t tid, i;

	if (word_at(m, at) != at || word_at(m, at + PTHREAD_SELF) != at ||
	    mem_read_u32(m, at + PTHREAD_TID, &tid) < 0 || !hashmap_get(&s->by_tid, tid, &i))
		return;
	th = &s->t->threads.data[i - 1];
	s->unknown_n -= !th->fs_base;
	th->fs_base = at;
}

static void search_mapping(struct search *s, const struct mapping *p)
{
	const uint64_t size = p->end - p->start;
	addr_t at;

	if ((p->flags & (MAPPING_W | MAPPING_SHARED)) != MAPPING_W || *p->name == '/' ||
	    size > SEARCHED_MAX || size > s->left || !u64_align_up(p->start, PTHREAD_ALIGN, &at))
		return;
	s->left -= size;
	for (uint64_t n = at < p->end ? (p->end - at) / PTHREAD_ALIGN : 0; n && s->unknown_n; n--) {
		look_at(s, at);
		at += PTHREAD_ALIGN;
	}
}

int target_find_thread_areas(struct target *t, struct ccore_error *err)
{
	struct search s = {.t = t, .left = SEARCHED_IN_ALL};
	const bool ok = find_unknown(&s);

	for (uint64_t i = 0; ok && s.unknown_n && i < t->mappings.n; i++)
		search_mapping(&s, &t->mappings.data[i]);
	hashmap_done(&s.by_tid);
	return ok ? 0 : err_nomem(err);
}
