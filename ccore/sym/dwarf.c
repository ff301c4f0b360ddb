// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dwarf_find: one pass over the top-level entries of all compilation units collects the types
 * and variables that are asked for; then member paths are looked up in the types.
 */
#include "sym/debug_info.h"
#include "sym/dwarf_type.h"
#include "sym/name_set.h"

#include <dwarf.h>

/** A type asked for, by one or more requests. */
struct wanted_type {
	const char *cu;	      // NULL: any
	const char *alias_of; // the tag of a struct that a typedef names, but that is elsewhere
	bool found;
	Dwarf_Die def;
};

struct scan {
	struct name_set type_names; // rows: `types`
	struct name_set var_names;  // rows: `vars`
	VEC(struct wanted_type) types;
	struct sym_request *vars;
	uint32_t *var_ranks; // of what was found
	uint64_t open_n;     // types and variables not found yet
	GElf_Addr bias;	     // libdw's address - the file's
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool cu_is(Dwarf_Die *cu, const char *want)
{
	const char *name;

	if (!want)
		return true;
	name = dwarf_diename(cu);
	if (!name)
		return false;
	name = base_name(name);
	return is_alternative(want, name, strlen(name));
}

static void take_type(struct scan *s, struct wanted_type *w, Dwarf_Die *die)
{
	Dwarf_Die def;

	if (!dwarf_type_peel(die, &def))
		return;
	if (dwarf_type_is_declaration(&def)) {
		if (dwarf_tag(die) == DW_TAG_typedef && !w->alias_of)
			w->alias_of = dwarf_diename(&def);
		return;
	}
	w->def = def;
	w->found = true;
	s->open_n--;
}

static void visit_type(struct scan *s, Dwarf_Die *cu, Dwarf_Die *die)
{
	const struct name_entry *e = NULL;
	const char *name = dwarf_diename(die);
	uint64_t n;

	if (!name)
		return;
	n = strlen(name);
	while ((e = name_set_next(&s->type_names, name, n, e))) {
		struct wanted_type *w = &s->types.data[e->row];

		if (!w->found && (w->alias_of || cu_is(cu, w->cu)))
			take_type(s, w, die);
	}
}

static bool variable_addr(Dwarf_Die *die, GElf_Addr *ret)
{
	Dwarf_Attribute attr, addrx;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr(die, DW_AT_location, &attr) || dwarf_getlocation(&attr, &ops, &n) != 0 ||
	    n != 1)
		return false;
	if (ops[0].atom == DW_OP_addr) {
		*ret = ops[0].number;
		return true;
	}
	return (ops[0].atom == DW_OP_addrx || ops[0].atom == DW_OP_GNU_addr_index) &&
	       dwarf_getlocation_attr(&attr, ops, &addrx) == 0 && dwarf_formaddr(&addrx, ret) == 0;
}

// What `die` refers to for its name and type: with LTO, an entry in the source file's own unit.
static Dwarf_Die origin_of(Dwarf_Die *die)
{
	static const unsigned links[] = {DW_AT_abstract_origin, DW_AT_specification};
	Dwarf_Die origin;
	Dwarf_Attribute attr;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (dwarf_attr(die, links[i], &attr) && dwarf_formref_die(&attr, &origin))
			return origin;
	return *die;
}

static void visit_variable(struct scan *s, Dwarf_Die *die)
{
	const struct name_entry *e = NULL;
	const char *name = dwarf_diename(die);
	Dwarf_Die origin, cu, type;
	Dwarf_Attribute attr;
	GElf_Addr addr;
	uint64_t n;

	if (!name)
		return;
	n = strlen(name);
	while ((e = name_set_next(&s->var_names, name, n, e))) {
		struct sym_request *r = &s->vars[e->row];

		if (e->rank >= s->var_ranks[e->row] || !variable_addr(die, &addr))
			continue;
		origin = origin_of(die);
		if (!dwarf_diecu(&origin, &cu, NULL, NULL) || !cu_is(&cu, r->cu))
			continue;
		s->open_n -= !r->found;
		s->var_ranks[e->row] = e->rank;
		r->found = true;
		r->value = addr - s->bias;
		r->size = dwarf_attr_integrate(die, DW_AT_type, &attr) &&
					  dwarf_formref_die(&attr, &type)
				  ? dwarf_type_size(&type)
				  : 0;
	}
}

static void visit_unit(struct scan *s, Dwarf_Die *cu)
{
	Dwarf_Die die;

	if (dwarf_child(cu, &die) != 0)
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_typedef:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_class_type:
			visit_type(s, cu, &die);
			break;
		case DW_TAG_variable:
			if (s->var_names.entries.n)
				visit_variable(s, &die);
			break;
		default:
			break;
		}
	} while (s->open_n && dwarf_siblingof(&die, &die) == 0);
}

static void visit_units(struct scan *s, Dwarf *dw)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die cu;

	while (s->open_n && dwarf_get_units(dw, unit, &unit, NULL, NULL, &cu, NULL) == 0)
		visit_unit(s, &cu);
}

