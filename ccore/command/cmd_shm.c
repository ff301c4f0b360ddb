// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/segments.h"
#include "command/command.h"
#include "py/attribute.h"
#include "session/session.h"

#include <inttypes.h>

// Holders named in a cell; more are counted.
#define HOLDERS_SHOWN 3u

// A segment of at least this size is worth a word when a single object holds it.
#define LARGE_BYTES (64ull << 20)

// Holders of one segment: all.data[first] up to, not including, all.data[end].
struct held_by {
	const struct holders *all;
	uint64_t first, end;
};

static struct held_by held_by(const struct holders *all, const struct shared_segment *g)
{
	struct held_by h = {.all = all};

	while (h.first < all->all.n && all->all.data[h.first].owner < g->id)
		h.first++;
	for (h.end = h.first; h.end < all->all.n && all->all.data[h.end].owner == g->id;)
		h.end++;
	return h;
}

#define WRAPPER "multiprocessing.shared_memory.SharedMemory"

// A SharedMemory has no pointer into its memory: it has the mmap that does.
struct wrapper {
	uint32_t node;
	addr_t mmap;
};

struct wrappers {
	VEC(struct wrapper) all;
};

static int add_wrappers(struct session *s, uint64_t type, struct wrappers *ret,
			struct ccore_error *err)
{
	const struct heap *h = &s->heap;

	for (uint64_t id = 0; id < h->node_n; id++) {
		struct wrapper w = {.node = (uint32_t)id};

		TRY(progress_poll(&s->progress, "looking for shared memory", id, h->node_n, err));
		if (h->node_type[id] != type || h->node_flags[id] & NODE_BAD)
			continue;
		w.mmap = instance_attribute(heap_reader(&s->heap), h->node_addr[id], "_mmap");
		if (w.mmap && !vec_push(&ret->all, w))
			return err_nomem(err);
	}
	return 0;
}

// Most programs have no such type.
static int find_wrappers(struct session *s, struct wrappers *ret, struct ccore_error *err)
{
	const struct py *py = &s->heap.py;

	for (uint64_t i = 0; i < py->types.n; i++)
		if (strcmp(py->types.data[i]->name, WRAPPER) == 0)
			TRY(add_wrappers(s, i, ret, err));
	return 0;
}

static void wrappers_text(struct session *s, const struct held_by *by, const struct wrappers *all,
			  struct strbuf *out)
{
	for (uint64_t i = by->first; i < by->end; i++)
		for (uint64_t j = 0; j < all->all.n; j++)
			if (all->all.data[j].mmap == node_address(s, by->all->all.data[i].node))
				strbuf_printf(out, WRAPPER " 0x%" PRIx64 ", ",
					      node_address(s, all->all.data[j].node));
}

static void holders_text(struct session *s, const struct held_by *by, struct strbuf *out)
{
	for (uint64_t i = by->first; i < by->end && i - by->first < HOLDERS_SHOWN; i++) {
		const uint32_t node = by->all->all.data[i].node;

		strbuf_puts(out, i > by->first ? ", " : "");
		node_type_text(s, node, out);
		strbuf_printf(out, " 0x%" PRIx64, node_address(s, node));
	}
	if (by->end - by->first > HOLDERS_SHOWN)
		strbuf_printf(out, ", … %" PRIu64 " more", by->end - by->first - HOLDERS_SHOWN);
}

static void add_verdict(struct strbuf *out, const char *text)
{
	strbuf_printf(out, "%s%s", out->n ? ", " : "", text);
}

static void verdict_text(const struct shared_segment *g, const struct held_by *by,
			 struct strbuf *out)
{
	if (g->attaches > 1) {
		strbuf_puts(out, "attached ");
		strbuf_add_count(out, g->attaches);
		strbuf_puts(out, " times");
	}
	if (g->removed)
		add_verdict(out, "marked for removal, but still mapped");
	if (g->unlinked)
		add_verdict(out, "unlinked, but still mapped");
	if (by->first == by->end && g->backing != BACKING_FILE)
		add_verdict(out, "no Python object points into it");
	else if (by->end - by->first == 1 && g->mapped >= LARGE_BYTES)
		add_verdict(out, "large, and held by one object");
}

