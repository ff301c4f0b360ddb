// SPDX-License-Identifier: GPL-2.0-or-later
// Questions about one type in DWARF.
#ifndef NECROPY_DWARF_TYPE_H
#define NECROPY_DWARF_TYPE_H

#include "sym/symbols.h"

#include <elfutils/libdw.h>

/** The type that `die` is or stands for, behind typedefs and qualifiers. */
bool dwarf_type_peel(Dwarf_Die *die, Dwarf_Die *ret);

/** Whether `die` only says that a type exists. */
bool dwarf_type_is_declaration(Dwarf_Die *die);

/** The size of `type` in bytes; 0 when it has none. */
uint64_t dwarf_type_size(Dwarf_Die *type);

/** Set offset and size of member `path` ("a.b") of the struct `type` in `*ret`. */
bool dwarf_type_member(Dwarf_Die *type, const char *path, uint64_t path_n,
		       struct member_request *ret);

#endif
