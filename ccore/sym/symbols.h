// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * symbols: what a module's symbol table and DWARF say of names and struct layouts. The
 * requests are arrays, answered in one pass; a row that is not found is not an error, one that
 * is found already is left alone.
 */
#ifndef NECROPY_SYMBOLS_H
#define NECROPY_SYMBOLS_H

#include "sym/target.h"

/** A symbol wanted. `names`: alternatives, '|'-separated, best first. */
struct sym_request {
	const char *names;
	// Source files ("gcmodule.c"), '|'-separated, when the name is a file-local one that
	// others may share; then it is looked up as a variable in such a compilation unit, in
	// DWARF. NULL: the symbol tables, where suffixes that compilers add (.lto_priv.0,
	// .constprop.0, .1) are ignored.
	const char *cu;
	bool found;
	uint64_t value; // address in the file: add module->bias
	uint64_t size;	// st_size, or the variable's; 0 when not known
};

/**
 * A struct member wanted, or a struct's size. `structs`: type names, '|'-separated, best
 * first; typedef or tag. `paths`: member paths, '|'-separated, best first ("long_value.lv_tag");
 * anonymous members are transparent; NULL asks for the struct's size. With `cu`, only a type
 * defined in one of those source files counts. Without `structs` nothing is asked.
 */
struct member_request {
	const char *structs, *paths, *cu;
	bool to_struct; // only a member that points to a struct counts
	bool found;
	uint32_t off;  // bytes from the start of the struct
	uint32_t size; // bytes of the member (of a bit-field, those it touches), or of the struct
	uint32_t bit_off;  // of a bit-field, from the lowest bit of the byte at `off`
	uint32_t bit_size; // 0: not a bit-field
};

/**
 * Answer what `mod`'s symbol tables know, its own or its separate debug file's. With
 * `dynamic_only` only the exported ones, which needs no debug file and is fast.
 * Rows with a `cu` are left alone.
 */
int symbols_find(const struct target *t, const struct module *mod, struct sym_request *reqs,
		 uint64_t n, bool dynamic_only, struct ccore_error *err);

/**
 * Answer from `mod`'s DWARF: members, and symbols that have a `cu`. CCORE_ENOTFOUND when no
 * debug information with its build-id is found; `err` then says where it was looked for.
 */
int dwarf_find(const struct target *t, const struct module *mod, struct member_request *members,
	       uint64_t member_n, struct sym_request *vars, uint64_t var_n,
	       struct ccore_error *err);

#endif
