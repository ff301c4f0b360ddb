// SPDX-License-Identifier: GPL-2.0-or-later
// What is to be said of a layout that no debug information vouches for.
#ifndef NECROPY_LAYOUT_NOTES_H
#define NECROPY_LAYOUT_NOTES_H

#include "session/session.h"

/** Notes that every answer carries; the answer is then incomplete. */
void layout_notes(const struct session *s, struct ccore_result *r);

/** "table of CPython 3.11.2", appended to `out`. */
void layout_describe(const struct session *s, struct strbuf *out);

/** How many symbols are known, and from where; appended to `out`. */
void layout_describe_symbols(const struct session *s, struct strbuf *out);

/** Which types of every CPython the layout has no table of; nothing where there is none. */
void layout_describe_tables(const struct session *s, struct strbuf *out);

/** What _Py_DebugOffsets says of the layout; nothing where the target has none. */
void layout_describe_offsets(const struct session *s, struct strbuf *out);

#endif
