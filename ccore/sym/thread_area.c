// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread register of cores whose writer did not know it (gdb's gcore before gdb 8): glibc's
 * struct pthread, to which it points, is found by its two pointers to itself and the thread's
 * number.
 */
#include "sym/mappings.h"
#include "sym/open.h"

// tcbhead_t of x86-64 and nptl/descr.h: alike in all versions of glibc.
#define PTHREAD_SELF 16u
#define PTHREAD_TID 720u
#define PTHREAD_ALIGN 64u

#define SEARCHED_MAX (64u << 20) // bytes of one mapping

static uint64_t word_at(const struct mem *m, addr_t addr)
{
	uint64_t w;

	return mem_read_u64(m, addr, &w) == 0 ? w : 0;
}

static bool is_unknown(const struct target *t, const struct os_thread *th)
{
	const addr_t at = th->fs_base;

	for (uint64_t i = 0; i < t->threads.n; i++)
		if (&t->threads.data[i] != th && t->threads.data[i].fs_base == at)
			return true;
	if (mem_readable(&t->mem, at, 8) == 8)
		return word_at(&t->mem, at) != at;
	return !mappings_find(&t->mappings, at);
}

static bool is_area_of(const struct mem *m, addr_t at, int64_t tid)
{
	uint32_t found;

	return word_at(m, at) == at && word_at(m, at + PTHREAD_SELF) == at &&
	       mem_read_u32(m, at + PTHREAD_TID, &found) == 0 && found == (uint32_t)tid;
}

// From the end on: that is where it lies in a stack.
static bool search_mapping(const struct target *t, const struct mapping *p, struct os_thread *th)
{
	const unsigned mask = MAPPING_W | MAPPING_SHARED;

	if ((p->flags & mask) != MAPPING_W || *p->name == '/' || p->end - p->start > SEARCHED_MAX)
		return false;
	for (addr_t at = p->end & ~(addr_t)(PTHREAD_ALIGN - 1); at > p->start;) {
		at -= PTHREAD_ALIGN;
		if (is_area_of(&t->mem, at, th->tid)) {
			th->fs_base = at;
			return true;
		}
	}
	return false;
}

void target_find_thread_areas(struct target *t)
{
	for (uint64_t i = 0; i < t->threads.n; i++) {
		struct os_thread *th = &t->threads.data[i];
		const struct mapping *stack = mappings_find(&t->mappings, th->sp);
		bool found;

		if (!th->has_regs || !is_unknown(t, th))
			continue;
		found = stack && search_mapping(t, stack, th);
		for (uint64_t k = 0; !found && k < t->mappings.n; k++)
			found = search_mapping(t, &t->mappings.data[k], th);
		if (!found)
			th->fs_base = 0;
	}
}