// Types that a typedef names in one unit and that only another one defines: by their tag.
static int want_aliases(struct scan *s, struct ccore_error *err)
{
	s->open_n = 0;
	name_set_done(&s->var_names);
	name_set_init(&s->var_names);
	for (uint64_t i = 0; i < s->types.n; i++) {
		const struct wanted_type *w = &s->types.data[i];

		if (w->found || !w->alias_of)
			continue;
		s->open_n++;
		TRY(name_set_add(&s->type_names, w->alias_of, (uint32_t)i, err));
	}
	return 0;
}

static int scan_all(struct scan *s, Dwarf *dw, struct ccore_error *err)
{
	// dwz moves what several debug files have in common to one more file.
	Dwarf *common = dwarf_getalt(dw);

	visit_units(s, dw);
	if (common)
		visit_units(s, common);
	TRY(want_aliases(s, err));
	visit_units(s, dw);
	if (common)
		visit_units(s, common);
	return 0;
}

static bool same_cu(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct wanted_type *find_wanted(const struct scan *s, const char *name, uint64_t n,
				       const char *cu)
{
	const struct name_entry *e = NULL;

	while ((e = name_set_next(&s->type_names, name, n, e)))
		if (same_cu(s->types.data[e->row].cu, cu))
			return &s->types.data[e->row];
	return NULL;
}

static int want_types(struct scan *s, const struct member_request *r, struct ccore_error *err)
{
	const struct wanted_type w = {.cu = r->cu};
	const char *names = r->structs, *name;
	uint64_t n;

	while ((name = next_alternative(&names, &n))) {
		if (find_wanted(s, name, n, r->cu))
			continue;
		if (!vec_push(&s->types, w))
			return err_nomem(err);
		s->open_n++;
		TRY(name_set_add_one(&s->type_names, name, n, (uint32_t)s->types.n - 1, 0, err));
	}
	return 0;
}

static int want_all(struct scan *s, const struct member_request *members, uint64_t member_n,
		    uint64_t var_n, struct ccore_error *err)
{
	for (uint64_t i = 0; i < member_n; i++)
		if (!members[i].found)
			TRY(want_types(s, &members[i], err));
	for (uint64_t i = 0; i < var_n; i++) {
		s->var_ranks[i] = UINT32_MAX;
		if (s->vars[i].found || !s->vars[i].cu)
			continue;
		s->open_n++;
		TRY(name_set_add(&s->var_names, s->vars[i].names, (uint32_t)i, err));
	}
	return 0;
}

static bool answer_from(struct member_request *r, Dwarf_Die *type)
{
	const char *paths = r->paths, *path;
	uint64_t n;

	if (!paths) {
		const uint64_t size = dwarf_type_size(type);

		r->off = r->bit_off = r->bit_size = 0;
		r->size = (uint32_t)size;
		return size && size <= UINT32_MAX;
	}
	while ((path = next_alternative(&paths, &n)))
		if (dwarf_type_member(type, path, n, r))
			return true;
	return false;
}

static void answer(const struct scan *s, struct member_request *r)
{
	const char *names = r->structs, *name;
	uint64_t n;

	while (!r->found && (name = next_alternative(&names, &n))) {
		struct wanted_type *w = find_wanted(s, name, n, r->cu);

		r->found = w && w->found && answer_from(r, &w->def);
	}
}

static int find_in(struct scan *s, const struct target *t, const struct module *mod,
		   struct member_request *members, uint64_t member_n, uint64_t var_n,
		   struct ccore_error *err)
{
	struct debug_info d;
	Dwarf *dw = NULL;
	int r;

	TRY(want_all(s, members, member_n, var_n, err));
	r = debug_info_open(&d, t, mod, err);
	if (r == 0) {
		dw = dwfl_module_getdwarf(d.module, &s->bias);
		// From libdw's addresses to libdwfl's, then to the file's.
		s->bias = d.bias - s->bias;
		r = dw ? scan_all(s, dw, err) : debug_info_missing(t, mod, err);
	}
	for (uint64_t i = 0; r == 0 && i < member_n; i++)
		answer(s, &members[i]);
	debug_info_close(&d);
	return r;
}

int dwarf_find(const struct target *t, const struct module *mod, struct member_request *members,
	       uint64_t member_n, struct sym_request *vars, uint64_t var_n, struct ccore_error *err)
{
	struct scan s = {.vars = vars};
	int r;

	s.var_ranks = malloc(var_n * sizeof(*s.var_ranks) + 1);
	if (!s.var_ranks)
		return err_nomem(err);
	name_set_init(&s.type_names);
	name_set_init(&s.var_names);
	r = find_in(&s, t, mod, members, member_n, var_n, err);
	name_set_done(&s.type_names);
	name_set_done(&s.var_names);
	vec_done(&s.types);
	free(s.var_ranks);
	return r;
}
