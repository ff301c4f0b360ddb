// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/gc_bits.h"

#define LINKS_NEAR 512u
#define LINKS_AHEAD 16u
#define LINK_MASK (~3ull) // flags in the low bits of both links

struct walk {
	struct py_reader *r;
	struct gc_sink sink;
	uint32_t next_off, prev_off, head_size;
	uint32_t anchor_align; // 8; 4 where a PyGC_Head that is no object's is aligned to that
	uint64_t limit;	       // more nodes than this cannot be
	uint64_t scan_left;    // bytes of stacks: they do not overlap
};

static const uint8_t *node_get(struct walk *w, addr_t node, uint8_t *scratch)
{
	return node % w->anchor_align ? NULL : py_get(w->r, node, w->next_off + 16, scratch);
}

// Both links of the node at `node`; false when it is not readable.
static bool links(struct walk *w, addr_t node, addr_t *ret_next, addr_t *ret_prev)
{
	uint8_t scratch[64];
	const uint8_t *p = node_get(w, node, scratch);

	if (!p)
		return false;
	*ret_next = load_u64(p + w->next_off) & LINK_MASK;
	*ret_prev = load_u64(p + w->prev_off) & LINK_MASK;
	return true;
}

// Objects that were made one after the other often lie so, and at one distance: what comes some
// steps after `node` and its neighbour `to`.
static inline void fetch_ahead(struct walk *w, addr_t node, addr_t to)
{
	const uint64_t distance = to - node;
	const uint8_t *p;

	if (distance + LINKS_NEAR >= 2 * LINKS_NEAR)
		return;
	p = mem_lens_span(&w->r->lens, node, w->next_off + 16);
	__builtin_prefetch((const void *)((uintptr_t)p + distance * LINKS_AHEAD));
}

#define READY_STEP 4096u // objects after which others are told

int gc_sink_push(struct gc_sink *s, addr_t object)
{
	struct gc_objects *out = s->out;

	if (s->stays_in_place && out->objects.n == out->objects.cap) {
		damage_note(s->damage, DAMAGE_LIMIT, object);
		return 0;
	}
	if (!vec_push(&out->objects, object))
		return err_nomem(s->err);
	if (s->stays_in_place && out->objects.n % READY_STEP == 0)
		atomic_store_explicit(&out->public_ready, out->objects.n, memory_order_release);
	return progress_poll(s->progress, "reading the GC lists", out->objects.n, 0, s->err);
}

int gc_sink_list(struct gc_sink *s, uint32_t interpreter, uint32_t generation, uint64_t first)
{
	const struct gc_list list = {
		.interpreter = interpreter,
		.generation = generation,
		.first = first,
		.n = s->out->objects.n - first,
	};

	return vec_push(&s->out->lists, list) ? 0 : err_nomem(s->err);
}

static int push(struct walk *w, addr_t node)
{
	return gc_sink_push(&w->sink, node + w->head_size);
}

static void bad_link(struct walk *w, addr_t node)
{
	damage_note(&w->r->damage, DAMAGE_BAD_LINK, node);
}

/*
 * From both ends at once: two independent chains of loads hide each other's latency. Each
 * step checks that the neighbour points back, so no node comes twice and the walk ends; a
 * broken list gives what is before and after the break.
 */
static int walk_both_ends(struct walk *w, addr_t head)
{
	addr_t f, b, f_next, f_prev, b_next, b_prev;
	bool f_ok = true, b_ok = true;
	addr_t f_from = head, b_from = head;

	if (!links(w, head, &f, &b)) {
		bad_link(w, head);
		return 0;
	}
	while (f_ok || b_ok) {
		if (f_ok) {
			if (f == head)
				break;
			f_ok = links(w, f, &f_next, &f_prev) && f_prev == f_from;
			if (!f_ok)
				bad_link(w, f);
			else
				TRY(push(w, f));
			if (f_ok && f == b && b_ok)
				break;
			if (f_ok) {
				fetch_ahead(w, f, f_next);
				f_from = f;
				f = f_next;
			}
		}
		if (b_ok) {
			// The other end took this one already: they have met.
			if (b == head || (f_ok && b == f_from))
				break;
			b_ok = links(w, b, &b_next, &b_prev) && b_next == b_from;
			if (!b_ok)
				bad_link(w, b);
			else
				TRY(push(w, b));
			if (b_ok && f_ok && f == b)
				break;
			if (b_ok) {
				fetch_ahead(w, b, b_prev);
				b_from = b;
				b = b_prev;
			}
		}
	}
	return 0;
}

