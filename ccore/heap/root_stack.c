// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * C stacks: the words from the stack pointer to the end of the mapping, the registers, and the
 * thread's own variables. What lies there may be left over, so these are guesses.
 */
#include "heap/root_kinds.h"
#include "sym/mappings.h"

#include <inttypes.h>

// Of the variables of one thread, and of glibc's struct pthread.
#define THREAD_LOCAL_BYTES 65536u
#define THREAD_BYTES 2304u

int root_stacks_add(struct heap *h, struct ccore_error *err)
{
	for (uint32_t i = 0; i < h->target->threads.n; i++) {
		const struct root root = {
			.kind = ROOT_STACK,
			.addr = h->target->threads.data[i].sp,
			.thread = i,
		};

		if (!vec_push(&h->roots.all, root))
			return err_nomem(err);
	}
	return 0;
}

static void visit_registers(struct py_reader *r, const struct os_thread *t)
{
	// NULL: the stack and instruction pointers hold no objects.
	static const char *const labels[OS_THREAD_REGS] = {
		" register rax",
		" register rdx",
		" register rcx",
		" register rbx",
		" register rsi",
		" register rdi",
		" register rbp",
		NULL,
		" register r8",
		" register r9",
		" register r10",
		" register r11",
		" register r12",
		" register r13",
		" register r14",
		" register r15",
		NULL,
	};

	for (unsigned i = 0; i < OS_THREAD_REGS; i++)
		if (labels[i] && t->regs[i] % 8 == 0)
			edge_emit_text(&r->edges, t->regs[i], EDGE_GUESS, labels[i]);
}

// Variables of a thread lie below where fs points, and glibc's own of it above. Those of all
// threads but the first are in the mapping of the stack.
static void visit_thread_locals(struct py_reader *r, const struct target *t, addr_t fs_base)
{
	const struct mapping *m = mappings_find(&t->mappings, fs_base);
	addr_t at, end;

	if (!m || fs_base % 8)
		return;
	at = fs_base - m->start < THREAD_LOCAL_BYTES ? m->start : fs_base - THREAD_LOCAL_BYTES;
	end = m->end - fs_base < THREAD_BYTES ? m->end : fs_base + THREAD_BYTES;
	for (; end - at >= 8; at += 8) {
		uint8_t scratch[8];
		const uint8_t *p = py_get(r, at, 8, scratch);

		if (p && load_u64(p) % 8 == 0)
			edge_emit_text(&r->edges, load_u64(p), EDGE_GUESS,
				       " thread-local variable");
	}
}

void root_stack_visit(struct py_reader *r, const struct runtime *rt, const struct root *root)
{
	const struct os_thread *t = &rt->target->threads.data[root->thread];
	const struct mapping *m = mappings_find(&rt->target->mappings, t->sp);
	const addr_t at = t->sp & ~7ull;

	visit_registers(r, t);
	if (!m)
		return;
	if (m->end - at > LIM_STACK_BYTES)
		damage_note(&r->damage, DAMAGE_LIMIT, at);
	visit_guesses(r, at, u64_min(m->end - at, LIM_STACK_BYTES));
	if (mappings_find(&rt->target->mappings, t->fs_base) != m)
		visit_thread_locals(r, rt->target, t->fs_base);
}

void root_stack_name(const struct runtime *rt, const struct root *root, struct strbuf *out)
{
	strbuf_printf(out, "%" PRId64, rt->target->threads.data[root->thread].tid);
}
