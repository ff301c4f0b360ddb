// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dump_heap CORE: every object of a core with all its references, one JSON line an object:
 *
 *	{"addr", "type", "size", "estimated", "refcount", "gc", "edges": [[kind, to, label] ...]}
 *
 * For tests that compare all of a heap with what CPython says of it: see tests/parity.py.
 */
#include "command/session.h"
#include "util/parallel.h"

#include <stdio.h>

struct dump {
	struct session s;
	uint32_t id;
	bool first;
};

static void put_text(const char *text, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)text[i];

		printf(c < 0x20 || c == '"' || c == '\\' ? "\\u%04x" : "%c", c);
	}
}

static bool dump_edge(void *ctx, const struct edge *e)
{
	struct dump *d = ctx;
	struct strbuf label = {0};
	uint32_t id;

	if (e->kind == EDGE_GUESS && !heap_node(&d->s.heap, e->to, &id))
		return true;
	references_label(&d->s.heap, d->id, e, &label);
	printf("%s[\"%s\", %llu, \"", d->first ? "" : ", ", edge_kind_name(e->kind),
	       (unsigned long long)e->to);
	put_text(label.data, label.n);
	printf("\"]");
	strbuf_done(&label);
	d->first = false;
	return true;
}

static void dump_node(struct dump *d)
{
	struct py_reader *r = heap_reader(&d->s.heap);
	struct heap *h = &d->s.heap;
	struct py_object o;
	bool estimated, immortal;
	uint64_t size;

	if (!py_object_open(r, h->node_addr[d->id], &o))
		return;
	size = py_sizeof(r, &o, &estimated);
	printf("{\"addr\": %llu, \"type\": \"", (unsigned long long)o.addr);
	put_text(heap_node_type(h, d->id)->name, strlen(heap_node_type(h, d->id)->name));
	printf("\", \"size\": %llu, \"estimated\": %d, \"refcount\": %lld, \"gc\": %d, \"edges\": "
	       "[",
	       (unsigned long long)size, estimated, (long long)py_refcount(r, &o, &immortal),
	       h->node_flags[d->id] & NODE_GC);
	d->first = true;
	references_each(h, d->id, dump_edge, d);
	printf("]}\n");
}

int main(int argc, char **argv)
{
	static struct dump d;
	const struct target_opts target_opts = {.max_bytes = UINT64_MAX / 4};
	const struct heap_opts heap_opts = {.threads = 1, .max_bytes = UINT64_MAX / 4};
	struct ccore_error err = {0};
	struct heap *h = &d.s.heap;

	if (argc != 2)
		return 2;
	if (target_open_core(&d.s.target, argv[1], &target_opts, &err) < 0 ||
	    heap_open(h, &d.s.target, &heap_opts, &err) < 0 || heap_need_nodes(h, &err) < 0) {
		(void)fprintf(stderr, "%s: %s\n", argv[1], err.text);
		return 1;
	}
	for (; d.id < h->node_n; d.id++)
		dump_node(&d);
	heap_close(h);
	target_done(&d.s.target);
	return fflush(stdout) ? 1 : 0;
}
