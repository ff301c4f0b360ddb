// SPDX-License-Identifier: GPL-2.0-or-later
// Roots: what holds objects without being one. Threads' frames, threads, interpreters.
#ifndef NECROPY_ROOTS_H
#define NECROPY_ROOTS_H

#include "heap/runtime.h"

enum root_kind { ROOT_FRAME, ROOT_THREAD, ROOT_INTERPRETER, ROOT_KIND_N };

struct root {
	enum root_kind kind;
	addr_t addr;	      // of the frame, thread state or interpreter state
	uint32_t thread;      // index, of ROOT_FRAME and ROOT_THREAD
	uint32_t interpreter; // index
	uint32_t depth;	      // of a frame: 0 is the innermost
};

struct roots {
	VEC(struct root) all;
};

int roots_find(struct roots *ret, const struct runtime *rt, struct py_reader *r,
	       struct ccore_error *err);
void roots_done(struct roots *roots);

/** Emit what `root` holds into r->edges, like py_visit(). */
void root_visit(struct py_reader *r, const struct runtime *rt, const struct root *root);

/** "frame worker", "thread 1234", "interpreter 0". */
void root_name(struct py_reader *r, const struct runtime *rt, const struct root *root,
	       struct strbuf *out);

/** The label of an edge root_visit() emitted. */
void root_edge_label(struct py_reader *r, const struct root *root, const struct edge *e,
		     struct strbuf *out);

const char *root_kind_name(enum root_kind kind);

#endif
