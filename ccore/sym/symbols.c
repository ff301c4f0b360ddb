// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/symbols.h"

#include "sym/debug_info.h"
#include "sym/name_set.h"
#include "util/cleanup.h"

#include <fcntl.h>

// How good the answer of a row is that was found so far; less is better.
#define NO_ANSWER UINT32_MAX

struct search {
	struct name_set names;
	struct sym_request *reqs;
	uint32_t *quality; // per row
	uint64_t open_n;   // rows without the best possible answer
};

static bool is_wanted_kind(const GElf_Sym *sym)
{
	switch (GELF_ST_TYPE(sym->st_info)) {
	case STT_NOTYPE:
	case STT_OBJECT:
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return sym->st_shndx != SHN_UNDEF;
	default:
		return false;
	}
}

// Length of `name` without what compilers add: ".lto_priv.0", ".1"; parts of functions
// (".cold", ".part.0") are not the function.
static uint64_t base_name_n(const char *name, uint64_t n)
{
	const char *dot = memchr(name, '.', n);

	if (!dot || dot == name || strstr(dot, ".cold") || strstr(dot, ".part."))
		return n;
	return (uint64_t)(dot - name);
}

static void offer(struct search *s, const char *name, const GElf_Sym *sym, uint64_t value)
{
	const uint64_t n = strlen(name), base_n = base_name_n(name, n);
	const struct name_entry *e = NULL;

	if (!is_wanted_kind(sym))
		return;
	while ((e = name_set_next(&s->names, name, base_n, e))) {
		const uint32_t quality = 2 * e->rank + (base_n != n);
		struct sym_request *r = &s->reqs[e->row];

		if (quality >= s->quality[e->row])
			continue;
		s->quality[e->row] = quality;
		s->open_n -= quality == 0;
		r->found = true;
		r->value = value;
		r->size = sym->st_size;
	}
}

static Elf_Scn *find_dynsym(Elf *elf, GElf_Shdr *ret)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));)
		if (gelf_getshdr(scn, ret) && ret->sh_type == SHT_DYNSYM)
			return scn;
	return NULL;
}

static void scan_dynsym(struct search *s, Elf *elf)
{
	GElf_Shdr sh;
	Elf_Scn *scn = find_dynsym(elf, &sh);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	GElf_Sym sym;

	if (!data)
		return;
	for (int i = 1; s->open_n && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, sh.sh_link, sym.st_name);

		if (name)
			offer(s, name, &sym, sym.st_value);
	}
}

static int find_dynamic(struct search *s, const struct module *mod, struct ccore_error *err)
{
	_cleanup_close_ int fd = -1;
	Elf *elf;

	if (!mod->file)
		return err_set(err, CCORE_ENOTFOUND, 0, "no local copy of %s with its build-id",
			       mod->name);
	(void)elf_version(EV_CURRENT); // the only one there is
	fd = open(mod->file, O_RDONLY | O_CLOEXEC);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	if (!elf)
		return err_set(err, CCORE_EIO, 0, "cannot read %s", mod->file);
	scan_dynsym(s, elf);
	(void)elf_end(elf); // read only
	return 0;
}

static int find_all(struct search *s, const struct target *t, const struct module *mod,
		    struct ccore_error *err)
{
	struct debug_info d;
	int r = debug_info_open(&d, t, mod, err);

	if (r == 0) {
		const int n = dwfl_module_getsymtab(d.module);

		for (int i = 1; s->open_n && i < n; i++) {
			GElf_Sym sym;
			GElf_Addr addr;
			const char *name =
				dwfl_module_getsym_info(d.module, i, &sym, &addr, NULL, NULL, NULL);

			if (name)
				offer(s, name, &sym, addr - d.bias);
		}
	}
	debug_info_close(&d);
	return r;
}

int symbols_find(const struct target *t, const struct module *mod, struct sym_request *reqs,
		 uint64_t n, bool dynamic_only, struct ccore_error *err)
{
	_cleanup_free_ uint32_t *quality = malloc(n * sizeof(*quality) + 1);
	struct search s = {.reqs = reqs, .quality = quality};
	int r = 0;

	if (!quality)
		return err_nomem(err);
	name_set_init(&s.names);
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		quality[i] = NO_ANSWER;
		if (reqs[i].cu || reqs[i].found)
			continue;
		s.open_n++;
		r = name_set_add(&s.names, reqs[i].names, (uint32_t)i, err);
	}
	if (r == 0 && s.open_n)
		r = dynamic_only ? find_dynamic(&s, mod, err) : find_all(&s, t, mod, err);
	name_set_done(&s.names);
	return r;
}
