// SPDX-License-Identifier: GPL-2.0-or-later
// Cores built here byte by byte, in the kernel's dialect and in gcore's, whole, cut and lying.
#include "test.h"

#include "sym/target.h"

#include <elf.h>
#include <signal.h>

#define PAGE 4096u

// A core under construction: header, program headers, then whatever is appended.
static struct {
	uint8_t data[64 * 1024];
	uint64_t n;
	unsigned phnum;
} core;

static struct target target;
static struct ccore_error err;

static Elf64_Ehdr *header(void)
{
	return (Elf64_Ehdr *)(void *)core.data;
}

static Elf64_Phdr *phdr(unsigned i)
{
	return (Elf64_Phdr *)(void *)(core.data + sizeof(Elf64_Ehdr)) + i;
}

static void start_core(unsigned phnum)
{
	memset(&core, 0, sizeof(core));
	memcpy(header()->e_ident, ELFMAG, SELFMAG);
	header()->e_ident[EI_CLASS] = ELFCLASS64;
	header()->e_ident[EI_DATA] = ELFDATA2LSB;
	header()->e_type = ET_CORE;
	header()->e_machine = EM_X86_64;
	header()->e_phoff = sizeof(Elf64_Ehdr);
	header()->e_phentsize = sizeof(Elf64_Phdr);
	header()->e_phnum = (Elf64_Half)phnum;
	core.n = sizeof(Elf64_Ehdr) + phnum * sizeof(Elf64_Phdr);
}

static uint64_t append(const void *data, uint64_t n)
{
	const uint64_t at = core.n;

	memcpy(core.data + at, data, n);
	core.n += n;
	return at;
}

// A segment of `saved` bytes, each `byte`, and `size` bytes of memory.
static Elf64_Phdr *add_load(addr_t addr, uint64_t saved, uint64_t size, uint32_t flags, int byte)
{
	Elf64_Phdr *ph = phdr(core.phnum++);

	*ph = (Elf64_Phdr){.p_type = PT_LOAD,
			   .p_flags = flags,
			   .p_vaddr = addr,
			   .p_offset = core.n,
			   .p_filesz = saved,
			   .p_memsz = size};
	memset(core.data + core.n, byte, saved);
	core.n += saved;
	return ph;
}

static uint8_t notes[8192];
static uint64_t notes_n;

static void add_note(uint32_t type, const void *desc, uint32_t n)
{
	const uint32_t head[3] = {5, n, type};

	memcpy(notes + notes_n, head, sizeof(head));
	memcpy(notes + notes_n + 12, "CORE\0\0\0", 8);
	memcpy(notes + notes_n + 20, desc, n);
	notes_n += 20 + ((n + 3) & ~3u);
}

static void append_notes(void)
{
	Elf64_Phdr *ph = phdr(core.phnum++);

	*ph = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = core.n, .p_filesz = notes_n};
	(void)append(notes, notes_n); // where it lies is in the header
	notes_n = 0;
}

// NT_FILE of two entries that follow each other from `start` on.
static void add_files(addr_t start, uint64_t page_size, uint64_t second_off, const char *names,
		      uint32_t names_n)
{
	uint64_t desc[8 + 16] = {
		2, page_size, start, start + PAGE, 0, start + PAGE, start + 2 * PAGE, second_off};

	memcpy(desc + 8, names, names_n);
	add_note(NT_FILE, desc, 64 + names_n);
}

static int open_core(void)
{
	const struct target_opts opts = {0};

	return target_open_core_mem(&target, core.data, core.n, &opts, &err);
}

static bool byte_is(addr_t addr, unsigned byte)
{
	uint8_t b;

	return mem_read(&target.mem, addr, &b, 1) == 0 && b == byte;
}

TEST(one_segment)
{
	start_core(1);
	add_load(0x10000, 100, PAGE, PF_R | PF_W, 7);
	CHECK(open_core() == 0);
	CHECK(target.mappings.n == 1 && target.mappings.data[0].saved_bytes == 100);
	CHECK(target.mappings.data[0].flags == (MAPPING_R | MAPPING_W | MAPPING_PERMS_KNOWN));
	CHECK(byte_is(0x10000, 7) && byte_is(0x10063, 7));
	CHECK(!byte_is(0x10064, 0));
	CHECK(mem_read_err(&target.mem, 0x10064, &err, 1, "it", &err) == CCORE_EFAULT);
	CHECK(strstr(err.text, "not saved"));
	CHECK(!damage_any(&target.damage) && mem_is_direct(&target.mem));
	target_done(&target);
}

