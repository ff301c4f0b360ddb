// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/lock.h"

// Types that threads wait at. A field that is F_OB_TYPE, the first of all, is none.
static const struct {
	const char *types;
	enum field_id pointer; // to what is slept at
	enum field_id inside;  // or it is this member
	enum field_id owner;
} kinds[] = {
	{"_thread.lock|thread.lock", F_LOCK_SEMAPHORE, F_LOCK_MUTEX, 0},
	{"_thread.RLock", F_RLOCK_SEMAPHORE, F_RLOCK_MUTEX, F_RLOCK_OWNER},
	{"_queue.SimpleQueue", F_QUEUE_LOCK, F_QUEUE_WAITING, 0},
	{"_io.BufferedReader|_io.BufferedWriter|_io.BufferedRandom", F_BUFFERED_LOCK, 0,
	 F_BUFFERED_OWNER},
};
#define KIND_N (sizeof(kinds) / sizeof(kinds[0]))

static bool has(const struct layout *l, enum field_id f)
{
	return f && layout_has(l, f);
}

static bool fill(struct py_reader *r, addr_t addr, const struct py_type *type, unsigned kind,
		 struct lock *ret)
{
	const struct layout *l = r->layout;
	struct lock lock = {.addr = addr, .type = type, .is_plain = kind == 0};

	if (has(l, kinds[kind].inside))
		lock.word = addr + layout_off(l, kinds[kind].inside);
	else if (!has(l, kinds[kind].pointer) ||
		 mem_read_u64(r->py->mem, addr + layout_off(l, kinds[kind].pointer), &lock.word) <
			 0 ||
		 !lock.word)
		return false;
	if (has(l, kinds[kind].owner))
		lock.has_owner = mem_read_u64(r->py->mem, addr + layout_off(l, kinds[kind].owner),
					      &lock.owner) == 0;
	*ret = lock;
	return true;
}

bool lock_read(struct py_reader *r, addr_t addr, struct lock *ret)
{
	const struct py_type *type = addr % 8 ? NULL : py_type_of(r, addr);

	for (unsigned i = 0; type && i < KIND_N; i++)
		if (name_in_list(type->name, kinds[i].types))
			return fill(r, addr, type, i, ret);
	return false;
}

bool lock_around(struct py_reader *r, addr_t word, struct lock *ret)
{
	for (unsigned i = 0; i < KIND_N; i++)
		if (has(r->layout, kinds[i].inside) &&
		    lock_read(r, word - layout_off(r->layout, kinds[i].inside), ret) &&
		    ret->word == word)
			return true;
	return false;
}
