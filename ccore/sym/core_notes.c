// SPDX-License-Identifier: GPL-2.0-or-later
// Notes of a core: threads and their registers, the signal, the files that were mapped.
#include "sym/core.h"

#include "mem/cursor.h"
#include "sym/open.h"
#include "util/checked.h"

#include <elf.h>
#include <signal.h>

// Where things are in the notes of x86-64, whatever machine we run on: struct elf_prstatus,
// struct elf_prpsinfo, siginfo_t.
#define PRSTATUS_BYTES 336u
#define PRSTATUS_CURSIG 12u
#define PRSTATUS_PID 32u
#define PRSTATUS_REGS 112u
#define PRPSINFO_BYTES 136u
#define PRPSINFO_PID 24u
#define PRPSINFO_ARGS 56u
#define PRPSINFO_ARGS_BYTES 80u
#define SIGINFO_SIGNO 0u
#define SIGINFO_CODE 8u
#define SIGINFO_PID 16u
#define SIGINFO_ADDR 16u

struct note {
	uint32_t type;
	const uint8_t *desc;
	uint64_t n;
};

_Static_assert(PRSTATUS_REGS + USER_REGS_BYTES <= PRSTATUS_BYTES, "registers are in it");

static int read_prstatus(struct target *t, const struct note *note, struct ccore_error *err)
{
	struct os_thread th = {0};
	uint16_t signal;

	if (note->n < PRSTATUS_BYTES)
		return 0;
	if (t->threads.n == LIM_OS_THREADS) {
		damage_note(&t->damage, DAMAGE_LIMIT, 0);
		return 0;
	}
	memcpy(&signal, note->desc + PRSTATUS_CURSIG, sizeof(signal));
	th.signal = signal;
	if (!t->threads.n)
		t->signal = signal;
	th.tid = (int32_t)load_u32(note->desc + PRSTATUS_PID);
	os_thread_set_regs(&th, note->desc + PRSTATUS_REGS);
	return vec_push(&t->threads, th) ? 0 : err_nomem(err);
}

static int read_prpsinfo(struct target *t, const struct note *note, struct ccore_error *err)
{
	const char *args = (const char *)note->desc + PRPSINFO_ARGS;
	uint64_t n;

	if (note->n < PRPSINFO_BYTES || t->command_line)
		return 0;
	t->pid = (int32_t)load_u32(note->desc + PRPSINFO_PID);
	n = strnlen(args, PRPSINFO_ARGS_BYTES);
	while (n && args[n - 1] == ' ')
		n--;
	t->command_line = arena_strndup(&t->arena, args, n);
	return t->command_line ? 0 : err_nomem(err);
}

// Of the first thread, which is the one that crashed. gdb's gcore writes one for each, also when
// no signal came but its own SIGSTOP; then the thread's own signal is 0.
static void read_siginfo(struct target *t, const struct note *note)
{
	int32_t signal, code;

	if (t->threads.n != 1 || note->n < SIGINFO_ADDR + 8)
		return;
	signal = (int32_t)load_u32(note->desc + SIGINFO_SIGNO);
	code = (int32_t)load_u32(note->desc + SIGINFO_CODE);
	if (!signal || signal != t->threads.data[0].signal)
		return;
	if (code == SI_USER || code == SI_TKILL || code == SI_QUEUE) {
		t->signal_origin = SIGNAL_SENT;
		t->signal_sender = (int32_t)load_u32(note->desc + SIGINFO_PID);
	} else if (code <= 0) {
		t->signal_origin = SIGNAL_SENT; // by a timer, a message queue
	} else if (signal != SIGSEGV && signal != SIGBUS && signal != SIGILL && signal != SIGFPE &&
		   signal != SIGTRAP) {
		t->signal_origin = SIGNAL_FROM_KERNEL;
	} else if (code == SI_KERNEL) {
		t->signal_origin = SIGNAL_NO_ADDRESS;
	} else {
		t->signal_origin = SIGNAL_FAULT;
		t->fault_addr = load_u64(note->desc + SIGINFO_ADDR);
	}
}