TEST(both_dialects_of_file_offsets)
{
	static const struct {
		uint64_t page_size, off;
	} dialects[] = {{4096, 3}, {1, 3 * 4096}};

	for (int i = 0; i < 2; i++) {
		start_core(2);
		add_files(0x20000, dialects[i].page_size, dialects[i].off, "/a\0/b b", 8);
		append_notes();
		add_load(0x20001 - 1, PAGE, 2 * PAGE, PF_R, 1);
		CHECK(open_core() == 0);
		CHECK(target.mappings.n == 2);
		CHECK_TEXT(target.mappings.data[0].name, "/a");
		CHECK_TEXT(target.mappings.data[1].name, "/b b");
		CHECK(target.mappings.data[1].offset == 3 * 4096);
		CHECK(target.mappings.data[0].saved_bytes == PAGE);
		CHECK(target.mappings.data[1].saved_bytes == 0);
		target_done(&target);
	}
}

// gcore writes no PT_LOAD where it saved nothing; the file is mapped all the same.
TEST(files_without_segments_are_mapped)
{
	start_core(2);
	add_files(0x20000, 1, PAGE, "/a\0/a", 6);
	append_notes();
	add_load(0x90000, 8, 8, PF_R, 1);
	CHECK(open_core() == 0);
	CHECK(target.mappings.n == 3);
	CHECK(!(target.mappings.data[0].flags & MAPPING_PERMS_KNOWN));
	CHECK(mem_find(&target.mem, 0x20000) && mem_readable(&target.mem, 0x20000, 1) == 0);
	target_done(&target);
}

TEST(attaches_of_shared_memory_stay_apart)
{
	start_core(3);
	add_files(0x20000, 4096, 0, "/SYSV00000000 (deleted)\0/SYSV00000000 (deleted)", 48);
	append_notes();
	add_load(0x20000, PAGE, PAGE, PF_R | PF_W, 1);
	add_load(0x21000, PAGE, PAGE, PF_R | PF_W, 1);
	CHECK(open_core() == 0);
	CHECK(target.mappings.n == 2 && target.mappings.data[1].offset == 0);
	CHECK(target.mappings.data[0].flags & MAPPING_SHARED);
	CHECK(!(target.mappings.data[0].flags & MAPPING_SHARED_KNOWN));
	target_done(&target);
}

static void add_prstatus(int32_t tid, int16_t signal)
{
	uint8_t prstatus[336] = {0};
	const uint64_t pc = 0x1234, sp = 0x5678, fs = 0x9abc;

	memcpy(prstatus + 12, &signal, 2);
	memcpy(prstatus + 32, &tid, 4);
	memcpy(prstatus + 112 + 16 * 8, &pc, 8);
	memcpy(prstatus + 112 + 19 * 8, &sp, 8);
	memcpy(prstatus + 112 + 21 * 8, &fs, 8);
	add_note(NT_PRSTATUS, prstatus, sizeof(prstatus));
}

static void add_siginfo(int32_t signal, int32_t code, uint64_t addr)
{
	uint8_t siginfo[128] = {0};

	memcpy(siginfo, &signal, 4);
	memcpy(siginfo + 8, &code, 4);
	memcpy(siginfo + 16, &addr, 8);
	add_note(NT_SIGINFO, siginfo, sizeof(siginfo));
}

TEST(notes_tell_of_process_and_threads)
{
	uint64_t auxv[] = {AT_PHDR, 0x400040, AT_ENTRY, 0x401000, AT_NULL, 0};
	uint8_t prpsinfo[136] = {0};
	const int32_t pid = 42;

	memcpy(prpsinfo + 24, &pid, 4);
	memset(prpsinfo + 56, 'x', 80); // no NUL at its end
	start_core(2);
	add_prstatus(43, SIGSEGV);
	add_note(NT_PRPSINFO, prpsinfo, sizeof(prpsinfo));
	add_siginfo(SIGSEGV, 1, 0xdead);
	add_note(NT_AUXV, auxv, sizeof(auxv));
	add_prstatus(44, 0);
	add_siginfo(SIGSTOP, 1, 0xbeef);
	append_notes();
	add_load(0x10000, 1, 1, PF_R, 1);
	CHECK(open_core() == 0);
	CHECK(target.pid == 42 && target.signal == SIGSEGV && target.fault_addr == 0xdead);
	CHECK(target.phdr == 0x400040 && target.entry == 0x401000);
	CHECK(strlen(target.command_line) == 80);
	CHECK(target.threads.n == 2 && target.threads.data[0].tid == 43 &&
	      target.threads.data[1].tid == 44);
	CHECK(target.threads.data[0].pc == 0x1234 && target.threads.data[0].sp == 0x5678);
	CHECK(target.threads.data[0].signal == SIGSEGV);
	// What two threads have for theirs, and nothing is mapped at, is none's.
	CHECK(target.threads.data[0].fs_base == 0 && target.threads.data[1].fs_base == 0);
	target_done(&target);
}

