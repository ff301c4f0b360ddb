// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * symbol_at: names for addresses of variables. A module's symbol table is read and sorted when
 * the first name of it is asked for.
 */
#ifndef NECROPY_SYMBOL_AT_H
#define NECROPY_SYMBOL_AT_H

#include "sym/target.h"
#include "util/strbuf.h"

/** Zeroed, but for `target`, it is empty. */
struct symbol_index {
	const struct target *target;
	struct module_symbols *modules; // as many as the target's
};

/**
 * Append what `addr` is called: "_asyncio.so:all_tasks", "+0x8" behind it where that is not the
 * variable's first byte; "_asyncio.so+0x1200" where there is no symbol; nothing when it is in no
 * module. Without memory for the table, as if there were no symbol.
 */
void symbol_at(struct symbol_index *x, addr_t addr, struct strbuf *out);

/** The variable that `addr` lies in, by its name in the symbol table; NULL: none is known. */
const char *symbol_name_at(struct symbol_index *x, addr_t addr);

void symbol_index_done(struct symbol_index *x);

#endif
