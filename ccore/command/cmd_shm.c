// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/segments.h"
#include "command/session.h"

static void verdict_text(const struct shared_segment *g, struct strbuf *out)
{
	if (g->attaches > 1) {
		strbuf_puts(out, "attached ");
		strbuf_add_count(out, g->attaches);
		strbuf_puts(out, " times");
	}
	if (g->unlinked)
		strbuf_printf(out, "%sunlinked, but still mapped", out->n ? ", " : "");
}

static void add_segment(struct session *s, struct table *t, const uint64_t *c,
			const struct shared_segment *g)
{
	const uint64_t row = table_row(t);
	const bool sysv = g->backing == BACKING_SYSV;
	struct strbuf verdict = {0};
	char key[16];

	verdict_text(g, &verdict);
	table_set_str(t, row, c[0], backing_name(g->backing));
	table_set_str(t, row, c[1], g->name);
	(void)snprintf(key, sizeof(key), "0x%08x", g->key); // 10 characters
	table_set_str(t, row, c[2], sysv ? key : NULL);
	// The inode of a SysV segment's mapping is its shmid.
	table_set_u64(
		t, row, c[3],
		sysv && (g->inode || s->target.maps_from_file || s->target.kind == TARGET_PROCESS)
			? g->inode
			: TABLE_UNKNOWN);
	table_set_u64(t, row, c[4], g->size);
	table_set_u64(t, row, c[5], g->attaches);
	table_set_u64(t, row, c[6], g->mapped);
	table_set_u64(t, row, c[7], s->target.kind == TARGET_CORE ? g->saved : TABLE_UNKNOWN);
	table_set_u64(t, row, c[8], g->inferred);
	table_set_str(t, row, c[10], verdict.n ? verdict.data : NULL);
	t->failed |= verdict.failed;
	strbuf_done(&verdict);
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct table *t = &r->table;
	struct segments found;
	const uint64_t columns[] = {
		table_column(t, "kind", "", CCORE_STR, 0),
		table_column(t, "name", "", CCORE_STR, 0),
		table_column(t, "key", "", CCORE_STR, 0),
		table_column(t, "shmid", "", CCORE_U64, COLUMN_NULLABLE),
		table_column(t, "size", "bytes", CCORE_U64, 0),
		table_column(t, "attaches", "", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "mapped", "bytes", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "saved", "bytes", CCORE_U64, COLUMN_TOTAL | COLUMN_NULLABLE),
		table_column(t, "inferred", "", CCORE_U64, COLUMN_BOOL | COLUMN_HIDDEN),
		table_column(t, "holders", "", CCORE_STR, COLUMN_HIDDEN), // not looked for: null
		table_column(t, "verdict", "", CCORE_STR, 0),
	};
	bool inferred = false;

	(void)a; // no options of its own
	TRY(segments_find(&found, &s->target, err));
	t->noun = "segments";
	for (uint64_t i = 0; i < found.all.n; i++) {
		add_segment(s, t, columns, &found.all.data[i]);
		inferred |= found.all.data[i].inferred;
	}
	segments_done(&found);
	if (inferred)
		result_note(r,
			    "which IPC_PRIVATE mappings are one segment is inferred from size and "
			    "contents; a saved copy of /proc/PID/maps (--maps) would tell");
	return 0;
}

const struct command command_shm = {
	.name = "shm",
	.summary = "shared memory segments, and how often each is mapped",
	.argument = "",
	.details = "A segment that is attached again and again stands out. shmid is known of a "
		   "process, or "
		   "from a saved copy of /proc/PID/maps.",
	.example =
		"shm\n"
		"kind  name                     key         size      attaches  mapped   verdict\n"
		"sysv  /SYSV0db05854 (deleted)  0x0db05854  64.0 KiB        30  1.9 MiB  attached "
		"30 times\n",
	.run = run,
};
