// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stack_frame: a frame of any version as one struct: to 3.10 a PyFrameObject, from 3.11 on an
 * interpreter frame, which may have a frame object beside it or around it. Also what a frame
 * says of itself: the line it is at.
 */
#ifndef NECROPY_STACK_FRAME_H
#define NECROPY_STACK_FRAME_H

#include "py/families.h"
#include "py/line_table.h"

/** How a frame was come by. */
enum frame_mark {
	FRAME_LINKED,	 // the thread, or the frame before it, leads to it
	FRAME_DAMAGED,	 // so too, but its code is not readable
	FRAME_RECOVERED, // the link to it, or to a frame before it, is broken: it was searched for
};

struct stack_frame {
	enum frame_mark mark;
	addr_t addr;	 // of the PyFrameObject or interpreter frame
	addr_t object;	 // its frame object, or 0
	addr_t previous; // the caller's, or 0
	addr_t code, globals, builtins;
	addr_t locals;	 // the mapping of a module's or class's body, or 0
	addr_t slots;	 // first of the words for locals, cells and free variables
	int64_t offset;	 // in bytes, of the instruction it is at; negative: it has not begun
	int32_t line;	 // that a debugger has set, or 0
	bool is_shim;	 // the interpreter's own, not Python's
	bool is_entry;	 // the evaluation loop that runs it was called for it, by C code
	bool is_partial; // so far only being set up: sys._getframe() passes it by, too
};

/** Whether there are tables of frames at all; without, there is no frame to be read anywhere. */
static inline bool stack_frames_are_known(const struct layout *l)
{
	return layout_has(l, F_F_CODE) || layout_has(l, F_F_FRAME);
}

/** The frame at `addr`, as thread states and frames have it; false when there is none. */
bool stack_frame_read(struct py_reader *r, addr_t addr, struct stack_frame *ret);

/** The frame that frame object `addr` stands for; false when it is none, or unreadable. */
bool stack_frame_of_object(struct py_reader *r, addr_t addr, struct stack_frame *ret);

/** Whether `code` is a code object that has its names. */
bool code_is_whole(struct py_reader *r, addr_t code);

/**
 * Whether all that makes `f` a frame fits: its code is whole, the instruction is one of it, its
 * globals are a dict. Almost nothing else looks like that.
 */
bool stack_frame_fits(struct py_reader *r, const struct stack_frame *f);

/** Whether something of it fits: it may be a frame that has been written over. */
bool stack_frame_fits_partly(struct py_reader *r, const struct stack_frame *f);

/** Where `f` is. All -1 where its code's table is not readable. */
void stack_frame_position(struct py_reader *r, const struct stack_frame *f,
			  struct code_position *ret);

/** Where the instruction at `offset` of code object `code` comes from; false: unreadable. */
bool code_position_at(struct py_reader *r, addr_t code, int64_t offset, struct code_position *ret);

#endif
