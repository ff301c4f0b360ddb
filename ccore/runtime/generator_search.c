// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/generator_search.h"

#include "py/stack_frame.h"
#include "sym/mappings.h"

// Frames of the interpreter's own between two of Python's: there is one.
#define SHIMS_MAX 4u

struct running {
	addr_t frame;
	addr_t caller;	// the next frame that is Python's, or 0
	bool is_called; // by another frame that was found
};

struct search {
	struct py_reader *r;
	VEC(struct running) running;
	struct hashmap places; // of `running`, by frame
	uint64_t left;	       // words that may still be looked at
	bool out_of_memory;
};

// The caller of a frame, as far as it can be read; 0: there is none.
static addr_t caller_of(struct py_reader *r, const struct stack_frame *f)
{
	struct stack_frame shim;
	addr_t at = f->previous;

	for (unsigned i = 0; at && i < SHIMS_MAX; i++, at = shim.previous)
		if (!stack_frame_read(r, at, &shim) || !shim.is_shim)
			return at;
	return 0;
}

// A word that may lead to a generator.
static void look_at(struct search *s, uint64_t word)
{
	const addr_t frame = word % 8 ? 0 : generator_running_frame(s->r, word);
	struct running found = {.frame = frame};
	struct stack_frame f;
	uint32_t i;

	if (!frame || hashmap_get(&s->places, frame, &i) || !stack_frame_read(s->r, frame, &f) ||
	    !stack_frame_fits(s->r, &f))
		return;
	found.caller = caller_of(s->r, &f);
	s->out_of_memory |= !vec_push(&s->running, found) ||
			    !hashmap_put(&s->places, frame, (uint32_t)s->running.n - 1);
}

// Who iterates over a generator, or awaits it, has it among its values.
static void look_at_slots(struct search *s, addr_t frame)
{
	struct stack_frame f;
	uint64_t locals_n, stack_n, word;

	if (!stack_frame_read(s->r, frame, &f) || !code_slots(s->r, f.code, &locals_n, &stack_n))
		return;
	for (uint64_t i = 0; i < locals_n + stack_n && s->left && !s->out_of_memory; i++) {
		s->left--;
		if (mem_read_u64(s->r->py->mem, f.slots + i * 8, &word) < 0)
			return;
		look_at(s, frame_reference(s->r->layout, word));
	}
}

// An evaluation loop that was called for a generator has its frame; who called it, the generator.
static void look_at_c_stack(struct search *s, const struct runtime *rt, const struct os_thread *os)
{
	const uint64_t inside = layout_off(s->r->layout, F_GI_IFRAME);
	const struct mapping *m = mappings_find(&rt->target->mappings, os->sp);
	const addr_t begin = (os->sp + 7) & ~7ull;
	const uint64_t n = m && m->end > begin ? (m->end - begin) / 8 : 0;

	for (uint64_t i = 0; i < n + OS_THREAD_REGS && s->left && !s->out_of_memory; i++) {
		uint64_t word;

		s->left--;
		if (i < OS_THREAD_REGS)
			word = os->regs[i];
		else if (mem_read_u64(s->r->py->mem, begin + (i - OS_THREAD_REGS) * 8, &word) < 0)
			continue;
		look_at(s, word);
		if (word > inside)
			look_at(s, word - inside);
	}
}

static void mark_called(struct search *s, addr_t frame)
{
	uint32_t i;

	if (hashmap_get(&s->places, frame, &i))
		s->running.data[i].is_called = true;
}

static void mark_all_called(struct search *s, const struct found_frames *found)
{
	struct stack_frame f;

	for (uint64_t i = 0; i < s->running.n; i++)
		mark_called(s, s->running.data[i].caller);
	for (uint64_t i = 0; i < found->all.n; i++)
		if (stack_frame_read(s->r, found->all.data[i], &f))
			mark_called(s, caller_of(s->r, &f));
}

// The frame outside of generators that called this one, by way of others.
static addr_t outer_caller(struct search *s, const struct running *g)
{
	addr_t caller = g->caller;
	uint32_t next;

	for (; s->left && hashmap_get(&s->places, caller, &next); s->left--)
		caller = s->running.data[next].caller;
	return s->left ? caller : 0;
}

// By the frame before which it belongs, 1 + the index of the generator's; 0 where there are two.
static bool find_places(struct search *s, struct hashmap *ret)
{
	for (uint32_t i = 0; i < s->running.n; i++) {
		const struct running *g = &s->running.data[i];
		const addr_t place = g->is_called ? 0 : outer_caller(s, g);
		uint32_t other;

		if (place && !hashmap_put(ret, place, hashmap_get(ret, place, &other) ? 0 : i + 1))
			return false;
	}
	return true;
}

static bool insert(const struct search *s, const struct hashmap *places, const struct hashmap *seen,
		   struct found_frames *found)
{
	struct found_frames all = {0};
	uint32_t i, before;

	for (uint64_t k = 0; k < found->all.n; k++) {
		const addr_t frame = found->all.data[k];

		if ((hashmap_get(places, frame, &i) && i && !hashmap_get(seen, frame, &before) &&
		     !vec_push(&all.all, s->running.data[i - 1].frame)) ||
		    !vec_push(&all.all, frame)) {
			vec_done(&all.all);
			return false;
		}
	}
	vec_done(&found->all);
	*found = all;
	return true;
}

bool generators_search(struct found_frames *found, const struct runtime *rt, struct py_reader *r,
		       const struct os_thread *os, uint64_t *left, const struct hashmap *seen)
{
	struct search s = {.r = r, .left = *left / 8};
	struct hashmap places = {0};

	for (uint64_t i = 0; i < found->all.n && !s.out_of_memory; i++)
		look_at_slots(&s, found->all.data[i]);
	if (os && layout_has(r->layout, F_GI_IFRAME))
		look_at_c_stack(&s, rt, os);
	for (uint64_t i = 0; i < s.running.n && !s.out_of_memory; i++)
		look_at_slots(&s, s.running.data[i].frame);
	if (s.running.data && !s.out_of_memory) {
		mark_all_called(&s, found);
		s.out_of_memory = !find_places(&s, &places) || !insert(&s, &places, seen, found);
	}
	hashmap_done(&places);
	hashmap_done(&s.places);
	vec_done(&s.running);
	*left = s.left * 8;
	return !s.out_of_memory;
}
