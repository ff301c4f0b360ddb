// SPDX-License-Identifier: GPL-2.0-or-later
// The graph of a heap: its objects and roots as nodes, what keeps alive as edges.
#ifndef NECROPY_REFERENCES_H
#define NECROPY_REFERENCES_H

#include "graph/graph.h"
#include "heap/heap.h"
#include "util/parallel.h"

/**
 * Index all visit, own and guess edges between the nodes of `h` and from its roots, which are
 * nodes h->node_n and up. Weak and borrowed references keep nothing alive and are left out.
 * CCORE_ENOMEM when that needs more memory than the session may use.
 */
int references_build(struct graph *ret, struct heap *h, struct ccore_error *err);

/**
 * The same of visit edges alone, what gc.get_referents() would give, in at most `max_bytes` of
 * memory. Roots have none.
 */
int references_build_visited(struct graph *ret, struct heap *h, uint64_t max_bytes,
			     struct ccore_error *err);

/** What references_build() and searches may still take, after the tables of `h`. */
uint64_t references_max_bytes(const struct heap *h);

/** CCORE_ENOMEM, and what can be asked without an index of references. */
int references_nomem(const struct heap *h, struct ccore_error *err);

/**
 * All edges of node `id`, of every kind, in pieces to `flush`, whose buffer's sink has `ctx`.
 * `r` is a reader of its own for each thread that does so; heap_limit_edges() goes before.
 */
void references_visit(struct heap *h, struct py_reader *r, uint32_t id,
		      void (*flush)(struct edge_buffer *), void *ctx);

/** Emit the edges of node `id`, an object or a root, into r->edges, like py_visit(). */
void references_emit(struct heap *h, struct py_reader *r, uint32_t id);

/**
 * Before references_emit() of node `id`, where the nodes after it are next: code that must be
 * emulated for any of them below `end` is run together, which is far cheaper.
 */
void references_prefetch(struct heap *h, struct py_reader *r, uint32_t id, uint64_t end);

/** Called for each edge of a node; returns false to stop. */
typedef bool (*references_fn)(void *ctx, const struct edge *e);

/** All edges of node `id`, of every kind, in the order CPython would visit them. */
void references_each(struct heap *h, uint32_t id, references_fn fn, void *ctx);

/** The label of `e`, which references_each() gave for node `id`. */
void references_label(struct heap *h, uint32_t id, const struct edge *e, struct strbuf *out);

#endif
