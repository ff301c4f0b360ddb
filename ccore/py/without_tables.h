// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * without_tables: a CPython of which the layout knows little more than its objects' header, types
 * and the collector. Types' own code then says what their objects refer to; this says what else
 * is not known.
 */
#ifndef NECROPY_WITHOUT_TABLES_H
#define NECROPY_WITHOUT_TABLES_H

#include "layout/layout.h"
#include "util/strbuf.h"

/** Append "dict, list, …": types of every CPython that `l` has no table of. Their number. */
uint32_t without_tables(const struct layout *l, struct strbuf *out);

/** Whether classes are called by their bare names: nothing says which module they are of. */
bool without_class_names(const struct layout *l);

#endif
