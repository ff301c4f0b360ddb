// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/frame_search.h"

#include "py/stack_frame.h"
#include "runtime/generator_search.h"
#include "sym/mappings.h"

// Of one thread; and pieces of its data stack, of 16 KiB and more each.
#define SEARCHED_BYTES (16u << 20)
// What following the link to a piece, or telling OS threads apart, takes in place of bytes.
#define CHUNK_COST 64u
#define OS_THREAD_COST 1u
#define CHUNKS_MAX 4096u

struct search {
	struct py_reader *r;
	struct found_frames *found;
	uint64_t left; // bytes that may still be looked at
	bool out_of_memory;
};

static addr_t pointer(const struct search *s, addr_t base, enum field_id f)
{
	uint64_t x = 0;

	if (mem_read_u64(s->r->py->mem, base + layout_off(s->r->layout, f), &x) < 0)
		return 0;
	return x;
}

// -- 3.11+: frames one after the other in the pieces of the data stack

static uint64_t frame_bytes(struct search *s, const struct stack_frame *f)
{
	uint64_t locals_n, stack_n;

	if (!code_slots(s->r, f->code, &locals_n, &stack_n))
		return 8;
	return layout_off(s->r->layout, F_IF_LOCALSPLUS) + (locals_n + stack_n) * 8;
}

// What was there before is left over above `end`.
static void search_chunk(struct search *s, addr_t at, addr_t end)
{
	const uint64_t first = s->found->all.n;
	const uint64_t n = end > at ? u64_min(end - at, s->left) : 0;
	uint64_t a = first, b;

	s->left -= n;
	for (const addr_t stop = at + n; at < stop;) {
		struct stack_frame f;

		if (!stack_frame_read(s->r, at, &f) || !stack_frame_fits(s->r, &f)) {
			// a piece that says it is large need not be there at all
			at = mem_readable(s->r->py->mem, at, 8) ? at + 8
								: (at | (PAGE_BYTES - 1)) + 1;
			continue;
		}
		s->out_of_memory |= !vec_push(&s->found->all, at);
		at += frame_bytes(s, &f);
	}
	for (b = s->found->all.n; a + 1 < b; a++) { // the innermost is the last
		const addr_t x = s->found->all.data[a];

		s->found->all.data[a] = s->found->all.data[--b];
		s->found->all.data[b] = x;
	}
}

static void search_data_stack(struct search *s, const struct py_thread *t)
{
	const struct layout *l = s->r->layout;
	addr_t chunk, end;

	if (!layout_has(l, F_TS_DATASTACK_CHUNK) || !layout_has(l, F_TS_DATASTACK_TOP) ||
	    !layout_has(l, F_CHUNK_PREVIOUS) || !layout_has(l, F_CHUNK_SIZE) ||
	    !layout_has(l, F_CHUNK_TOP) || !layout_has(l, F_CHUNK_DATA))
		return;
	chunk = pointer(s, t->addr, F_TS_DATASTACK_CHUNK);
	end = pointer(s, t->addr, F_TS_DATASTACK_TOP);
	for (uint32_t i = 0; chunk && chunk % 8 == 0 && i < CHUNKS_MAX && s->left; i++) {
		s->left -= u64_min(s->left, CHUNK_COST);
		const addr_t data = chunk + layout_off(l, F_CHUNK_DATA);
		const uint64_t size = pointer(s, chunk, F_CHUNK_SIZE);

		if (i)
			end = data + pointer(s, chunk, F_CHUNK_TOP) % (1ull << 44) * 8;
		if (end - chunk <= size)
			search_chunk(s, data, end);
		chunk = pointer(s, chunk, F_CHUNK_PREVIOUS);
	}
}

// -- to 3.10: frame objects that are being executed, wherever they lie

// One that has ended may still be there, as garbage or to be used again.
static bool is_executing(const struct search *s, addr_t frame)
{
	const struct layout *l = s->r->layout;
	struct py_object o;
	uint32_t depth = 0;

	if (!py_object_open(s->r, frame, &o) || !header_refcount(l, o.p))
		return false;
	if (layout_has(l, F_F_EXECUTING))
		return field_u64(l, F_F_EXECUTING, o.p);
	if (!layout_has(l, F_F_STACKDEPTH))
		return layout_has(l, F_F_STACKTOP) && !object_u64(s->r, &o, F_F_STACKTOP);
	return mem_read_u32(s->r->py->mem, frame + layout_off(l, F_F_STACKDEPTH), &depth) == 0 &&
	       (int32_t)depth < 0;
}

static const struct os_thread *os_thread_of(const struct target *t, const struct py_thread *state)
{
	for (uint64_t i = 0; i < t->threads.n; i++)
		if (t->threads.data[i].has_regs && t->threads.data[i].fs_base == state->thread_id)
			return &t->threads.data[i];
	return NULL;
}

// Drop those that another one of them called: following that one leads to them.
static void keep_innermost(struct search *s, const struct hashmap *called)
{
	struct found_frames *found = s->found;
	uint64_t n = 0;
	uint32_t x;

	for (uint64_t i = 0; i < found->all.n; i++)
		if (!hashmap_get(called, found->all.data[i], &x))
			found->all.data[n++] = found->all.data[i];
	found->all.n = n;
}

static void search_c_stack(struct search *s, const struct target *target,
			   const struct os_thread *os)
{
	const struct mapping *m = os ? mappings_find(&target->mappings, os->sp) : NULL;
	struct hashmap seen = {0}, called = {0};
	addr_t at = os ? os->sp & ~7ull : 0;
	uint64_t n;

	if (!m)
		return;
	n = u64_min(s->left, m->end - at);
	s->left -= n;
	for (; n >= 8 && !s->out_of_memory; n -= 8, at += 8) {
		struct stack_frame f;
		uint8_t scratch[8];
		const uint8_t *p = py_get(s->r, at, 8, scratch);
		const addr_t frame = p ? load_u64(p) : 0;
		uint32_t x;

		if (!frame || frame % 8 || hashmap_get(&seen, frame, &x) ||
		    !stack_frame_read(s->r, frame, &f) || !stack_frame_fits(s->r, &f) ||
		    !is_executing(s, frame))
			continue;
		s->out_of_memory |= !hashmap_put(&seen, frame, 0) ||
				    (f.previous && f.previous != frame &&
				     !hashmap_put(&called, f.previous, 0)) ||
				    !vec_push(&s->found->all, frame);
	}
	keep_innermost(s, &called);
	hashmap_done(&seen);
	hashmap_done(&called);
}

int frames_search(struct found_frames *ret, const struct runtime *rt, struct py_reader *r,
		  const struct py_thread *t, const struct hashmap *seen, uint64_t *left,
		  struct ccore_error *err)
{
	const struct os_thread *os = *left ? os_thread_of(rt->target, t) : NULL;
	const uint64_t most = u64_min(*left, SEARCHED_BYTES);
	const uint64_t cost = u64_min(most, rt->target->threads.n * OS_THREAD_COST);
	struct search s = {.r = r, .found = ret, .left = most - cost};

	*ret = (struct found_frames){0};
	if (layout_has(r->layout, F_F_CODE)) {
		search_c_stack(&s, rt->target, os);
	} else {
		search_data_stack(&s, t);
		s.out_of_memory |=
			!s.out_of_memory && !generators_search(ret, rt, r, os, &s.left, seen);
	}
	*left -= most - s.left;
	if (!*left)
		damage_note(&r->damage, DAMAGE_LIMIT, t->addr);
	if (s.out_of_memory) {
		vec_done(&ret->all);
		return err_nomem(err);
	}
	return 0;
}
