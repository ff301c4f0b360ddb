// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report.h"
#include "sym/mappings.h"
#include "sym/symbols.h"

#include <inttypes.h>
#include <signal.h>

// A thread's stack ends in a guard: this near to it, the stack has run out.
#define STACK_GUARD_BYTES (1u << 20)
#define NULL_PAGE_BYTES 4096u

static bool has_address(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
	       signal == SIGTRAP;
}

static void add_mapping(struct report *p, addr_t addr)
{
	const struct mapping *m = mappings_find(&p->s->target.mappings, addr);

	if (!m)
		report_add(p, "lies in", addr, "nothing that is mapped");
	else if (m->flags & MAPPING_PERMS_KNOWN)
		report_add(p, "lies in", addr, "%s, mapped %c%c%c at 0x%" PRIx64,
			   *m->name ? m->name : "anonymous memory",
			   m->flags & MAPPING_R ? 'r' : '-', m->flags & MAPPING_W ? 'w' : '-',
			   m->flags & MAPPING_X ? 'x' : '-', m->start);
	else
		report_add(p, "lies in", addr, "%s, mapped at 0x%" PRIx64,
			   *m->name ? m->name : "anonymous memory", m->start);
}

static void add_address(struct report *p)
{
	const struct target *t = &p->s->target;
	const struct os_thread *os = t->threads.n ? &t->threads.data[0] : NULL;

	if (!has_address(t->signal))
		return;
	report_add(p, "fault address", t->fault_addr, "0x%" PRIx64, t->fault_addr);
	if (t->signal != SIGSEGV && t->signal != SIGBUS)
		return;
	add_mapping(p, t->fault_addr);
	if (t->fault_addr < NULL_PAGE_BYTES)
		report_add(p, "it looks like", 0, "a NULL pointer, used at offset %" PRIu64,
			   t->fault_addr);
	else if (os && os->has_regs &&
		 t->fault_addr - os->sp + STACK_GUARD_BYTES < 2 * STACK_GUARD_BYTES)
		report_add(p, "it looks like", 0,
			   "the end of the stack: recursion too deep in C (stack pointer 0x%" PRIx64
			   ")",
			   os->sp);
}

// glibc keeps what it says before it aborts: "free(): invalid pointer", a failed assertion.
static void add_last_words(struct report *p)
{
	const struct target *t = &p->s->target;

	for (uint64_t i = 0; i < t->modules.n; i++) {
		struct sym_request words = {.names = "__abort_msg"};
		char text[LIM_NAME_BYTES];
		addr_t message;

		if (!strstr(t->modules.data[i].name, "libc.so") &&
		    !strstr(t->modules.data[i].name, "libc-"))
			continue;
		if (symbols_find(t, &t->modules.data[i], &words, 1, true, NULL) < 0 ||
		    !words.found ||
		    mem_read_u64(&t->mem, words.value + t->modules.data[i].bias, &message) < 0 ||
		    !message || mem_read_cstr(&t->mem, message + 4, text, sizeof(text)) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		report_add(p, "libc said", message, "%s", text);
		return;
	}
}

void report_signal(struct report *p)
{
	const struct target *t = &p->s->target;
	const char *name = t->signal ? sigabbrev_np(t->signal) : NULL;

	if (!t->signal) {
		report_add(p, "signal", 0, "none: it was not a crash that this was taken at");
		return;
	}
	report_add(p, "signal", 0, "%s%s (%s)", name ? "SIG" : "", name ? name : "",
		   strsignal(t->signal));
	add_address(p);
	add_last_words(p);
}
