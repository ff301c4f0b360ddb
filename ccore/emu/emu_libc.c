// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libc chooses, when it starts, variants of memcpy and its like that suit the processor: often
 * with AVX, which Unicorn does not know. Their names are not in the file, but the slots through
 * which they are called have names: the relocations of all modules are read from the target's
 * memory, and a jump to a plain routine is put where each slot leads.
 */
#include "emu/engine.h"

#include <elf.h>

#define JUMP_BYTES 12u // movabs $to,%rax; jmp *%rax

/** The tables of one module that the dynamic linker uses; run-time addresses. */
struct dynamic {
	const struct module *module;
	addr_t rela, jmprel, symtab, strtab, pltgot;
	uint64_t rela_n, jmprel_n, strtab_bytes;
};

static bool read_at(const struct emu *e, addr_t addr, void *buf, uint64_t n)
{
	return mem_read(&e->env->target->mem, addr, buf, n) == 0;
}

static addr_t find_dynamic(const struct emu *e, const struct module *m)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;

	if (!read_at(e, m->start, &h, sizeof(h)) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
	    h.e_machine != EM_X86_64 || h.e_phnum > LIM_MODULE_PHDRS)
		return 0;
	for (unsigned i = 0; i < h.e_phnum; i++)
		if (read_at(e, m->start + h.e_phoff + i * sizeof(p), &p, sizeof(p)) &&
		    p.p_type == PT_DYNAMIC)
			return m->bias + p.p_vaddr;
	return 0;
}

// glibc has added the bias to addresses in the dynamic section; not all linkers do.
static addr_t rebase(const struct module *m, uint64_t value)
{
	return value < m->bias ? value + m->bias : value;
}

static bool read_dynamic(const struct emu *e, const struct module *m, struct dynamic *ret)
{
	const addr_t at = find_dynamic(e, m);
	Elf64_Dyn d;

	*ret = (struct dynamic){.module = m};
	for (unsigned i = 0; at && i < LIM_DYNAMIC; i++) {
		if (!read_at(e, at + i * sizeof(d), &d, sizeof(d)) || d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_RELA)
			ret->rela = rebase(m, d.d_un.d_ptr);
		else if (d.d_tag == DT_RELASZ)
			ret->rela_n = d.d_un.d_val / sizeof(Elf64_Rela);
		else if (d.d_tag == DT_JMPREL)
			ret->jmprel = rebase(m, d.d_un.d_ptr);
		else if (d.d_tag == DT_PLTRELSZ)
			ret->jmprel_n = d.d_un.d_val / sizeof(Elf64_Rela);
		else if (d.d_tag == DT_PLTGOT)
			ret->pltgot = rebase(m, d.d_un.d_ptr);
		else if (d.d_tag == DT_SYMTAB)
			ret->symtab = rebase(m, d.d_un.d_ptr);
		else if (d.d_tag == DT_STRTAB)
			ret->strtab = rebase(m, d.d_un.d_ptr);
		else if (d.d_tag == DT_STRSZ)
			ret->strtab_bytes = d.d_un.d_val;
	}
	return ret->symtab && ret->strtab;
}

static bool is_among(const char *names, const char *name)
{
	const uint64_t n = strlen(name);

	for (const char *s = names; s; s = strchr(s, '|')) {
		s += *s == '|';
		if (strncmp(s, name, n) == 0 && (s[n] == '|' || s[n] == '\0'))
			return true;
	}
	return false;
}

static addr_t plain_for(const struct emu *e, const struct dynamic *d, const Elf64_Sym *sym)
{
	char name[32];

	if (sym->st_name >= d->strtab_bytes ||
	    mem_read_cstr(&e->env->target->mem, d->strtab + sym->st_name, name, sizeof(name)) < 0 ||
	    !*name)
		return 0;
	for (const struct emu_plain *p = emu_plains; p->names; p++)
		if (is_among(p->names, name))
			return e->env->base + OURS_CODE + p->off;
	return 0;
}

static void add_patch(struct emu *e, addr_t at, addr_t to)
{
	for (uint64_t i = 0; i < e->patches.n; i++)
		if (at - e->patches.data[i].at < JUMP_BYTES ||
		    e->patches.data[i].at - at < JUMP_BYTES)
			return;
	if (e->patches.n < LIM_EMU_PATCHES)
		(void)vec_push(&e->patches, ((struct emu_patch){at, to})); // else it stays as it is
}

// The indirect function whose resolver is at `resolver`, an address in the file.
static addr_t plain_for_resolver(const struct emu *e, const struct dynamic *d, uint64_t resolver)
{
	// The names follow the symbols; nothing says how many there are.
	const uint64_t n =
		d->strtab > d->symtab
			? u64_min((d->strtab - d->symtab) / sizeof(Elf64_Sym), LIM_EMU_SYMBOLS)
			: 0;
	Elf64_Sym sym;

	for (uint64_t i = 0; i < n; i++)
		if (read_at(e, d->symtab + i * sizeof(sym), &sym, sizeof(sym)) &&
		    ELF64_ST_TYPE(sym.st_info) == STT_GNU_IFUNC && sym.st_value == resolver) {
			const addr_t to = plain_for(e, d, &sym);

			if (to)
				return to;
		}
	return 0;
}