// While a collection runs gc_prev may hold a count: only forward links are links. Brent's
// algorithm finds a loop that does not come back to the head.
static int walk_forward(struct walk *w, addr_t head)
{
	addr_t node, prev, next, turtle = 0;
	uint64_t power = 1, lap = 0;

	if (!links(w, head, &node, &prev)) {
		bad_link(w, head);
		return 0;
	}
	for (; node != head; node = next) {
		if (node == turtle || w->sink.out->objects.n >= w->limit ||
		    !links(w, node, &next, &prev)) {
			bad_link(w, node);
			return 0;
		}
		TRY(push(w, node));
		if (++lap == power) {
			turtle = node;
			power *= 2;
			lap = 0;
		}
	}
	return 0;
}

static int walk_list(struct walk *w, addr_t head, uint32_t interpreter, uint32_t generation,
		     bool collecting)
{
	const uint64_t first = w->sink.out->objects.n;

	TRY(collecting ? walk_forward(w, head) : walk_both_ends(w, head));
	return gc_sink_list(&w->sink, interpreter, generation, first);
}

// -- a collection's own lists, anchored in local variables of the collector

// Whether the words (n, p) at `at` are the anchor of a list that is not empty.
static bool is_anchor(struct walk *w, addr_t at, addr_t n, addr_t p)
{
	addr_t next, prev;

	n &= LINK_MASK;
	p &= LINK_MASK;
	if (!n || !p || n == at || !links(w, n, &next, &prev) || prev != at)
		return false;
	return links(w, p, &next, &prev) && next == at;
}

static int scan_stack(struct walk *w, addr_t sp, addr_t end)
{
	addr_t at;

	if (!u64_align_up(sp, w->anchor_align, &at) || end - sp > w->scan_left) {
		damage_note(&w->r->damage, DAMAGE_LIMIT, sp);
		return 0;
	}
	w->scan_left -= end - sp;
	for (; end - at >= 16 && at < end; at += w->anchor_align) {
		uint8_t scratch[16];
		const uint8_t *p = py_get(w->r, at, 16, scratch);

		if (!p)
			break;
		if (is_anchor(w, at, load_u64(p), load_u64(p + 8)))
			TRY(walk_list(w, at, 0, GC_IN_FLIGHT, true));
	}
	return 0;
}

static int walk_in_flight(struct walk *w, const struct target *t)
{
	for (uint64_t i = 0; i < t->threads.n; i++) {
		const addr_t sp = t->threads.data[i].sp;
		const struct mem_segment *s = mem_find(w->r->py->mem, sp);

		if (s && (s->base || s->source))
			TRY(scan_stack(w, sp, s->max + 1));
	}
	return 0;
}

static struct walk start(struct gc_objects *out, const struct runtime *rt, struct py_reader *r,
			 const struct progress *progress, struct ccore_error *err)
{
	const struct layout *l = r->layout;

	return (struct walk){
		.r = r,
		.sink = {.out = out, .damage = &r->damage, .progress = progress, .err = err},
		.next_off = layout_off(l, F_GC_NEXT),
		.prev_off = layout_off(l, F_GC_PREV),
		.anchor_align = rt->interpreters.data[0].gc.heads[0] % 8 ? 4 : 8,
		.head_size = l->struct_size[S_PyGC_Head],
		.limit = r->py->mem->bytes / l->struct_size[S_PyGC_Head],
		.scan_left = r->py->mem->bytes,
	};
}

static int walk_generations(struct walk *w, const struct interpreter *in, uint32_t i,
			    bool collecting)
{
	for (uint32_t g = 0; in->owns_gc && g < GC_GENERATIONS; g++)
		if (in->gc.heads[g])
			TRY(walk_list(w, in->gc.heads[g], i, g, collecting));
	return 0;
}

int gc_walk_public(struct gc_objects *ret, const struct runtime *rt, struct py_reader *r,
		   const struct progress *progress, struct ccore_error *err)
{
	struct walk w = start(ret, rt, r, progress, err);
	const bool collecting = runtime_is_collecting(rt, r->py->mem);
	const bool in_bits = layout_has(r->layout, F_OB_GC_BITS);
	const uint64_t bad_n = r->damage.count[DAMAGE_BAD_LINK];
	int status = 0;

	// Only address space: memory is taken as objects are found. No object is smaller than its
	// head and a header.
	w.sink.stays_in_place = vec_reserve(&ret->objects, w.limit / 2);
	for (uint32_t i = 0; status == 0 && i < rt->interpreters.n; i++)
		status = in_bits ? gc_bits_walk_public(&w.sink, rt, i, r)
				 : walk_generations(&w, &rt->interpreters.data[i], i, collecting);
	ret->is_broken = r->damage.count[DAMAGE_BAD_LINK] != bad_n;
	ret->public_n = ret->objects.n;
	atomic_store_explicit(&ret->public_ready, ret->public_n, memory_order_release);
	atomic_store_explicit(&ret->public_is_complete, true, memory_order_release);
	return status;
}

