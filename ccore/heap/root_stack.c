// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * C stacks: the words from the stack pointer to the end of the mapping, and the registers. What
 * lies there may be left over, so these are guesses.
 */
#include "heap/root_kinds.h"
#include "sym/mappings.h"

#include <inttypes.h>

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
	static const char *const labels[THREAD_REGS] = {
		" register r15", " register r14", " register r13", " register r12", " register rbp",
		" register rbx", " register r11", " register r10", " register r9",  " register r8",
		" register rax", " register rcx", " register rdx", " register rsi", " register rdi",
	};

	for (unsigned i = 0; i < THREAD_REGS; i++)
		if (t->regs[i] % 8 == 0)
			edge_emit_text(&r->edges, t->regs[i], EDGE_GUESS, labels[i]);
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
}

void root_stack_name(const struct runtime *rt, const struct root *root, struct strbuf *out)
{
	strbuf_printf(out, "%" PRId64, rt->target->threads.data[root->thread].tid);
}