// gdb stops what it attaches to with SIGSTOP, which killed nobody.
TEST(a_core_of_a_living_process_has_no_signal)
{
	start_core(2);
	add_prstatus(43, 0);
	add_siginfo(SIGSTOP, 128, 0);
	append_notes();
	add_load(0x10000, 1, 1, PF_R, 1);
	CHECK(open_core() == 0);
	CHECK(target.signal == 0 && target.fault_addr == 0);
	target_done(&target);
}

// As the kernel lays it out: argc, argv, 0, envp, 0, auxv, strings.
TEST(the_whole_command_line_is_on_the_stack)
{
	static const char strings[] = "python3\0-c\0pass\0LANG=C\0/usr/bin/python3";
	const addr_t at = 0x7ff000, text = at + 13 * 8, path = text + 23;
	const uint64_t words[13] = {3, text, text + 8,	text + 11, 0, text + 16, 0,
				    6, PAGE, AT_EXECFN, path,	   0, 0};
	uint64_t vector[] = {AT_EXECFN, path, AT_NULL, 0};

	start_core(2);
	add_note(NT_AUXV, vector, sizeof(vector));
	append_notes();
	add_load(at, sizeof(words) + sizeof(strings), PAGE, PF_R | PF_W, 0);
	memcpy(core.data + phdr(1)->p_offset, words, sizeof(words));
	memcpy(core.data + phdr(1)->p_offset + sizeof(words), strings, sizeof(strings));
	CHECK(open_core() == 0);
	CHECK_TEXT(target.command_line, "python3 -c pass");
	target_done(&target);
	// Not where the vector says: what the notes tell remains.
	memset(core.data + phdr(1)->p_offset, 0xff, sizeof(words));
	CHECK(open_core() == 0 && !target.command_line);
	target_done(&target);
}

TEST(a_cut_core_is_used_as_far_as_it_goes)
{
	start_core(3);
	add_load(0x10000, PAGE, PAGE, PF_R | PF_W, 1);
	add_load(0x20000, PAGE, 2 * PAGE, PF_R | PF_W, 2);
	add_load(0x30000, PAGE, PAGE, PF_R | PF_W, 3);
	core.n -= PAGE + 100;
	CHECK(open_core() == 0);
	CHECK(target.damage.count[DAMAGE_TRUNCATED] == 2);
	CHECK(target.damage.first[DAMAGE_TRUNCATED] == 0x20000);
	CHECK(target.mappings.data[1].saved_bytes == PAGE - 100);
	CHECK(target.mappings.data[1].lost_bytes == 100);
	CHECK(target.mappings.data[2].saved_bytes == 0 &&
	      target.mappings.data[2].lost_bytes == PAGE);
	CHECK(byte_is(0x20000 + PAGE - 101, 2) && !byte_is(0x20000 + PAGE - 100, 2));
	target_done(&target);
}

TEST(every_cut_opens_or_is_refused)
{
	uint64_t whole;

	start_core(2);
	add_prstatus(43, 0);
	add_files(0x10000, 4096, 1, "/a\0/b", 6);
	append_notes();
	add_load(0x10000, 64, 64, PF_R, 1);
	for (whole = core.n; core.n > 0; core.n--) {
		const int r = open_core();

		CHECK(r == 0 || (r == CCORE_EFORMAT && err.text[0]));
		if (r == 0 && core.n < whole)
			CHECK(target.damage.count[DAMAGE_TRUNCATED]);
		if (r == 0)
			target_done(&target);
	}
	CHECK(open_core() == CCORE_EFORMAT);
	CHECK_TEXT(err.text, "not an ELF core: the file is empty");
}

TEST(more_segments_than_the_header_can_count)
{
	Elf64_Shdr sh = {.sh_info = 2};

	for (int cut = 0; cut < 2; cut++) {
		start_core(2);
		add_prstatus(43, 0);
		append_notes();
		add_load(0x10000, 64, 64, PF_R, 1);
		header()->e_phnum = PN_XNUM;
		header()->e_shoff = core.n;
		(void)append(&sh, sizeof(sh)); // where it lies is in the header
		core.n -= cut ? 1 : 0;
		CHECK(open_core() == 0);
		CHECK(target.mappings.n == 1 && target.threads.n == 1);
		target_done(&target);
	}
}

