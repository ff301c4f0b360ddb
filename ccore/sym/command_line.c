// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel puts on the stack of a new process: the whole command line of a core, of which
 * NT_PRPSINFO has the first 80 bytes at most, and the auxiliary vector, where NT_AUXV is lost. On
 * top of the stack are, from low to high addresses: argc, pointers to the arguments, 0, pointers to
 * the environment, 0, the auxiliary vector, and then the strings, the program's path (AT_EXECFN)
 * and a word of zeros last. So the vector's entry for that path is searched for from the path
 * downward; what is before the vector leads to the arguments.
 */
#include "sym/open.h"
#include "util/checked.h"
#include "util/strbuf.h"

#include <elf.h>

// Types of the vector's entries are small numbers; pointers are not.
#define AUXV_TYPES 4096u

struct stack {
	const struct mem *mem;
	addr_t at;     // where we look
	uint64_t left; // words that may still be looked at
};

static bool word_below(struct stack *s, uint64_t *ret)
{
	if (!s->left || s->at < 8)
		return false;
	s->left--;
	s->at -= 8;
	return mem_read_u64(s->mem, s->at, ret) == 0;
}

// Down to the vector's entry of `execfn`, that is (AT_EXECFN, execfn).
static bool find_vector(struct stack *s, addr_t execfn)
{
	uint64_t word, above = 0;

	while (word_below(s, &word)) {
		if (word == AT_EXECFN && above == execfn)
			return true;
		above = word;
	}
	return false;
}

// Down over the entries before, to the 0 that ends the environment's pointers.
static bool skip_vector(struct stack *s)
{
	uint64_t type, value;

	for (;;) {
		if (!word_below(s, &value))
			return false;
		if (!word_below(s, &type))
			return false;
		if (type >= AUXV_TYPES) {
			s->at += 8; // was the last pointer; `value` was the 0
			return value == 0;
		}
	}
}

// Down over pointers to the 0 before them; for the arguments to argc, their number.
static bool skip_pointers(struct stack *s, bool until_count, uint64_t *ret_n)
{
	uint64_t word;

	for (*ret_n = 0; word_below(s, &word); ++*ret_n)
		if (until_count ? word == *ret_n : word == 0)
			return true;
	return false;
}

static int join_arguments(const struct target *t, addr_t pointers, uint64_t n, struct strbuf *sb)
{
	char arg[LIM_ARGUMENT_BYTES];
	addr_t at;

	for (uint64_t i = 0; i < n && sb->n < LIM_COMMAND_LINE_BYTES; i++) {
		TRY(mem_read_u64(&t->mem, pointers + i * 8, &at));
		TRY(mem_read_cstr(&t->mem, at, arg, sizeof(arg)));
		strbuf_puts(sb, i ? " " : "");
		strbuf_puts(sb, arg);
	}
	return n && !sb->failed ? 0 : CCORE_EFAULT;
}

void target_complete_command_line(struct target *t)
{
	struct stack s = {&t->mem, u64_align_down(t->execfn, 8), LIM_ENVIRONMENT_BYTES / 8};
	struct strbuf sb = {0};
	uint64_t n;

	if (t->execfn && find_vector(&s, t->execfn) && skip_vector(&s) &&
	    skip_pointers(&s, false, &n) && skip_pointers(&s, true, &n) &&
	    join_arguments(t, s.at + 8, n, &sb) == 0) {
		const char *line = arena_strdup(&t->arena, sb.data);

		t->command_line = line ? line : t->command_line;
	}
	strbuf_done(&sb);
}

// -- where notes are lost

// The path that ends below the zeros at the end of `m`; 0: there is none.
static addr_t path_at_end(const struct mem *mem, const struct mapping *m)
{
	uint8_t last[LIM_PATH_BYTES + 9];
	const uint64_t n = u64_min(sizeof(last), m->end - m->start);
	uint64_t end;

	if (n < 16 || mem_read(mem, m->end - n, last, n) < 0 || load_u64(last + n - 8) ||
	    last[n - 9])
		return 0;
	for (end = n - 9; end && last[end - 1]; end--)
		;
	return end && end < n - 9 ? m->end - n + end : 0;
}

// Up from the vector's first entry, all of it.
static void read_vector(struct target *t, addr_t at)
{
	uint8_t vector[2 * 8 * 64];
	const uint64_t n = mem_readable(&t->mem, at, sizeof(vector)) & ~15ull;

	if (mem_read(&t->mem, at, vector, n) == 0)
		target_read_auxv(t, vector, n);
}

void target_find_vector(struct target *t)
{
	struct stack s = {&t->mem, 0, LIM_ENVIRONMENT_BYTES / 8};

	// It is the highest of all that a process may write to.
	for (uint64_t i = t->mappings.n; i-- && !t->execfn;) {
		const struct mapping *m = &t->mappings.data[i];
		const addr_t path = m->flags & MAPPING_W ? path_at_end(&t->mem, m) : 0;

		s.at = u64_align_down(path, 8);
		if (path && find_vector(&s, path) && skip_vector(&s))
			read_vector(t, s.at + 8);
	}
}
