// SPDX-License-Identifier: GPL-2.0-or-later
// What lies at the address that an instruction wanted, and what the registers hold besides.
#include "command/report.h"

#include "alloc/pymalloc.h"
#include "py/block.h"
#include "sym/mappings.h"

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

// -- what CPython has there

// The debug allocator fills memory that it gives out, that is freed, and that lies around blocks.
// The last 16 bits may be those of a member's offset.
static const char *filling(uint64_t word)
{
	static const struct {
		uint8_t byte;
		const char *what;
	} fillings[] = {
		{0xdd, "freed memory is filled with it by the debug allocator"},
		{0xdb, "freed memory is filled with it by the debug allocator, to 3.7"},
		{0xcd, "new memory is filled with it by the debug allocator"},
		{0xcb, "new memory is filled with it by the debug allocator, to 3.7"},
		{0xfd, "memory around blocks is filled with it by the debug allocator"},
		{0xfb, "memory around blocks is filled with it by the debug allocator, to 3.7"},
	};

	for (unsigned i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++)
		if (word >> 16 == fillings[i].byte * 0x010101010101ull)
			return fillings[i].what;
	return NULL;
}

static void describe_object(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	bool immortal;
	const uint64_t refcount = py_refcount(r, o, &immortal);

	if (!immortal && !refcount)
		strbuf_printf(out, "a dead object, refcount 0, of type %s", o->type->name);
	else if (immortal || refcount_is_plausible(r, refcount))
		py_repr(r, o->addr, out);
}

static void describe(struct report *p, const struct pymalloc *m, addr_t at, struct strbuf *out)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	uint8_t scratch[PYMALLOC_POOL_BYTES_MAX];
	struct pymalloc_pool pool;
	struct py_object o;
	addr_t pool_at;

	if (filling(at)) {
		strbuf_puts(out, filling(at));
	} else if (pymalloc_pool_of(m, at, r, scratch, &pool, &pool_at) &&
		   pymalloc_is_free(&pool, (uint32_t)((at - pool.first) / pool.size))) {
		strbuf_printf(out, "in a free block of %" PRIu32 " bytes, of CPython's allocator",
			      pool.size);
	} else if (at % 8 == 0 && py_object_open(r, at, &o)) {
		describe_object(r, &o, out);
	}
}

// -- the address

static void add_mapping(struct report *p, const struct mapping *m, addr_t addr)
{
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

// Near the stack pointer, in memory that is not to be used.
static bool is_stack_end(addr_t at, const struct mapping *in, const struct os_thread *os)
{
	const bool usable = in && (in->flags & (MAPPING_R | MAPPING_W)) != 0;

	return os && os->has_regs && at - os->sp + STACK_GUARD_BYTES < 2 * STACK_GUARD_BYTES &&
	       (!usable || !(in->flags & MAPPING_PERMS_KNOWN));
}

static void add_fault(struct report *p, const struct pymalloc *m, const struct os_thread *os)
{
	const addr_t at = p->s->target.fault_addr;
	const struct mapping *in = mappings_find(&p->s->target.mappings, at);
	struct strbuf text = {0};

	report_add(p, "fault address", at, "0x%" PRIx64, at);
	if (p->s->target.signal != SIGSEGV && p->s->target.signal != SIGBUS)
		return;
	add_mapping(p, in, at);
	if (at < NULL_PAGE_BYTES)
		report_add(p, "it looks like", 0, "a NULL pointer, used at offset %" PRIu64, at);
	else if (p->s->target.signal == SIGSEGV && is_stack_end(at, in, os))
		report_add(p, "it looks like", 0,
			   "the end of the stack: recursion too deep in C (stack pointer 0x%" PRIx64
			   ")",
			   os->sp);
	else if (p->s->target.signal == SIGBUS && in && in->name[0] == '/')
		report_add(p, "it looks like", 0,
			   "a part of the file that it had no more, or that could not be read");
	describe(p, m, at, &text);
	if (text.n && !text.failed)
		report_add(p, "what is there", at, "%s", text.data);
	strbuf_done(&text);
}

// -- the registers

static bool is_canonical(uint64_t address)
{
	return address + (1ull << 47) < 1ull << 48;
}

static void add_register(struct report *p, const struct pymalloc *m, unsigned i, uint64_t value)
{
	static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
					    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
	struct strbuf text = {0};
	char key[32];

	describe(p, m, value, &text);
	if (!text.n && p->s->target.signal_origin == SIGNAL_NO_ADDRESS && !is_canonical(value))
		strbuf_puts(&text, "no address can be so");
	(void)snprintf(key, sizeof(key), "register %s", names[i]); // it fits
	if (text.n && !text.failed)
		report_add(p, key, value, "0x%" PRIx64 "  %s", value, text.data);
	strbuf_done(&text);
}

static void add_registers(struct report *p, const struct pymalloc *m, const struct os_thread *os)
{
	enum { RSP = 7, RIP = 16 };

	for (unsigned i = 0; i < RIP; i++)
		if (i != RSP)
			add_register(p, m, i, os->regs[i]);
}

int report_address(struct report *p, struct ccore_error *err)
{
	const struct target *t = &p->s->target;
	const struct os_thread *os = t->threads.n ? &t->threads.data[0] : NULL;
	const bool is_access = t->signal == SIGSEGV || t->signal == SIGBUS;
	struct heap *h = &p->s->heap;
	struct pymalloc m = {0};
	int status = 0;

	if (!has_address(t->signal) || t->signal_origin == SIGNAL_SENT)
		return 0;
	if (is_access)
		status = pymalloc_find(&m, &h->runtime, heap_reader(h), err);
	if (t->signal_origin == SIGNAL_FAULT)
		add_fault(p, &m, os);
	else
		report_add(p, "fault address", 0, "%s",
			   t->signal_origin == SIGNAL_NO_ADDRESS
				   ? "not told by the processor: one that can be none, or that is "
				     "not aligned"
				   : "not known: the core does not say it");
	if (is_access && t->signal_origin != SIGNAL_UNKNOWN && os && os->has_regs)
		add_registers(p, &m, os);
	pymalloc_done(&m);
	return status;
}
