// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mem_freeze: segments in the order they were added become sorted ones without overlap. One
 * sweep over the addresses keeps the segments that cover the current one in a heap, the one
 * added last on top; each start and each end emits at most one piece.
 */
#include "mem/mem.h"

struct layer {
	struct mem_segment seg;
	uint64_t order; // when it was added
};

struct sweep {
	const struct layer *layers;
	uint64_t layer_n;
	uint64_t next;	// first layer that does not cover `pos` yet
	uint64_t *heap; // indices of layers, the one with the highest order first
	uint64_t heap_n;
	addr_t pos;
	struct mem *mem;
};

static int layer_cmp(const void *a, const void *b)
{
	const struct layer *x = a, *y = b;

	if (x->seg.min != y->seg.min)
		return x->seg.min < y->seg.min ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool heap_above(const struct sweep *s, uint64_t i, uint64_t j)
{
	return s->layers[s->heap[i]].order > s->layers[s->heap[j]].order;
}

static void heap_swap(struct sweep *s, uint64_t i, uint64_t j)
{
	const uint64_t tmp = s->heap[i];

	s->heap[i] = s->heap[j];
	s->heap[j] = tmp;
}

static void heap_push(struct sweep *s, uint64_t layer)
{
	uint64_t i = s->heap_n++;

	s->heap[i] = layer;
	for (; i && heap_above(s, i, (i - 1) / 2); i = (i - 1) / 2)
		heap_swap(s, i, (i - 1) / 2);
}

static void heap_pop(struct sweep *s)
{
	uint64_t i = 0;

	s->heap[0] = s->heap[--s->heap_n];
	for (;;) {
		uint64_t best = i;

		for (uint64_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < s->heap_n && heap_above(s, child, best))
				best = child;
		if (best == i)
			return;
		heap_swap(s, i, best);
		i = best;
	}
}

// Whether `next` continues `s` in the target and in its backing, so that one can serve both.
static bool continues(const struct mem_segment *s, const struct mem_segment *next)
{
	const uint64_t size = next->min - s->min;

	if (s->max == UINT64_MAX || s->max + 1 != next->min || s->source != next->source)
		return false;
	if (!s->base || !next->base)
		return !s->base && !next->base &&
		       (!s->source || s->source_off + size == next->source_off);
	return s->base + size == next->base;
}

// [s->pos, last] comes from `from`.
static bool emit(struct sweep *s, const struct mem_segment *from, addr_t last)
{
	struct mem *m = s->mem;
	struct mem_segment piece = *from;

	piece.min = s->pos;
	piece.max = last;
	piece.source_off += s->pos - from->min;
	if (piece.base)
		piece.base += s->pos - from->min;
	if (m->segments.n && continues(&m->segments.data[m->segments.n - 1], &piece)) {
		m->segments.data[m->segments.n - 1].max = last;
		return true;
	}
	return vec_push(&m->segments, piece);
}

static bool sweep_all(struct sweep *s)
{
	for (;;) {
		const struct mem_segment *top;
		addr_t last;

		if (!s->heap_n) {
			if (s->next == s->layer_n)
				return true;
			s->pos = s->layers[s->next].seg.min;
		}
		while (s->next < s->layer_n && s->layers[s->next].seg.min <= s->pos)
			heap_push(s, s->next++);
		top = &s->layers[s->heap[0]].seg;
		if (top->max < s->pos) {
			heap_pop(s);
			continue;
		}
		last = top->max;
		if (s->next < s->layer_n && s->layers[s->next].seg.min <= last)
			last = s->layers[s->next].seg.min - 1;
		if (!emit(s, top, last))
			return false;
		if (last == UINT64_MAX)
			return true;
		s->pos = last + 1;
	}
}

// -- how much there is

static int base_cmp(const void *a, const void *b)
{
	const struct layer *x = a, *y = b;

	return x->seg.base < y->seg.base ? -1 : x->seg.base > y->seg.base;
}

// A core's program headers may show the same bytes of the file at many addresses: a limit made
// of what is mapped would be none. `layers` has room for all segments.
static uint64_t count_bytes(const struct mem *m, struct layer *layers)
{
	uint64_t n = 0, bytes = 0;
	const uint8_t *end = NULL;

	for (uint64_t i = 0; i < m->segments.n; i++) {
		const struct mem_segment *s = &m->segments.data[i];

		if (s->base)
			layers[n++] = (struct layer){*s, i};
		else if (s->source)
			bytes += s->max - s->min + 1;
	}
	qsort(layers, n, sizeof(*layers), base_cmp);
	for (uint64_t i = 0; i < n; i++) {
		const struct mem_segment *s = &layers[i].seg;
		const uint8_t *from = s->base > end ? s->base : end;
		const uint8_t *to = s->base + (s->max - s->min) + 1;

		if (to > from) {
			bytes += (uint64_t)(to - from);
			end = to;
		}
	}
	return bytes;
}

static bool measure(struct mem *m)
{
	struct layer *layers = calloc(m->segments.n + 1, sizeof(*layers));

	if (layers)
		m->bytes = count_bytes(m, layers);
	free(layers);
	return layers != NULL;
}

// There may be tens of thousands without bytes, and the same of them are passed again and again.
static void link_readable(struct mem *m)
{
	uint64_t next = m->segments.n;

	for (uint64_t i = m->segments.n; i-- > 0;) {
		struct mem_segment *s = &m->segments.data[i];

		if (s->base || s->source)
			next = i;
		s->next_idx = next;
	}
}

int mem_freeze(struct mem *m, struct ccore_error *err)
{
	const uint64_t n = m->segments.n;
	struct layer *layers;
	uint64_t *heap;
	bool ok = false;

	if (!n)
		return 0;
	layers = calloc(n, sizeof(*layers));
	heap = calloc(n, sizeof(*heap));
	if (layers && heap) {
		struct sweep s = {.layers = layers, .layer_n = n, .heap = heap, .mem = m};

		for (uint64_t i = 0; i < n; i++)
			layers[i] = (struct layer){m->segments.data[i], i};
		qsort(layers, n, sizeof(*layers), layer_cmp);
		m->segments.n = 0;
		ok = sweep_all(&s) && measure(m);
		link_readable(m);
	}
	free(layers);
	free(heap);
	return ok ? 0 : err_nomem(err);
}
