// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mem: the target's address space, as sorted segments that do not overlap.
 *
 * Invariants: segments are sorted by `min`; ranges are inclusive, so that the last byte of
 * the address space needs no special case; a segment with `base` is mapped in our own
 * address space and can be read without a call; one without `source` and `base` is known to
 * be mapped in the target, but its bytes are not available ("not saved").
 *
 * After mem_freeze() an address space does not change and may be read from several threads
 * when mem_is_direct().
 */
#ifndef NECROPY_MEM_H
#define NECROPY_MEM_H

#include "mem/source.h"
#include "util/vec.h"

#include <string.h>

struct mem_segment {
	addr_t min, max;	   // inclusive
	const uint8_t *base;	   // bytes of `min`, or NULL
	struct mem_source *source; // asked when `base` is NULL; NULL: not saved
	uint64_t source_off;	   // what `min` is to the source
	uint64_t next_idx;	   // the first from here on that has bytes; set by mem_freeze()
};

struct mem {
	VEC(struct mem_segment) segments;
	struct mem_source *sources; // owned; the last one first
	const char *unsaved_text; // why bytes of a mapping may be missing; NULL: the core's reason
	// Bytes that can be read; those that are mapped twice count once. Set by mem_freeze().
	uint64_t bytes;
	uint64_t allocated_bytes; // copies of the target that we hold (process snapshots, caches)
};

/**
 * Add [addr, addr + size) backed by `base`, or by `source` at `source_off`, or by nothing.
 * Where it overlaps segments added before, the later one wins. `source`, if any, must have
 * been handed to mem_own_source().
 */
int mem_add(struct mem *m, addr_t addr, uint64_t size, const uint8_t *base,
	    struct mem_source *source, uint64_t source_off, struct ccore_error *err);

/** Give `ops` and `ctx` to `m`, which closes them in mem_done(). On failure they are closed. */
int mem_own_source(struct mem *m, const struct mem_source_ops *ops, void *ctx,
		   struct mem_source **ret, struct ccore_error *err);

/**
 * Sort segments, resolve overlaps and merge neighbours; call before the first read, and again
 * when segments were added since. What was there before counts as added first.
 */
int mem_freeze(struct mem *m, struct ccore_error *err);

/** Whether every segment with bytes has a `base`: reads are then thread-safe and fast. */
bool mem_is_direct(const struct mem *m);

/** The segment that contains `addr`, or NULL. */
const struct mem_segment *mem_find(const struct mem *m, addr_t addr);

/** The first segment that contains `addr` or lies above it, or NULL. */
const struct mem_segment *mem_from(const struct mem *m, addr_t addr);

/** The first address from `addr` on whose bytes may be read, or UINT64_MAX. */
addr_t mem_next_readable(const struct mem *m, addr_t addr);

/** Copy `n` bytes at `addr`; splits across segments. 0 or CCORE_EFAULT; never partial. */
int mem_read(const struct mem *m, addr_t addr, void *buf, uint64_t n);

/** As mem_read(), and says in `err` what is wrong: not mapped, or mapped and not saved. */
int mem_read_err(const struct mem *m, addr_t addr, void *buf, uint64_t n, const char *what,
		 struct ccore_error *err);

int mem_read_u64(const struct mem *m, addr_t addr, uint64_t *ret);
int mem_read_u32(const struct mem *m, addr_t addr, uint32_t *ret);

/** Up to `cap` - 1 bytes up to a NUL; NUL-terminated in `buf`. Fails if none comes by then. */
int mem_read_cstr(const struct mem *m, addr_t addr, char *buf, uint64_t cap);

/** Bytes from `addr` on that can be read without a gap, at most `want`. For plausibility. */
uint64_t mem_readable(const struct mem *m, addr_t addr, uint64_t want);

void mem_done(struct mem *m);

/*
 * mem_lens: borrowed, bounded views of memory that is mapped in our own address space, with a
 * memory of the segments used last, one lens per thread. Valid while the mem lives. For hot
 * loops in py and heap only; what is read through it is as untrusted as any other byte of the
 * target. Where memory is not directly mapped, mem_read() is the fallback.
 */
#define MEM_LENS_SLOTS 1024u

struct mem_lens {
	const struct mem *mem;
	struct {
		addr_t min;
		uint64_t size;
		const uint8_t *base;
	} slots[MEM_LENS_SLOTS];
};

static inline void mem_lens_init(struct mem_lens *l, const struct mem *m)
{
	memset(l, 0, sizeof(*l));
	l->mem = m;
}

const uint8_t *mem_lens_miss(struct mem_lens *l, addr_t addr, uint64_t n);

/** `n` bytes at `addr`, or NULL when they do not lie in one directly mapped segment. */
static inline const uint8_t *mem_lens_span(struct mem_lens *l, addr_t addr, uint64_t n)
{
	const uint64_t i = (addr >> 20) % MEM_LENS_SLOTS;
	const uint64_t off = addr - l->slots[i].min;

	if (off < l->slots[i].size && n <= l->slots[i].size - off)
		return l->slots[i].base + off;
	return mem_lens_miss(l, addr, n);
}

/** `n` bytes at `addr`: a view, or a copy in `scratch` of that size, or NULL. */
static inline const uint8_t *mem_lens_get(struct mem_lens *l, addr_t addr, uint64_t n,
					  void *scratch)
{
	const uint8_t *p = mem_lens_span(l, addr, n);

	if (p)
		return p;
	return mem_read(l->mem, addr, scratch, n) == 0 ? scratch : NULL;
}

static inline uint64_t load_u64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline uint32_t load_u32(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

#endif
