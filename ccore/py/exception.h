// SPDX-License-Identifier: GPL-2.0-or-later
// Exceptions: what they say, what led to them, and the lines of their tracebacks.
#ifndef NECROPY_EXCEPTION_H
#define NECROPY_EXCEPTION_H

#include "py/families.h"
#include "py/line_table.h"

/** What an exception refers to; each 0 when it has none. */
struct exception_links {
	addr_t traceback;
	addr_t cause;	// raise … from
	addr_t context; // being handled when it was raised; 0 where `from None` hides it
	addr_t notes;	// list of str (3.11+)
	addr_t group;	// tuple of exceptions, of an exception group (3.11+)
};

/** Whether an object of BaseException, or of a class derived from it, is at `addr`. */
bool is_exception(struct py_reader *r, addr_t addr);

/** "KeyError: 'missing'", as the last line of a traceback has it; false when it is none. */
bool exception_text(struct py_reader *r, addr_t exception, struct strbuf *out);

/** False, and nothing in `*ret`, when it is none. */
bool exception_links(struct py_reader *r, addr_t exception, struct exception_links *ret);

/** One entry of a traceback. */
struct traceback_entry {
	addr_t next; // or 0
	addr_t code, frame_object;
	struct code_position at;
};

/** The traceback object at `addr`; false when it is none. Entries lead to the innermost. */
bool traceback_read(struct py_reader *r, addr_t addr, struct traceback_entry *ret);

/**
 * Item `i` of the list or tuple at `addr`, or 0; `*ret_n` (may be NULL) becomes its length, or how
 * many items of it are in the target when that is less.
 */
addr_t sequence_item(struct py_reader *r, addr_t addr, uint64_t i, uint64_t *ret_n);

#endif