void target_read_auxv(struct target *t, const uint8_t *data, uint64_t n)
{
	struct cursor c = cursor_init(data, n);
	uint64_t type, value;

	while (cursor_u64(&c, &type) && type != AT_NULL && cursor_u64(&c, &value)) {
		if (type == AT_ENTRY)
			t->entry = value;
		else if (type == AT_PHDR)
			t->phdr = value;
		else if (type == AT_EXECFN)
			t->execfn = value;
	}
}

static int read_file_entry(struct target *t, struct cursor *entries, struct cursor *names,
			   uint64_t page_size, struct mapping_vec *files, struct ccore_error *err)
{
	struct mapping m = {0};
	const char *name;
	uint64_t offset, n = 0;

	name = cursor_cstr(names, &n);
	if (!cursor_u64(entries, &m.start) || !cursor_u64(entries, &m.end) ||
	    !cursor_u64(entries, &offset) || !name || n > LIM_PATH_BYTES || m.start > m.end ||
	    !u64_mul(offset, page_size, &m.offset)) {
		t->notes_lost = true;
		return 0;
	}
	m.name = arena_strndup(&t->arena, name, n);
	return m.name && vec_push(files, m) ? 0 : err_nomem(err);
}

/*
 * Two numbers, `count` and the page size that offsets are in (1 in gcore's); `count` times start,
 * end, offset; `count` names.
 */
static int read_files(struct target *t, const struct note *note, struct mapping_vec *files,
		      struct ccore_error *err)
{
	struct cursor entries = cursor_init(note->desc, note->n), names;
	uint64_t count, page_size;

	if (!cursor_u64(&entries, &count) || !cursor_u64(&entries, &page_size))
		return 0;
	if (count > LIM_MAPPINGS || count > entries.left / 24) {
		t->notes_lost = true;
		count = u64_min(LIM_MAPPINGS, entries.left / 24);
	}
	names = cursor_init(entries.at + count * 24, entries.left - count * 24);
	entries.left = count * 24;
	while (entries.left && names.left)
		TRY(read_file_entry(t, &entries, &names, page_size, files, err));
	return 0;
}

static int read_note(struct target *t, const struct note *note, struct mapping_vec *files,
		     struct ccore_error *err)
{
	switch (note->type) {
	case NT_PRSTATUS:
		return read_prstatus(t, note, err);
	case NT_PRPSINFO:
		return read_prpsinfo(t, note, err);
	case NT_SIGINFO:
		read_siginfo(t, note);
		return 0;
	case NT_AUXV:
		target_read_auxv(t, note->desc, note->n);
		return 0;
	case NT_FILE:
		return read_files(t, note, files, err);
	default:
		return 0;
	}
}

// Names and descriptions are padded to 4 bytes; the last one's padding may be missing.
static const uint8_t *padded(struct cursor *c, uint32_t n)
{
	const uint8_t *p = cursor_bytes(c, n);

	if (p)
		(void)cursor_bytes(c, u64_min((4 - n % 4) % 4, c->left)); // within bounds
	return p;
}

// Dumps of machines are ELF cores, too, and have a note that tells.
static int check_writer(const uint8_t *name, uint32_t name_n, struct ccore_error *err)
{
	if (name && name_n == 11 && memcmp(name, "VMCOREINFO", 11) == 0)
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "a kernel's own dump (kdump); only cores of processes can be read");
	if (name && name_n == 5 && memcmp(name, "QEMU", 5) == 0)
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "a dump of a virtual machine; only cores of processes can be read");
	return 0;
}

int core_notes_read(struct target *t, const uint8_t *data, uint64_t n, struct mapping_vec *files,
		    struct ccore_error *err)
{
	struct cursor c = cursor_init(data, n);
	uint32_t name_n, desc_n;
	struct note note;

	while (cursor_u32(&c, &name_n) && cursor_u32(&c, &desc_n) && cursor_u32(&c, &note.type)) {
		const uint8_t *name = padded(&c, name_n);

		note.desc = padded(&c, desc_n);
		note.n = desc_n;
		if (!note.desc) {
			t->notes_lost = true;
			return 0;
		}
		TRY(check_writer(name, name_n, err));
		if (name && name_n == 5 && memcmp(name, "CORE", 5) == 0)
			TRY(read_note(t, &note, files, err));
	}
	return 0;
}