TEST(lies_about_places_and_sizes)
{
	static const uint64_t lies[] = {1,	    PAGE,	    1ull << 32,
					1ull << 63, UINT64_MAX - 1, UINT64_MAX};

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		for (unsigned field = 0; field < 6; field++) {
			Elf64_Phdr *ph;

			start_core(3);
			add_prstatus(1, 0);
			append_notes();
			ph = add_load(0x10000, 64, 64, PF_R, 1);
			add_load(0x10020, 64, 64, PF_R, 2);
			ph->p_offset = field == 0 ? lies[i] : ph->p_offset;
			ph->p_vaddr = field == 1 ? lies[i] : ph->p_vaddr;
			ph->p_filesz = field == 2 || field == 5 ? lies[i] : ph->p_filesz;
			ph->p_memsz = field == 3 || field == 5 ? lies[i] : ph->p_memsz;
			phdr(0)->p_filesz = field == 4 ? lies[i] : phdr(0)->p_filesz;
			if (open_core() == 0) {
				CHECK(byte_is(0x10020, 2));
				target_done(&target);
			}
		}
	}
}

TEST(other_formats_are_named)
{
	static const struct {
		const char *magic;
		int code;
		const char *word;
	} others[] = {
		{"\x28\xb5\x2f\xfd...", CCORE_EFORMAT, "not an ELF core"}, // zstd, of nothing
		{"BZh9...", CCORE_EUNSUPPORTED, "bzip2"},
		{"KDUMP   ", CCORE_EUNSUPPORTED, "kdump"},
		{"DISKDUMP", CCORE_EUNSUPPORTED, "kdump"},
		{"makedumpfile", CCORE_EUNSUPPORTED, "kdump"},
		{"PAGEDU64", CCORE_EUNSUPPORTED, "Windows"},
		{"PK\x03\x04", CCORE_EUNSUPPORTED, "zip"},
		{"\xce\xfa\xed\xfe..", CCORE_EUNSUPPORTED, "Mach-O"},
		{"\xfe\xed\xfa\xcf..", CCORE_EUNSUPPORTED, "Mach-O"},
		{"\xfe\xed\xfa\xce..", CCORE_EUNSUPPORTED, "Mach-O"},
		{"\xcf\xfa\xed\xfe..", CCORE_EUNSUPPORTED, "Mach-O"},
		{"MDMP....", CCORE_EUNSUPPORTED, "minidump"},
		{"\x7f"
		 "ELF",
		 CCORE_EFORMAT, "cut off"},
		{"#!/bin/sh", CCORE_EFORMAT, "not an ELF core"},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		core.n = 0;
		(void)append(others[i].magic, strlen(others[i].magic)); // at 0
		CHECK(open_core() == others[i].code);
		CHECK(strstr(err.text, others[i].word));
	}
}

TEST(dumps_of_machines_are_named)
{
	static const struct {
		uint32_t n;
		const char *name, *word;
	} writers[] = {{11, "VMCOREINFO\0", "kdump"}, {5, "QEMU\0\0\0", "virtual machine"}};

	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		const uint32_t head[3] = {writers[i].n, 0, 0};

		start_core(2);
		memcpy(notes, head, sizeof(head));
		memcpy(notes + sizeof(head), writers[i].name, (writers[i].n + 3) & ~3u);
		notes_n = sizeof(head) + ((writers[i].n + 3) & ~3u);
		append_notes();
		add_load(0x10000, 64, 64, PF_R, 1);
		CHECK(open_core() == CCORE_EUNSUPPORTED && strstr(err.text, writers[i].word));
	}
}

TEST(other_machines_are_named)
{
	start_core(1);
	add_load(0x10000, 64, 64, PF_R, 1);
	header()->e_machine = EM_AARCH64;
	CHECK(open_core() == CCORE_EUNSUPPORTED && strstr(err.text, "64-bit ARM"));
	header()->e_ident[EI_CLASS] = ELFCLASS32;
	header()->e_machine = EM_386;
	CHECK(open_core() == CCORE_EUNSUPPORTED && strstr(err.text, "32-bit x86"));
	header()->e_ident[EI_DATA] = ELFDATA2MSB;
	CHECK(open_core() == CCORE_EUNSUPPORTED && strstr(err.text, "big-endian"));
	header()->e_ident[EI_DATA] = ELFDATA2LSB;
	header()->e_type = ET_DYN;
	CHECK(open_core() == CCORE_EFORMAT && strstr(err.text, "executable"));
}

TEST(a_core_without_memory_is_refused)
{
	start_core(1);
	add_prstatus(43, 0);
	append_notes();
	CHECK(open_core() == CCORE_EFORMAT);
	CHECK_TEXT(err.text, "the core holds no memory at all");
}
