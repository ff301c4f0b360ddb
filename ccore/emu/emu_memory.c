// SPDX-License-Identifier: GPL-2.0-or-later
// What the emulated code sees of the target: parts mapped when touched, copied when written to.
#include "emu/engine.h"

#include <sys/mman.h>

// Parts are cut at multiples of this: large, because each costs a little on every jump.
#define WINDOW (64ull << 20)

// What is copied because it is written to, or because it is not mapped here.
#define COPY_BYTES 65536u

// Copied in the time of one step.
#define COPY_STEP_BYTES 64u

static const struct mapping *find_mapping(const struct target *t, addr_t addr)
{
	uint64_t lo = 0, hi = t->mappings.n;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;

		if (t->mappings.data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->mappings.n && t->mappings.data[lo].start <= addr ? &t->mappings.data[lo]
									: NULL;
}

static struct emu_region *find_region(struct emu *e, addr_t addr)
{
	for (uint64_t i = 0; i < e->regions.n; i++)
		if (addr - e->regions.data[i].addr < e->regions.data[i].size)
			return &e->regions.data[i];
	return NULL;
}

// Where nothing says what a page may be used for, reading and calling is tried.
static unsigned perms_of(const struct mapping *m)
{
	if (!m || !(m->flags & MAPPING_PERMS_KNOWN))
		return UC_PROT_READ | UC_PROT_EXEC;
	return UC_PROT_READ | (m->flags & MAPPING_X ? UC_PROT_EXEC : 0);
}

static bool may_write(const struct mapping *m)
{
	return !m || !(m->flags & MAPPING_PERMS_KNOWN) || m->flags & MAPPING_W;
}

static bool add_region(struct emu *e, struct emu_region r, const uint8_t *bytes)
{
	if (e->regions.n >= LIM_EMU_REGIONS || (r.copy && e->copied_bytes >= LIM_EMU_COPY_BYTES) ||
	    !vec_reserve(&e->regions, e->regions.n + 1)) {
		e->is_full = true;
		return false;
	}
	if (e->lib->uc_mem_map_ptr(e->uc, r.addr, r.size, r.perms, (void *)bytes) != UC_ERR_OK)
		return false;
	e->cost += LIM_EMU_MAP_STEPS;
	if (r.copy) {
		e->copied_bytes += r.size;
		e->cost += r.size / COPY_STEP_BYTES;
	}
	return vec_push(&e->regions, r);
}

// [*lo, *hi): the largest part around `page` that is not mapped yet.
static void clip_to_gap(struct emu *e, addr_t page, addr_t *lo, addr_t *hi)
{
	for (uint64_t i = 0; i < e->regions.n; i++) {
		const struct emu_region *r = &e->regions.data[i];

		if (r->addr > page && r->addr < *hi)
			*hi = r->addr;
		if (r->addr < page && r->addr + r->size > *lo)
			*lo = r->addr + r->size;
	}
}

static bool map_copy(struct emu *e, addr_t page, addr_t hi, unsigned perms)
{
	struct emu_region r = {.addr = page, .perms = perms};
	uint64_t n = u64_min(hi - page, COPY_BYTES);

	n = mem_readable(&e->env->target->mem, page, n) & ~(PAGE_BYTES - 1ull);
	if (!n)
		return false;
	r.copy = malloc(n);
	r.size = n;
	if (!r.copy) {
		e->is_full = true;
		return false;
	}
	// A source may fail to give what it has: then page by page.
	if (mem_read(&e->env->target->mem, page, r.copy, n) < 0) {
		r.size = PAGE_BYTES;
		if (mem_read(&e->env->target->mem, page, r.copy, PAGE_BYTES) < 0)
			r.size = 0;
	}
	emu_patch(e, page, r.size, r.copy);
	if (r.size && add_region(e, r, r.copy))
		return true;
	free(r.copy);
	return false;
}

static bool map_page(struct emu *e, addr_t page)
{
	const struct mapping *m = find_mapping(e->env->target, page);
	const struct mem_segment *s = mem_find(&e->env->target->mem, page);
	addr_t lo = page & ~(WINDOW - 1), hi = lo + WINDOW;

	if (!s || page - e->env->base < OURS_BYTES)
		return false;
	if (m) {
		lo = m->start > lo ? m->start : lo;
		hi = m->end < hi ? m->end : hi;
	}
	clip_to_gap(e, page, &lo, &hi);
	if (s->base && page >= s->min && page + (PAGE_BYTES - 1) <= s->max) {
		if (lo < s->min)
			lo = (s->min + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull);
		if (hi - 1 > s->max)
			hi = (s->max + 1) & ~(PAGE_BYTES - 1ull);
		if (!emu_has_patch(e, lo, hi - lo))
			return add_region(e,
					  (struct emu_region){.addr = lo,
							      .size = hi - lo,
							      .perms = perms_of(m)},
					  s->base + (lo - s->min));
	}
	return map_copy(e, page, hi, perms_of(m));
}

bool emu_map(struct emu *e, addr_t addr, uint64_t size)
{
	const addr_t first = addr & ~(PAGE_BYTES - 1ull);
	bool mapped = false;

	if (!size || addr + (size - 1) < addr)
		return false;
	for (addr_t page = first; page - first <= addr + (size - 1) - first; page += PAGE_BYTES) {
		if (find_region(e, page))
			continue;
		if (!map_page(e, page))
			return false;
		mapped = true;
	}
	return mapped;
}

// Put [addr, addr + size) of region `i` under other bytes: what is left of it stays around it.
static bool split_off(struct emu *e, uint64_t i, addr_t addr, uint64_t size)
{
	const struct emu_region old = e->regions.data[i];
	struct emu_region before = old, after = old;

	before.size = addr - old.addr;
	after.addr = addr + size;
	after.size = old.size - before.size - size;
	if (!vec_reserve(&e->regions, e->regions.n + 2) ||
	    e->lib->uc_mem_unmap(e->uc, addr, size) != UC_ERR_OK)
		return false;
	e->regions.data[i] = e->regions.data[--e->regions.n];
	if (before.size)
		e->regions.data[e->regions.n++] = before;
	if (after.size)
		e->regions.data[e->regions.n++] = after;
	return true;
}

/*
 * What is written to is no code of Python's: to run it is to run data, where each write would make
 * the emulator translate what it runs anew, and emu_reset() would change it unseen.
 */
static unsigned writable(unsigned perms)
{
	return (perms | UC_PROT_WRITE) & ~(unsigned)UC_PROT_EXEC;
}

bool emu_make_private(struct emu *e, addr_t addr)
{
	const struct mapping *m = find_mapping(e->env->target, addr);
	struct emu_region *r = find_region(e, addr);
	addr_t lo = addr & ~(COPY_BYTES - 1ull), hi = lo + COPY_BYTES;

	if (!r || !may_write(m))
		return false;
	if (r->copy) {
		r->perms = writable(r->perms);
		r->written = true;
		return e->lib->uc_mem_protect(e->uc, r->addr, r->size, r->perms) == UC_ERR_OK;
	}
	lo = lo < r->addr ? r->addr : lo;
	hi = hi > r->addr + r->size ? r->addr + r->size : hi;
	if (!split_off(e, (uint64_t)(r - e->regions.data), lo, hi - lo) ||
	    !map_copy(e, lo, hi, writable(perms_of(m))))
		return false;
	r = find_region(e, addr);
	if (r)
		r->written = true;
	return r != NULL;
}

bool emu_keep(struct emu *e)
{
	for (uint64_t i = 0; i < e->regions.n; i++) {
		struct emu_region *r = &e->regions.data[i];

		if (!r->written)
			continue;
		if (!r->kept) // it has, where the call that prepares had to be begun anew
			r->kept = malloc(r->size);
		if (!r->kept)
			return false;
		memcpy(r->kept, r->copy, r->size);
	}
	return true;
}

void emu_forget(struct emu *e)
{
	for (uint64_t i = 0; i < e->regions.n; i++) {
		if (e->uc)
			(void)e->lib->uc_mem_unmap(e->uc, e->regions.data[i].addr,
						   e->regions.data[i].size); // it is mapped
		free(e->regions.data[i].copy);
		free(e->regions.data[i].kept);
	}
	e->is_prepared = false;
	e->regions.n = 0;
	e->copied_bytes = 0;
	e->is_full = false;
}

void emu_reset(struct emu *e)
{
	for (uint64_t i = 0; i < e->regions.n; i++) {
		struct emu_region *r = &e->regions.data[i];

		if (!r->written)
			continue;
		e->cost += r->size / COPY_STEP_BYTES;
		if (r->kept) {
			memcpy(r->copy, r->kept, r->size);
			continue;
		}
		// It could be read when it was copied.
		(void)mem_read(&e->env->target->mem, r->addr, r->copy, r->size);
		emu_patch(e, r->addr, r->size, r->copy);
	}
	e->cost += e->room_used / COPY_STEP_BYTES;
	if (e->room_used)
		(void)madvise(e->room, LIM_EMU_ROOM_BYTES, MADV_DONTNEED); // anonymous: zeros
	e->room_used = 0;
}

addr_t emu_room(struct emu *e, uint64_t size)
{
	const addr_t at = e->env->base + OURS_ROOM + e->room_used;

	if (!size || size > LIM_EMU_ROOM_BYTES || !u64_align_up(size, PAGE_BYTES, &size) ||
	    size > LIM_EMU_ROOM_BYTES - e->room_used || !e->room)
		return 0;
	e->room_used += size;
	return at;
}

// -- reading from outside

static uint8_t *our_bytes(struct emu *e, addr_t addr, uint64_t n)
{
	const uint64_t off = addr - e->env->base;

	if (off >= OURS_DATA && off < OURS_DATA_END && n <= OURS_DATA_END - off)
		return e->data + (off - OURS_DATA);
	if (e->room && off >= OURS_ROOM && off < OURS_BYTES && n <= OURS_BYTES - off)
		return e->room + (off - OURS_ROOM);
	return NULL;
}

int emu_read(struct emu *e, addr_t addr, void *buf, uint64_t n)
{
	uint8_t *to = buf;

	while (n) {
		const uint8_t *ours = our_bytes(e, addr, n);
		const struct emu_region *r = ours ? NULL : find_region(e, addr);
		uint64_t take = u64_min(n, PAGE_BYTES - addr % PAGE_BYTES);

		if (ours) {
			memcpy(to, ours, n);
			return 0;
		}
		if (r && r->copy)
			memcpy(to, r->copy + (addr - r->addr), take);
		else
			TRY(mem_read(&e->env->target->mem, addr, to, take));
		to += take;
		n -= take;
		if (!u64_add(addr, take, &addr))
			return n ? CCORE_EFAULT : 0;
	}
	return 0;
}
