// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Program headers are read here and not by libelf, which refuses files that are cut off: a core
 * written to a full disk is still worth reading.
 */
#include "sym/core.h"

#include "util/checked.h"

#include <elf.h>

struct image {
	const uint8_t *data;
	uint64_t size;
};

static bool image_has(const struct image *im, uint64_t off, uint64_t n)
{
	return off <= im->size && n <= im->size - off;
}

#define MACH_O "a Mach-O file; only ELF cores of Linux can be read"
#define KDUMP "a kernel's own dump (kdump); only cores of processes can be read"

// What a file is that is no ELF file, as far as its first bytes tell.
static int check_magic(const struct image *im, struct ccore_error *err)
{
	static const struct {
		const char *magic, *what;
		size_t n;
	} known[] = {
		{"BZh", "compressed with bzip2: decompress it first (bunzip2)", 3},
		{"PK\x03\x04", "a zip archive: unpack it first", 4},
		{"\xcf\xfa\xed\xfe", MACH_O, 4},
		{"\xce\xfa\xed\xfe", MACH_O, 4}, // of 32 bits
		{"\xfe\xed\xfa\xcf", MACH_O, 4}, // and both, big-endian
		{"\xfe\xed\xfa\xce", MACH_O, 4},
		{"MDMP", "a minidump; only ELF cores of Linux can be read", 4},
		{"PAGEDU64", "a dump of Windows; only ELF cores of Linux can be read", 8},
		{"KDUMP   ", KDUMP, 8},
		{"DISKDUMP", KDUMP, 8},
		{"makedumpfile", KDUMP, 12}, // on its way through a pipe
	};

	if (!im->size)
		return err_set(err, CCORE_EFORMAT, 0, "not an ELF core: the file is empty");
	if (image_has(im, 0, SELFMAG) && memcmp(im->data, ELFMAG, SELFMAG) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (image_has(im, 0, known[i].n) &&
		    memcmp(im->data, known[i].magic, known[i].n) == 0)
			return err_set(err, CCORE_EUNSUPPORTED, 0, "not an ELF core: it is %s",
				       known[i].what);
	return err_set(err, CCORE_EFORMAT, 0, "not an ELF core: it does not begin as ELF files do");
}

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_386:
		return "32-bit x86";
	case EM_AARCH64:
		return "64-bit ARM";
	case EM_ARM:
		return "32-bit ARM";
	case EM_PPC64:
		return "64-bit POWER";
	case EM_S390:
		return "s390";
	case EM_RISCV:
		return "RISC-V";
	case EM_LOONGARCH:
		return "LoongArch";
	default:
		return "another processor";
	}
}

static int check_header(const Elf64_Ehdr *eh, struct ccore_error *err)
{
	// e_type and e_machine lie at the same place in 32-bit files.
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "a big-endian ELF file; only cores of x86-64 can be read");
	if (eh->e_type == ET_EXEC || eh->e_type == ET_DYN)
		return err_set(err, CCORE_EFORMAT, 0,
			       "not a core: it is an ELF executable or library");
	if (eh->e_type != ET_CORE)
		return err_set(err, CCORE_EFORMAT, 0, "not a core: it is an ELF file of type %u",
			       eh->e_type);
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "a core of %s (%s-bit ELF, machine %u); only x86-64 can be read",
			       machine_name(eh->e_machine),
			       eh->e_ident[EI_CLASS] == ELFCLASS32 ? "32" : "64", eh->e_machine);
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return err_set(err, CCORE_EFORMAT, 0, "program headers of %u bytes, not %zu",
			       eh->e_phentsize, sizeof(Elf64_Phdr));
	return 0;
}

/*
 * With 65,535 segments or more their number is in the first section header, which the kernel
 * writes at the end of the file. Where that is cut off, the first note's place tells: the kernel
 * writes notes right behind the program headers.
 */
static uint64_t extended_phnum(const struct image *im, const Elf64_Ehdr *eh)
{
	Elf64_Shdr sh;
	Elf64_Phdr ph;

	if (eh->e_shoff && image_has(im, eh->e_shoff, sizeof(sh))) {
		memcpy(&sh, im->data + eh->e_shoff, sizeof(sh));
		return sh.sh_info;
	}
	if (!image_has(im, eh->e_phoff, sizeof(ph)))
		return 0;
	memcpy(&ph, im->data + eh->e_phoff, sizeof(ph));
	if (ph.p_type != PT_NOTE || ph.p_offset < eh->e_phoff)
		return PN_XNUM;
	return (ph.p_offset - eh->e_phoff) / sizeof(ph);
}

static unsigned flags_of(uint32_t p_flags)
{
	return MAPPING_PERMS_KNOWN | (p_flags & PF_R ? MAPPING_R : 0u) |
	       (p_flags & PF_W ? MAPPING_W : 0u) | (p_flags & PF_X ? MAPPING_X : 0u);
}

static struct core_piece piece_of(const struct image *im, const Elf64_Phdr *ph)
{
	struct core_piece p = {.type = ph->p_type,
			       .flags = flags_of(ph->p_flags),
			       .addr = ph->p_vaddr,
			       .mem_bytes = ph->p_memsz,
			       .off = ph->p_offset};
	uint64_t claimed = ph->p_filesz;

	if (p.type == PT_LOAD) {
		p.mem_bytes = u64_min(p.mem_bytes, UINT64_MAX - p.addr);
		claimed = u64_min(claimed, p.mem_bytes);
	}
	if (p.off < im->size)
		p.file_bytes = u64_min(claimed, im->size - p.off);
	p.lost_bytes = claimed - p.file_bytes;
	return p;
}

static int read_pieces(const struct image *im, uint64_t phoff, uint64_t phnum,
		       struct core_pieces *ret, struct damage *damage, struct ccore_error *err)
{
	for (uint64_t i = 0; i < phnum; i++) {
		struct core_piece p;
		Elf64_Phdr ph;

		memcpy(&ph, im->data + phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD && ph.p_type != PT_NOTE)
			continue;
		p = piece_of(im, &ph);
		if (p.lost_bytes)
			damage_note(damage, DAMAGE_TRUNCATED, p.addr);
		if (!vec_push(ret, p))
			return err_nomem(err);
	}
	return 0;
}

int core_elf_read(const uint8_t *data, uint64_t size, struct core_pieces *ret,
		  struct damage *damage, struct ccore_error *err)
{
	const struct image im = {data, size};
	uint64_t phnum, have;
	Elf64_Ehdr eh;

	TRY(check_magic(&im, err));
	if (!image_has(&im, 0, sizeof(eh)))
		return err_set(err, CCORE_EFORMAT, 0,
			       "an ELF file cut off within its header, after %llu bytes",
			       (unsigned long long)size);
	memcpy(&eh, data, sizeof(eh));
	TRY(check_header(&eh, err));
	phnum = eh.e_phnum == PN_XNUM ? extended_phnum(&im, &eh) : eh.e_phnum;
	have = eh.e_phoff < size ? (size - eh.e_phoff) / sizeof(Elf64_Phdr) : 0;
	if (phnum > have) {
		damage_note(damage, DAMAGE_TRUNCATED, 0);
		phnum = have;
	}
	if (!phnum)
		return err_set(err, CCORE_EFORMAT, 0,
			       "a core without program headers, or cut off before them");
	if (phnum > LIM_MAPPINGS)
		return err_set(err, CCORE_EFORMAT, 0, "a core of %llu segments; the limit is %u",
			       (unsigned long long)phnum, LIM_MAPPINGS);
	return read_pieces(&im, eh.e_phoff, phnum, ret, damage, err);
}
