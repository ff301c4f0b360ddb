// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines of an export. Many millions of them are made, on several threads: no printf here.
 * Keys and their order are those of docs/formats.md.
 */
#include "render/render.h"

#include <string.h>

static void add_key(struct strbuf *out, const char *key)
{
	strbuf_puts(out, ", \"");
	strbuf_puts(out, key);
	strbuf_puts(out, "\": ");
}

static void add_number(struct strbuf *out, const char *key, uint64_t n)
{
	add_key(out, key);
	strbuf_add_u64(out, n);
}

static void add_addr(struct strbuf *out, uint64_t addr)
{
	strbuf_putc(out, '"');
	strbuf_add_addr(out, addr);
	strbuf_putc(out, '"');
}

static void add_links(struct strbuf *out, const char *key, const struct object_links *links)
{
	add_key(out, key);
	strbuf_putc(out, '[');
	for (uint64_t i = 0; i < links->to.n; i++) {
		if (i)
			strbuf_add(out, ", ", 2);
		add_addr(out, links->to.data[i]);
	}
	strbuf_putc(out, ']');
}

static void add_numbers(struct strbuf *out, const struct object_line *o)
{
	add_number(out, "size", o->size);
	if (o->estimated)
		strbuf_puts(out, ", \"estimated\": true");
	if (o->immortal)
		strbuf_puts(out, ", \"refcount\": null");
	else
		add_number(out, "refcount", o->refcount);
	strbuf_puts(out, o->gc ? ", \"gc\": true" : ", \"gc\": false");
	add_key(out, "found");
	strbuf_add_json(out, o->found);
}

void render_object_line(const struct object_line *o, struct strbuf *out)
{
	strbuf_puts(out, "{\"addr\": ");
	add_addr(out, o->addr);
	add_key(out, o->is_root ? "root" : "type");
	strbuf_add_json(out, o->type);
	if (!o->is_root)
		add_numbers(out, o);
	for (unsigned k = 0; k < SINK_KINDS; k++)
		// Few objects have borrowed references: they alone have the key.
		if (o->links[k].to.n || strcmp(o->kind_names[k], "borrowed") != 0)
			add_links(out, o->kind_names[k], &o->links[k]);
	strbuf_add(out, "}\n", 2);
}
