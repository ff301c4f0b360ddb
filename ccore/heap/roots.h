// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Roots: what holds objects without being one. Threads' frames and the states of threads and
 * interpreters are certain and known from the start. Words that only look like references come
 * later, when it is known where objects are: they lead to no object that nothing else leads to.
 */
#ifndef NECROPY_ROOTS_H
#define NECROPY_ROOTS_H

#include "runtime/runtime.h"

enum root_kind {
	ROOT_FRAME,
	ROOT_THREAD,
	ROOT_INTERPRETER,
	ROOT_STATIC, // a variable of a module
	ROOT_STACK,  // of an OS thread, with its registers
	ROOT_HELD,   // C code, wherever it keeps the reference; has no edges of its own
	ROOT_KIND_N
};

struct root {
	enum root_kind kind;
	uint8_t mark; // of a frame: enum frame_mark
	// Of a thread or interpreter state: the words that no row of roots.def is for.
	bool is_words;
	addr_t addr;	      // of the frame, the state, the variable; the stack pointer
	uint32_t thread;      // index, of ROOT_FRAME and ROOT_THREAD; of the target's, ROOT_STACK
	uint32_t interpreter; // index
	uint32_t depth;	      // of a frame: 0 is the innermost
};

struct roots {
	VEC(struct root) all;
};

/** Those that are certain. */
int roots_find(struct roots *ret, const struct runtime *rt, struct py_reader *r,
	       struct ccore_error *err);
void roots_done(struct roots *roots);

/** Whether all that `root` holds is a guess. */
static inline bool root_is_guess(const struct root *root)
{
	return root->is_words || root->kind >= ROOT_STATIC;
}

/** Whether `root` is a variable whose words outlive what they pointed to. */
bool root_is_stale(const struct runtime *rt, const struct root *root);

/** Emit what `root` holds into r->edges, like py_visit(). */
void root_visit(struct py_reader *r, const struct runtime *rt, const struct root *root);

/** "frame worker", "thread 1234", "interpreter 0", "static _asyncio.so:all_tasks", "stack 1234". */
void root_name(struct py_reader *r, const struct runtime *rt, const struct root *root,
	       struct strbuf *out);

/** The label of an edge root_visit() emitted. */
void root_edge_label(struct py_reader *r, const struct root *root, const struct edge *e,
		     struct strbuf *out);

const char *root_kind_name(enum root_kind kind);

#endif
