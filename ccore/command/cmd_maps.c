// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/segments.h"
#include "command/session.h"

// rwxp as the kernel writes it; ? for what a core does not say.
static void perms_text(const struct mapping *m, char ret[5])
{
	const bool known = m->flags & MAPPING_PERMS_KNOWN;

	ret[0] = !known ? '?' : m->flags & MAPPING_R ? 'r' : '-';
	ret[1] = !known ? '?' : m->flags & MAPPING_W ? 'w' : '-';
	ret[2] = !known ? '?' : m->flags & MAPPING_X ? 'x' : '-';
	ret[3] = m->flags & MAPPING_SHARED ? 's' : m->flags & MAPPING_SHARED_KNOWN ? 'p' : '?';
	ret[4] = '\0';
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct table *t = &r->table;
	const uint64_t start = table_column(t, "start", "", CCORE_ADDR, 0);
	const uint64_t end = table_column(t, "end", "", CCORE_ADDR, 0);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
	const uint64_t saved =
		table_column(t, "saved", "bytes", CCORE_U64, COLUMN_TOTAL | COLUMN_NULLABLE);
	const uint64_t perms = table_column(t, "perms", "", CCORE_STR, 0);
	const uint64_t kind = table_column(t, "kind", "", CCORE_STR, 0);
	const uint64_t offset = table_column(t, "offset", "", CCORE_ADDR, COLUMN_HIDDEN);
	const uint64_t rss =
		table_column(t, "rss", "bytes", CCORE_U64, COLUMN_NULLABLE | COLUMN_HIDDEN);
	const uint64_t pss =
		table_column(t, "pss", "bytes", CCORE_U64, COLUMN_NULLABLE | COLUMN_HIDDEN);
	const uint64_t dirty =
		table_column(t, "dirty", "bytes", CCORE_U64, COLUMN_NULLABLE | COLUMN_HIDDEN);
	const uint64_t name = table_column(t, "name", "", CCORE_STR, 0);

	(void)a; // no options of its own
	(void)err;
	t->noun = "mappings";
	for (uint64_t i = 0; i < s->target.mappings.n; i++) {
		const struct mapping *m = &s->target.mappings.data[i];
		const uint64_t row = table_row(t);
		char text[5];

		perms_text(m, text);
		table_set_u64(t, row, start, m->start);
		table_set_u64(t, row, end, m->end);
		table_set_u64(t, row, size, m->end - m->start);
		// What a process has is all there: nothing is saved of it anywhere.
		table_set_u64(t, row, saved,
			      s->target.kind == TARGET_CORE ? m->saved_bytes : TABLE_UNKNOWN);
		table_set_str(t, row, perms, text);
		table_set_str(t, row, kind, backing_name(mapping_backing(m)));
		table_set_u64(t, row, offset, m->offset);
		table_set_u64(t, row, rss, TABLE_UNKNOWN);
		table_set_u64(t, row, pss, TABLE_UNKNOWN);
		table_set_u64(t, row, dirty, TABLE_UNKNOWN);
		table_set_str(t, row, name, m->name);
	}
	return 0;
}

const struct command command_maps = {
	.name = "maps",
	.summary = "every mapping: size, permissions, backing, and what the core saved",
	.argument = "",
	.details = "A core does not say whether a mapping is shared: the fourth letter of perms is "
		   "then ?, "
		   "or s where its name tells. A copy of /proc/PID/maps beside the core "
		   "(CORE.maps, --maps) "
		   "does.",
	.example = "maps -n 2\n"
		   "start     end            size    saved  perms  kind  name\n"
		   "0x400000  0x41f000  124.0 KiB  4.0 KiB  r--?   file  /usr/bin/python3.11\n"
		   "0x41f000  0x6cf000    2.7 MiB      0 B  r-x?   file  /usr/bin/python3.11\n"
		   "… 88 more mappings, size 14.2 MiB, saved 8.1 MiB\n"
		   "Total 90 mappings, size 17.0 MiB, saved 8.1 MiB\n",
	.run = run,
};
