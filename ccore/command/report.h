// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of `report`: each adds rows of a key and a value.
#ifndef NECROPY_REPORT_H
#define NECROPY_REPORT_H

#include "stacks/stack_table.h"
#include "stacks/thread_state.h"

struct report {
	struct session *s;
	struct ccore_result *r;
	struct threads threads;
	struct unwinder *unwinder; // or NULL
	struct source_text source;
	uint64_t key, value, addr; // columns
	uint64_t exceptions_left;  // that may still be shown
	bool out_of_memory;	   // one of them is a MemoryError
};

/** A row; `addr` is what it is about, or 0. */
void report_add(struct report *p, const char *key, addr_t addr, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** "DB.find  /srv/app.py:52  rows = self.rows", for code object `code`. */
void report_add_place(struct report *p, const char *key, addr_t addr, addr_t code,
		      const struct code_position *at);

/** A row for each frame of `stack`; of a long one the two ends. */
void report_add_frames(struct report *p, const struct stack *stack);

/** A row with a command to go on with; `what` says what it shows. */
void report_add_next(struct report *p, const char *command, const char *what);

/** What kills: the signal, who sent it, the address it is about, the C library's last words. */
int report_signal(struct report *p, struct ccore_error *err);

/** Of a signal for an instruction: the address, what is there, registers that hold objects. */
int report_address(struct report *p, struct ccore_error *err);

/** What CPython said when it ended the process itself, and whether faulthandler was on. */
void report_fatal(struct report *p, const struct os_thread *os, struct ccore_error *err);

/** The exceptions of all threads, and those that were printed last. */
int report_exceptions(struct report *p, struct ccore_error *err);

/** `exception` and what it was caused by, nearest first, with tracebacks; `mark` before it. */
int report_exception(struct report *p, const char *key, const char *mark, addr_t exception,
		     addr_t traceback, struct ccore_error *err);

/** Exceptions that could not be raised, where something is left of them. */
int report_unraisable(struct report *p, struct ccore_error *err);

/** `report hang`, all of it. */
int report_hang(struct report *p, struct ccore_error *err);

#endif
