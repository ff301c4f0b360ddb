// SPDX-License-Identifier: GPL-2.0-or-later
// Nodes as they are shown in tables.
#include "session/session.h"

void node_type_text(struct session *s, uint32_t id, struct strbuf *out)
{
	struct heap *h = &s->heap;

	if (id >= h->node_n)
		root_name(heap_reader(h), &h->runtime, &h->roots.all.data[id - h->node_n], out);
	else
		strbuf_puts(out, heap_node_type(h, id)->name);
}

void node_repr_text(struct session *s, uint32_t id, struct strbuf *out)
{
	if (id < s->heap.node_n)
		py_repr(heap_reader(&s->heap), s->heap.node_addr[id], out);
}

addr_t node_address(const struct session *s, uint32_t id)
{
	const struct heap *h = &s->heap;

	return id < h->node_n ? h->node_addr[id] : h->roots.all.data[id - h->node_n].addr;
}

void table_set_text(struct table *t, uint64_t row, uint64_t column, struct session *s, uint32_t id,
		    void (*fill)(struct session *s, uint32_t id, struct strbuf *out))
{
	struct strbuf text = {0};

	fill(s, id, &text);
	if (text.failed)
		t->failed = true;
	else
		table_set_str(t, row, column, text.data ? text.data : "");
	strbuf_done(&text);
}
