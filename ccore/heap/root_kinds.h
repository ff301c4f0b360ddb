// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the files of roots share: each kind of root has one, with a function that adds its roots,
 * one that emits what a root holds, and the texts.
 */
#ifndef NECROPY_ROOT_KINDS_H
#define NECROPY_ROOT_KINDS_H

#include "heap/heap.h"

// -- root_frame.c: frames that run

/**
 * `seen`: a frame is on one stack, once. `*left`: of what frames_search() may look at for all
 * threads.
 */
int root_frames_add(struct roots *roots, const struct runtime *rt, struct py_reader *r,
		    uint32_t thread, struct hashmap *seen, uint64_t *left, struct ccore_error *err);
void root_frame_visit(struct py_reader *r, const struct root *root);
void root_frame_name(struct py_reader *r, const struct root *root, struct strbuf *out);
void root_frame_label(struct py_reader *r, const struct root *root, const struct edge *e,
		      struct strbuf *out);

// -- root_state.c: the states of threads and interpreters

void root_thread_visit(struct py_reader *r, const struct root *root);
void root_interpreter_visit(struct py_reader *r, const struct runtime *rt, const struct root *root);

/** The words of a state that no row of roots.def is for, as guesses. */
void root_state_words_visit(struct py_reader *r, const struct runtime *rt, const struct root *root);
void root_state_label(const struct edge *e, struct strbuf *out);

// -- root_static.c: variables of modules

/** Words of modules' data that are addresses of objects. CCORE_ENOMEM, CCORE_ECANCELED. */
int root_statics_add(struct heap *h, struct ccore_error *err);
void root_static_visit(struct py_reader *r, const struct root *root);
void root_static_name(const struct runtime *rt, const struct root *root, struct strbuf *out);

// -- root_stack.c: C stacks and registers

/** One root for each thread of the kernel's: its words are looked at in visit. */
int root_stacks_add(struct heap *h, struct ccore_error *err);
void root_stack_visit(struct py_reader *r, const struct runtime *rt, const struct root *root);
void root_stack_name(const struct runtime *rt, const struct root *root, struct strbuf *out);

#endif
