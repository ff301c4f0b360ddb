// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What CPython itself said before it gave up: "Fatal Python error: …" goes straight to standard
 * error, and no copy is kept. But almost always it is a constant, which the code that calls
 * Py_FatalError() loads right before the call; the return address leads there.
 */
#include "command/report.h"

#include <ctype.h>

#define FRAMES_LOOKED_AT 24u

// Instructions that load the arguments, and the call.
#define CODE_BYTES 48u

// A shorter text is something else that has been taken for one.
#define TEXT_MIN 8u

static const struct {
	const char *function;
	uint8_t argument; // which the message is: 0 or 1
} fatal[] = {
	{"Py_FatalError", 0},
	{"_Py_FatalErrorFunc", 1},
	{"_Py_FatalErrorFormat", 1},
	{"_Py_FatalRefcountErrorFunc", 1},
};
#define FATAL_N (sizeof(fatal) / sizeof(fatal[0]))

static bool read_text(const struct report *p, addr_t addr, char text[LIM_NAME_BYTES])
{
	if (mem_read_cstr(&p->s->target.mem, addr, text, LIM_NAME_BYTES) < 0)
		return false;
	for (const char *c = text; *c; c++)
		if (!isprint((unsigned char)*c) && *c != '\n')
			return false;
	text[strcspn(text, "\n")] = '\0';
	return strlen(text) >= TEXT_MIN;
}

// The address that `code` loads into register rdi or rsi: lea REG, [rip + x] or mov REG, x.
static addr_t loaded_by(const uint8_t *code, addr_t at, unsigned argument)
{
	enum { LEA_BYTES = 7, MODRM_RDI = 0x3d, MODRM_RSI = 0x35, MOV_EDI = 0xbf, MOV_ESI = 0xbe };

	if (code[0] == 0x48 && code[1] == 0x8d && code[2] == (argument ? MODRM_RSI : MODRM_RDI))
		return at + LEA_BYTES + (addr_t)(int64_t)(int32_t)load_u32(code + 3);
	if (code[0] == (argument ? MOV_ESI : MOV_EDI))
		return load_u32(code + 1);
	return 0;
}

// Whether code[0..n) has a call of something in the same module: then what was loaded before it
// was for that.
static bool has_call(const struct report *p, const uint8_t *code, uint64_t n, addr_t at)
{
	enum { CALL = 0xe8, CALL_BYTES = 5 };
	const struct module *m = target_module_at(&p->s->target, at);

	for (uint64_t i = 0; i + CALL_BYTES <= n; i++)
		if (code[i] == CALL &&
		    target_module_at(&p->s->target,
				     at + i + CALL_BYTES +
					     (addr_t)(int64_t)(int32_t)load_u32(code + i + 1)) == m)
			return true;
	return false;
}

// The nearest that is a text, before the call that returns to `pc`.
static addr_t constant_argument(const struct report *p, addr_t pc, unsigned argument,
				char text[LIM_NAME_BYTES])
{
	enum { CALL_BYTES = 5, LOAD_BYTES = 7 };
	const uint64_t end = CODE_BYTES - CALL_BYTES;
	const addr_t start = pc - CODE_BYTES;
	uint8_t code[CODE_BYTES];

	if (pc < CODE_BYTES || mem_read(&p->s->target.mem, start, code, CODE_BYTES) < 0)
		return 0;
	for (uint64_t i = end - LOAD_BYTES + 3; i-- > 0;) {
		const addr_t found =
			i + LOAD_BYTES <= CODE_BYTES ? loaded_by(code + i, start + i, argument) : 0;

		if (found && read_text(p, found, text))
			return has_call(p, code + i, end - i, start + i) ? 0 : found;
	}
	return 0;
}

static void add_fatal_error(struct report *p, const struct native_stack *stack)
{
	char text[LIM_NAME_BYTES];
	bool is_fatal = false;

	// the outermost of them has been given the text
	for (uint64_t i = stack->frames.n ? stack->frames.n - 1 : 0; i-- > 0;) {
		const char *name = stack->frames.data[i].function;

		for (unsigned k = 0; name && k < FATAL_N; k++) {
			addr_t message;

			if (strcmp(name, fatal[k].function) != 0)
				continue;
			is_fatal = true;
			message = constant_argument(p, stack->frames.data[i + 1].pc,
						    fatal[k].argument, text);
			if (message) {
				report_add(p, "fatal error", message, "%s", text);
				return;
			}
		}
	}
	if (is_fatal)
		report_add(p, "fatal error", 0,
			   "CPython itself has ended the process; what it said is on its standard "
			   "error");
}

static bool is_enabled(const struct report *p, bool *ret_known, uint32_t *ret_fd)
{
	const struct layout *l = &p->s->heap.layout;
	const struct mem *mem = &p->s->target.mem;
	const addr_t runtime = l->symbols[SYM_PyRuntime];
	addr_t at = l->symbols[SYM_FAULTHANDLER];
	uint32_t enabled = 0;

	*ret_fd = UINT32_MAX;
	if (layout_has(l, F_RT_FAULTHANDLER) && runtime) {
		at = runtime + layout_off(l, F_RT_FAULTHANDLER);
		if (layout_has(l, F_RT_FAULTHANDLER_FD) &&
		    mem_read_u32(mem, runtime + layout_off(l, F_RT_FAULTHANDLER_FD), ret_fd) < 0)
			*ret_fd = UINT32_MAX;
	}
	*ret_known = at && mem_read_u32(mem, at, &enabled) == 0;
	return enabled == 1;
}

static void add_faulthandler(struct report *p)
{
	bool is_known;
	uint32_t fd;

	if (!is_enabled(p, &is_known, &fd)) {
		if (is_known)
			report_add(p, "faulthandler", 0, "not enabled");
		return;
	}
	if (fd <= INT32_MAX)
		report_add(p, "faulthandler", 0,
			   "enabled: it has written stacks to file descriptor %u", fd);
	else
		report_add(p, "faulthandler", 0, "enabled: it has written stacks");
}

void report_fatal(struct report *p, const struct os_thread *os, struct ccore_error *err)
{
	struct native_stack stack;

	if (p->unwinder && unwinder_stack(p->unwinder, os, FRAMES_LOOKED_AT, &stack, err) == 0) {
		add_fatal_error(p, &stack);
		native_stack_done(&stack);
	}
	if (p->s->target.signal)
		add_faulthandler(p);
}