static void look_at_slot(struct emu *e, const struct dynamic *d, const Elf64_Rela *r)
{
	addr_t to = 0, slot;
	Elf64_Sym sym;

	switch (ELF64_R_TYPE(r->r_info)) {
	case R_X86_64_64:
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
		if (read_at(e, d->symtab + ELF64_R_SYM(r->r_info) * sizeof(sym), &sym, sizeof(sym)))
			to = plain_for(e, d, &sym);
		break;
	case R_X86_64_IRELATIVE:
		to = plain_for_resolver(e, d, (uint64_t)r->r_addend);
		break;
	default:
		return;
	}
	if (!to || !read_at(e, d->module->bias + r->r_offset, &slot, sizeof(slot)) || !slot)
		return;
	// Not called yet: it leads to the module's own way of finding out.
	if (ELF64_R_TYPE(r->r_info) == R_X86_64_JUMP_SLOT && slot >= d->module->start &&
	    slot < d->module->end)
		return;
	add_patch(e, slot, to);
}

static void look_at_slots(struct emu *e, const struct dynamic *d, addr_t table, uint64_t n)
{
	Elf64_Rela relas[128];

	n = table ? u64_min(n, LIM_EMU_RELOCATIONS) : 0;
	for (uint64_t i = 0; i < n;) {
		const uint64_t some = u64_min(n - i, sizeof(relas) / sizeof(relas[0]));

		if (!read_at(e, table + i * sizeof(relas[0]), relas, some * sizeof(relas[0])))
			return;
		for (uint64_t k = 0; k < some; k++)
			look_at_slot(e, d, &relas[k]);
		i += some;
	}
}

// Functions that were never called are found at their first call, by way of code that saves
// registers with XSAVEC. Ours saves what matters, and calls what that calls: found by the
// instructions around the call.
static void look_at_resolver(struct emu *e, const struct dynamic *d)
{
	static const uint8_t before[] = {0x48, 0x8b, 0x73, 0x10, // mov 0x10(%rbx),%rsi
					 0x48, 0x8b, 0x7b, 0x08, // mov 0x8(%rbx),%rdi
					 0xe8};			 // call
	uint8_t code[256];
	int32_t distance;
	addr_t resolver;

	if (e->fixup || !d->pltgot || !read_at(e, d->pltgot + 16, &resolver, sizeof(resolver)) ||
	    !resolver || !read_at(e, resolver, code, sizeof(code)))
		return;
	for (uint64_t i = 0; i + sizeof(before) + sizeof(distance) <= sizeof(code); i++) {
		if (memcmp(code + i, before, sizeof(before)) != 0)
			continue;
		i += sizeof(before);
		memcpy(&distance, code + i, sizeof(distance));
		e->fixup = resolver + i + sizeof(distance) + (uint64_t)(int64_t)distance;
		add_patch(e, resolver, e->env->base + OURS_CODE + PLAIN_RESOLVE);
		return;
	}
}

bool emu_find_patches(struct emu *e)
{
	const struct target *t = e->env->target;
	struct dynamic d;

	if (e->looked_for_patches)
		return false;
	e->looked_for_patches = true;
	for (uint64_t i = 0; i < t->modules.n && i < LIM_EMU_MODULES; i++) {
		if (!read_dynamic(e, &t->modules.data[i], &d))
			continue;
		look_at_slots(e, &d, d.rela, d.rela_n);
		look_at_slots(e, &d, d.jmprel, d.jmprel_n);
		look_at_resolver(e, &d);
	}
	return e->patches.n != 0;
}

bool emu_has_patch(const struct emu *e, addr_t addr, uint64_t size)
{
	for (uint64_t i = 0; i < e->patches.n; i++)
		if (e->patches.data[i].at - addr < size ||
		    addr - e->patches.data[i].at < JUMP_BYTES)
			return true;
	return false;
}

void emu_patch(const struct emu *e, addr_t addr, uint64_t size, uint8_t *copy)
{
	for (uint64_t i = 0; i < e->patches.n; i++) {
		const struct emu_patch *p = &e->patches.data[i];
		uint8_t jump[JUMP_BYTES] = {0x48, 0xb8, [10] = 0xff, 0xe0};

		memcpy(jump + 2, &p->to, sizeof(p->to));
		for (unsigned k = 0; k < JUMP_BYTES; k++)
			if (p->at + k - addr < size)
				copy[p->at + k - addr] = jump[k];
	}
}
