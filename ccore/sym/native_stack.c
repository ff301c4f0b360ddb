// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/native_stack.h"

#include "sym/debug_info.h"
#include "sym/straight_code.h"
#include "util/hashmap.h"

#include <stdlib.h>
#include <string.h>

// As DWARF numbers registers.
#define REG_RBP 6u
#define REG_RSP 7u
#define REG_PC 16u

struct unwinder {
	const struct target *target;
	struct debug_info debug;
	struct arena arena;	 // names of functions
	struct hashmap by_pc;	 // index in `names`
	VEC(const char *) names; // NULL: there is none
	// Of the stack being made.
	uint64_t regs[OS_THREAD_REGS]; // to begin with
	bool is_resumed;	       // at a caller: the pc is one less than the return address
	bool is_straight;	       // `regs` are those of the caller of code without a table
	struct native_stack *stack;
	uint64_t max;
	bool out_of_memory;
};

// -- what libdwfl asks of us

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl; // stacks are asked for by thread
	(void)arg;
	(void)thread_arg;
	return 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl; // the one we have is meant
	(void)tid;
	*thread_arg = arg;
	return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *ret, void *arg)
{
	const struct unwinder *u = arg;
	uint64_t word;

	(void)dwfl; // it is one target's
	if (mem_read_u64(&u->target->mem, addr, &word) < 0)
		return false;
	*ret = word;
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwinder *u = arg;
	Dwarf_Word regs[OS_THREAD_REGS];

	for (unsigned i = 0; i < OS_THREAD_REGS; i++)
		regs[i] = u->regs[i];
	return dwfl_thread_state_registers(thread, 0, OS_THREAD_REGS, regs);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

// -- opening

// Whether there is one at all.
static bool report_modules(struct unwinder *u)
{
	const struct target *t = u->target;
	bool any = false;

	dwfl_report_begin(u->debug.dwfl);
	for (uint64_t i = 0; i < t->modules.n; i++) {
		const struct module *m = &t->modules.data[i];

		// One that cannot be opened ends the stacks that lead through it.
		if (m->file)
			any |= dwfl_report_elf(u->debug.dwfl, m->name, m->file, -1, m->bias,
					       true) != NULL;
	}
	(void)dwfl_report_end(u->debug.dwfl, NULL, NULL); // no callback that could fail
	return any;
}

int unwinder_open(struct unwinder **ret, const struct target *t, struct ccore_error *err)
{
	struct unwinder *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_nomem(err);
	u->target = t;
	r = debug_info_begin(&u->debug, t, err);
	if (r == 0) {
		if (!report_modules(u))
			r = err_set(err, CCORE_ENOTFOUND, 0,
				    "no native stacks: none of the program's files is here");
		else if (!dwfl_attach_state(u->debug.dwfl, NULL, t->pid > 0 ? (pid_t)t->pid : 1,
					    &thread_callbacks, u))
			r = err_set(err, CCORE_ENOTFOUND, 0, "cannot unwind native stacks: %s",
				    dwfl_errmsg(-1));
	}
	if (r < 0)
		unwinder_close(u);
	else
		*ret = u;
	return r;
}

void unwinder_close(struct unwinder *u)
{
	if (!u)
		return;
	debug_info_close(&u->debug);
	hashmap_done(&u->by_pc);
	vec_done(&u->names);
	arena_done(&u->arena);
	free(u);
}

// -- one stack

// A label without a size, of code in assembler, says where something begins, not what `pc` is in.
static const char *symbol_around(Dwfl_Module *mod, Dwarf_Addr pc)
{
	GElf_Off off;
	GElf_Sym sym;
	const char *name = dwfl_module_addrinfo(mod, pc, &off, &sym, NULL, NULL, NULL);

	return name && (sym.st_size || !off) ? name : NULL;
}

static const char *find_function(struct unwinder *u, Dwfl_Module *mod, Dwarf_Addr pc)
{
	const char *name = symbol_around(mod, pc);
	const uint64_t n = name && *name ? 1 + strcspn(name + 1, ".@") : 0;

	if (!name || !name[n])
		return name;
	name = arena_strndup(&u->arena, name, n);
	u->out_of_memory |= !name;
	return name;
}

// libdwfl looks at all symbols of a file, and threads wait in the same places by the thousand.
static const char *function_at(struct unwinder *u, Dwfl_Module *mod, Dwarf_Addr pc)
{
	const char *name;
	uint32_t i;

	if (!mod)
		return NULL;
	if (hashmap_get(&u->by_pc, pc, &i))
		return u->names.data[i];
	name = find_function(u, mod, pc);
	if (!vec_push(&u->names, name) || !hashmap_put(&u->by_pc, pc, (uint32_t)(u->names.n - 1)))
		u->out_of_memory = true;
	return name;
}

/*
 * Where code that is in no module leads straight to its return, set u->regs to the caller's as if
 * it were about to end the call. libdwfl would go on by the frame pointer, which such code need
 * not have set.
 */
static bool follow_straight_code(struct unwinder *u, Dwfl_Frame *state, Dwarf_Addr pc)
{
	const struct mem *m = &u->target->mem;
	uint8_t code[STRAIGHT_CODE_BYTES];
	const uint64_t n = mem_readable(m, pc, sizeof(code));
	uint64_t regs[OS_THREAD_REGS] = {0}, back;
	struct way_back way;

	for (unsigned i = 0; i < OS_THREAD_REGS; i++) {
		Dwarf_Word value;

		if (dwfl_frame_reg(state, i, &value) == 0)
			regs[i] = value;
	}
	if (!n || mem_read(m, pc, code, n) < 0 || !straight_code_follow(code, n, &way) ||
	    mem_read_u64(m, regs[REG_RSP] + way.return_off, &back) < 0 ||
	    !dwfl_addrmodule(u->debug.dwfl, back - 1) ||
	    (way.has_rbp && mem_read_u64(m, regs[REG_RSP] + way.rbp_off, &regs[REG_RBP]) < 0))
		return false;
	regs[REG_RSP] += way.return_off + 8;
	regs[REG_PC] = back - 1;
	memcpy(u->regs, regs, sizeof(regs));
	return true;
}

static int take_frame(Dwfl_Frame *state, void *arg)
{
	struct unwinder *u = arg;
	struct native_frame f = {0};
	Dwarf_Addr pc;
	bool is_exact;
	Dwfl_Module *mod;

	if (!dwfl_frame_pc(state, &pc, &is_exact))
		return DWARF_CB_ABORT;
	f.pc = pc + u->is_resumed;
	// A return address may lie after the end of the function that made the call.
	if (!is_exact)
		pc--;
	u->is_resumed = false;
	mod = dwfl_addrmodule(u->debug.dwfl, pc);
	f.function = function_at(u, mod, pc);
	if (mod)
		f.module = dwfl_module_info(mod, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	if (u->out_of_memory || !vec_push(&u->stack->frames, f)) {
		u->out_of_memory = true;
		return DWARF_CB_ABORT;
	}
	if (u->stack->frames.n >= u->max)
		return DWARF_CB_ABORT;
	u->is_straight = !mod && follow_straight_code(u, state, f.pc);
	return u->is_straight ? DWARF_CB_ABORT : DWARF_CB_OK;
}

int unwinder_stack(struct unwinder *u, const struct os_thread *th, uint64_t max,
		   struct native_stack *ret, struct ccore_error *err)
{
	*ret = (struct native_stack){.is_cut = true};
	if (!th->has_regs || !max)
		return 0;
	memcpy(u->regs, th->regs, sizeof(u->regs));
	u->stack = ret;
	u->max = max < LIM_NATIVE_FRAMES ? max : LIM_NATIVE_FRAMES;
	u->is_resumed = false;
	do {
		u->is_straight = false;
		ret->is_cut =
			dwfl_getthread_frames(u->debug.dwfl, (pid_t)th->tid, take_frame, u) != 0;
		u->is_resumed = true;
	} while (u->is_straight && !u->out_of_memory);
	if (!u->out_of_memory)
		return 0;
	native_stack_done(ret);
	return err_nomem(err);
}

void native_stack_done(struct native_stack *s)
{
	vec_done(&s->frames);
}