static void add_segment(struct session *s, struct table *t, const uint64_t *c,
			const struct shared_segment *g, const struct held_by *by,
			const struct wrappers *wrappers)
{
	const uint64_t row = table_row(t);
	const bool sysv = g->backing == BACKING_SYSV;
	struct strbuf verdict = {0}, holders = {0};
	char key[16];

	verdict_text(g, by, &verdict);
	wrappers_text(s, by, wrappers, &holders);
	holders_text(s, by, &holders);
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
	table_set_str(t, row, c[9], holders.n ? holders.data : NULL);
	table_set_str(t, row, c[10], verdict.n ? verdict.data : NULL);
	t->failed |= verdict.failed | holders.failed;
	strbuf_done(&verdict);
	strbuf_done(&holders);
}

static int add_segments(struct session *s, struct table *t, const struct segments *found,
			struct ccore_error *err)
{
	const unsigned saved = s->target.kind == TARGET_CORE ? COLUMN_NULLABLE | COLUMN_TOTAL
							     : COLUMN_NULLABLE | COLUMN_HIDDEN;
	const uint64_t columns[] = {
		table_column(t, "kind", "", CCORE_STR, 0),
		table_column(t, "name", "", CCORE_STR, 0),
		table_column(t, "key", "", CCORE_STR, 0),
		table_column(t, "shmid", "", CCORE_U64, COLUMN_NULLABLE),
		table_column(t, "size", "bytes", CCORE_U64, 0),
		table_column(t, "attaches", "", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "mapped", "bytes", CCORE_U64, COLUMN_TOTAL),
		table_column(t, "saved", "bytes", CCORE_U64, saved),
		table_column(t, "inferred", "", CCORE_U64, COLUMN_BOOL | COLUMN_HIDDEN),
		table_column(t, "holders", "", CCORE_STR, 0),
		table_column(t, "verdict", "", CCORE_STR, 0),
	};
	struct wrappers wrappers = {0};
	struct holders holders;
	int r;

	t->noun = "segments";
	if (!found->all.n) // nothing to look for among all objects
		return 0;
	TRY(holders_find(&holders, &s->heap, found->ranges.data, found->ranges.n, err));
	r = find_wrappers(s, &wrappers, err);
	for (uint64_t i = 0; r == 0 && i < found->all.n; i++) {
		const struct held_by by = held_by(&holders, &found->all.data[i]);

		add_segment(s, t, columns, &found->all.data[i], &by, &wrappers);
	}
	vec_done(&wrappers.all);
	holders_done(&holders);
	return r;
}

static bool any_inferred(const struct segments *found)
{
	for (uint64_t i = 0; i < found->all.n; i++)
		if (found->all.data[i].inferred)
			return true;
	return false;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct segments found;
	int status;

	(void)a; // no options of its own
	TRY(target_read_removed(&s->target, err));
	TRY(segments_find(&found, &s->target, err));
	status = add_segments(s, &r->table, &found, err);
	if (status == 0 && any_inferred(&found))
		result_note(r,
			    "which IPC_PRIVATE mappings are one segment is inferred from size and "
			    "contents; a saved copy of /proc/PID/maps (--maps) would tell");
	segments_done(&found);
	return status;
}

const struct command command_shm = {
	.name = "shm",
	.summary = "shared memory segments, and how often each is mapped",
	.argument = "",
	.details =
		"A segment that is attached again and again stands out. holders are the objects "
		"whose C struct points into it: mmap, memoryview, ctypes objects, arrays; what "
		"keeps those alive, why tells. shmid is known of a process, or from a saved copy "
		"of /proc/PID/maps.",
	.example =
		"shm\n"
		"kind   name                     key         shmid      size  attaches     mapped"
		"  holders                   verdict\n"
		"sysv   /SYSV0db05854 (deleted)  0x0db05854     37  64.0 KiB         3  192.0 KiB"
		"  -                         attached 3 times, no Python object points into it\n"
		"posix  /dev/shm/cache           -               -   8.0 KiB         1    8.0 KiB"
		"  mmap.mmap 0x7f1756785de0  -\n"
		"Total 2 segments, mapped 200.0 KiB\n",
	.run = run,
};
