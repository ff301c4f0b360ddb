// SPDX-License-Identifier: GPL-2.0-or-later
// Which lock, or end of a thread, it is that a thread sleeps at.
#include "py/attribute.h"
#include "stacks/wait_finder.h"
#include "sym/mappings.h"

// Of a C stack that is searched for a lock: from the function that sleeps to the one that was
// called by Python are some KiB.
#define STACK_SEARCHED (16u << 10)
#define FRAMES_SEARCHED 4u

// Who waits for a PyMutex sleeps at a semaphore on its own stack, and notes beside it for what.
static addr_t parked_at(const struct wait_finder *f, const struct os_thread *os, addr_t word)
{
	const struct layout *l = f->r->layout;
	const struct mapping_vec *maps = &f->s->target.mappings;
	addr_t addr;

	if (!layout_has(l, F_WAIT_ADDR) || !layout_has(l, F_WAIT_SEMA) ||
	    mappings_find(maps, word) != mappings_find(maps, os->sp) || word < os->sp ||
	    mem_read_u64(&f->s->target.mem,
			 word - layout_off(l, F_WAIT_SEMA) + layout_off(l, F_WAIT_ADDR), &addr) < 0)
		return 0;
	return addr;
}

static bool is_lock_of(struct wait_finder *f, addr_t addr, addr_t word, struct lock *ret)
{
	return addr && addr % 8 == 0 && lock_read(f->r, addr, ret) && ret->word == word;
}

// On the way to sleep the lock is in C's variables.
static bool search_c_stack(struct wait_finder *f, const struct os_thread *os, addr_t word,
			   struct lock *ret)
{
	const struct mem *mem = &f->s->target.mem;
	const addr_t sp = os->sp & ~7ull;
	const uint64_t n = mem_readable(mem, sp, STACK_SEARCHED);
	uint8_t bytes[STACK_SEARCHED];

	for (unsigned i = 0; i < OS_THREAD_REGS; i++)
		if (is_lock_of(f, os->regs[i], word, ret))
			return true;
	if (!n || mem_read(mem, sp, bytes, n) < 0)
		return false;
	for (uint64_t i = 0; i + 8 <= n; i += 8)
		if (is_lock_of(f, load_u64(bytes + i), word, ret))
			return true;
	return false;
}

// The lock, or a method of it that is being called, is among the frame's words.
static bool search_frame(struct wait_finder *f, const struct stack_frame *frame, addr_t word,
			 struct lock *ret)
{
	uint64_t locals_n, stack_n;

	if (!code_slots(f->r, frame->code, &locals_n, &stack_n) ||
	    !py_may_look_at(f->r, (locals_n + stack_n) * SLOT_BYTES, frame->addr))
		return false;
	for (uint64_t i = 0; i < locals_n + stack_n; i++) {
		uint64_t slot;
		addr_t value;

		if (mem_read_u64(&f->s->target.mem, frame->slots + i * 8, &slot) < 0)
			return false;
		value = frame_reference(f->r->layout, slot);
		if (is_lock_of(f, value, word, ret))
			return true;
		if (value && py_type_of(f->r, value) &&
		    is_lock_of(f, instance_attribute(f->r, value, "__self__"), word, ret))
			return true;
	}
	return false;
}

bool wait_lock_find(struct wait_finder *f, const struct os_thread *os, const struct stack *stack,
		    addr_t *word, struct lock *ret)
{
	const addr_t parked = parked_at(f, os, *word);

	if (parked && lock_around(f->r, parked, ret)) {
		*word = parked;
		return true;
	}
	if (search_c_stack(f, os, *word, ret))
		return true;
	for (uint64_t i = 0; i < stack->frames.n && i < FRAMES_SEARCHED; i++)
		if (search_frame(f, &stack->frames.data[i], *word, ret))
			return true;
	return false;
}

#define HANDLE_BYTES 192u // Modules/_threadmodule.c's ThreadHandle is smaller

addr_t wait_thread_find(const struct wait_finder *f, const struct os_thread *os, addr_t word)
{
	const addr_t parked = parked_at(f, os, word);

	for (uint64_t i = 0; parked && i < f->threads->all.n; i++) {
		const addr_t thread = f->threads->all.data[i].object;
		addr_t object = thread ? instance_attribute(f->r, thread, "_handle") : 0;
		addr_t handle;

		if (thread && !object) // from 3.14 on
			object = instance_attribute(f->r, thread, "_os_thread_handle");
		// All that the object has is a pointer to what both threads share.
		if (object &&
		    mem_read_u64(&f->s->target.mem, object + f->r->layout->struct_size[S_PyObject],
				 &handle) == 0 &&
		    parked - handle < HANDLE_BYTES)
			return thread;
	}
	return 0;
}