int gc_walk_rest(struct gc_objects *ret, const struct runtime *rt, struct py_reader *r,
		 const struct target *t, const struct progress *progress, struct ccore_error *err)
{
	struct walk w = start(ret, rt, r, progress, err);
	const bool collecting = runtime_is_collecting(rt, r->py->mem);
	const bool in_bits = layout_has(r->layout, F_OB_GC_BITS);

	for (uint32_t i = 0; i < rt->interpreters.n; i++) {
		const struct interpreter *in = &rt->interpreters.data[i];

		if (in_bits)
			TRY(gc_bits_walk_rest(&w.sink, rt, i, r));
		else if (in->owns_gc && in->gc.permanent)
			TRY(walk_list(&w, in->gc.permanent, i, GC_PERMANENT, collecting));
	}
	return collecting && !in_bits ? walk_in_flight(&w, t) : 0;
}

int gc_walk_untracked(struct gc_objects *ret, const struct runtime *rt, struct py_reader *r,
		      const struct progress *progress, struct ccore_error *err)
{
	struct walk w = start(ret, rt, r, progress, err);

	for (uint32_t i = 0; gc_sees_untracked(r->layout) && i < rt->interpreters.n; i++)
		TRY(gc_bits_walk_untracked(&w.sink, rt, i, r));
	return 0;
}

#define REFS_UNTRACKED (-2)

static bool refs_say_tracked(const struct layout *l, const uint8_t *head)
{
	const int64_t refs = (int64_t)load_u64(head + layout_off(l, F_GC_REFS));

	return refs >> l->facts[FACT_GC_REFS_SHIFT] != REFS_UNTRACKED;
}

bool gc_head_next(const struct layout *l, const uint8_t *head, addr_t *ret)
{
	const uint64_t next = load_u64(head + layout_off(l, F_GC_NEXT));

	*ret = next & LINK_MASK;
	return layout_has(l, F_GC_REFS) ? refs_say_tracked(l, head) : next != 0;
}

bool gc_is_tracked(struct py_reader *r, addr_t addr)
{
	const uint32_t size = r->layout->struct_size[S_PyGC_Head];
	uint8_t scratch[LIM_GC_HEAD_BYTES];
	const uint8_t *p = py_get(r, addr - size, size, scratch);
	addr_t next;

	return p && gc_head_next(r->layout, p, &next);
}

bool gc_points_back(struct py_reader *r, addr_t next, addr_t addr)
{
	const struct layout *l = r->layout;
	uint8_t scratch[8];
	const uint8_t *p = py_get(r, next + layout_off(l, F_GC_PREV), 8, scratch);

	return p && (load_u64(p) & LINK_MASK) == addr - l->struct_size[S_PyGC_Head];
}

bool gc_is_pointed_to(struct py_reader *r, addr_t addr)
{
	const struct layout *l = r->layout;
	const addr_t node = addr - l->struct_size[S_PyGC_Head];
	uint8_t scratch[8];
	const uint8_t *p = py_get(r, node + layout_off(l, F_GC_PREV), 8, scratch);

	p = p ? py_get(r, (load_u64(p) & LINK_MASK) + layout_off(l, F_GC_NEXT), 8, scratch) : NULL;
	return p && (load_u64(p) & LINK_MASK) == node;
}

void gc_prefetch_back(struct py_reader *r, addr_t next)
{
	__builtin_prefetch(mem_lens_span(&r->lens, next + layout_off(r->layout, F_GC_PREV), 8));
}

// Spreads addresses so that sums of different ones differ.
static uint64_t mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15ull;
	x ^= x >> 32;
	return x * 0xd6e8feb86659fd93ull;
}

void gc_rings_add(struct gc_rings *g, const struct layout *l, addr_t addr, addr_t next)
{
	g->sum += mix(addr - l->struct_size[S_PyGC_Head]) - mix(next);
}

static void add_anchor(struct gc_rings *g, struct py_reader *r, addr_t head)
{
	uint8_t scratch[8];
	const uint8_t *p =
		head ? py_get(r, head + layout_off(r->layout, F_GC_NEXT), 8, scratch) : NULL;

	if (head) // of one that cannot be read the walk will tell
		g->sum += mix(head) - mix(p ? load_u64(p) & LINK_MASK : 0);
}

bool gc_rings_are_closed(struct gc_rings g, const struct runtime *rt, struct py_reader *r)
{
	for (uint64_t i = 0; i < rt->interpreters.n; i++) {
		const struct interpreter *in = &rt->interpreters.data[i];

		for (uint32_t k = 0; in->owns_gc && k < GC_GENERATIONS; k++)
			add_anchor(&g, r, in->gc.heads[k]);
		if (in->owns_gc)
			add_anchor(&g, r, in->gc.permanent);
	}
	return g.sum == 0;
}

void gc_objects_done(struct gc_objects *g)
{
	vec_done(&g->objects);
	vec_done(&g->lists);
	*g = (struct gc_objects){0};
}
