// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands about threads share: choosing threads, naming them, tables of frames.
#ifndef NECROPY_STACK_TABLE_H
#define NECROPY_STACK_TABLE_H

#include "heap/threads.h"
#include "py/frame_locals.h"
#include "session/session.h"
#include "sym/native_stack.h"
#include "sym/source_text.h"

/**
 * The thread that `text` names: the kernel's number, threading.get_ident(), the address of the
 * thread state, or the Python thread's name; its index in *ret. CCORE_ENOTFOUND lists those
 * there are.
 */
int threads_choose(struct session *s, const struct threads *all, const char *text, uint64_t *ret,
		   struct ccore_error *err);

/** `Thread 4711 "MainThread", crashed: Segmentation fault`. */
void thread_text(struct session *s, const struct thread *t, struct strbuf *out);

/** A table of frames, in style TABLE_STACK. */
struct stack_table {
	struct session *s;
	struct table *t;
	struct source_text source;
	bool with_source, with_locals;
	const char *changed; // a source file that is newer than the target; the table's
	uint64_t thread, tid, depth, function, file, line, end_line, column, end_column, native,
		source_line, source_changed, locals, addr, heading, more, mark, entry;
};

void stack_table_init(struct stack_table *w, struct session *s, struct table *t, bool with_locals);

/** Add a row for `f`, the `depth`th of `t` (which may be NULL); `heading` goes above it. */
void stack_table_add(struct stack_table *w, const struct thread *t, const struct stack_frame *f,
		     uint64_t depth, const char *heading);

/** Add a row for a frame of the machine's. */
void stack_table_add_native(struct stack_table *w, const struct thread *t,
			    const struct native_frame *f, uint64_t depth, const char *heading);

/** Add a row that has only a heading: a stack without frames. */
void stack_table_add_heading(struct stack_table *w, const char *heading);

void stack_table_done(struct stack_table *w, struct ccore_result *r);

/** Lines of "name = repr", the variables of `f`, at most `max` of them. */
void locals_text(struct session *s, const struct stack_frame *f, uint64_t max, struct strbuf *out);

#endif
