// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/families.h"

const char *edge_kind_name(enum edge_kind kind)
{
	static const char *const names[] = {
		[EDGE_VISIT] = "visit",	      [EDGE_OWN] = "own",     [EDGE_WEAK] = "weak",
		[EDGE_BORROWED] = "borrowed", [EDGE_GUESS] = "guess",
	};
	return names[kind];
}

const char *edge_source_name(enum edge_source source)
{
	static const char *const names[] = {
		[SOURCE_TABLE] = "table",
		[SOURCE_MEMBER] = "member",
		[SOURCE_EMULATED] = "emulated",
		[SOURCE_GUESS] = "guess",
	};
	return names[source];
}

// Keys of namespaces are names, and stay when values are redacted.
static void add_key(struct py_reader *r, const struct py_object *o, addr_t key, struct strbuf *out)
{
	uint32_t found;

	if (r->py->redact && hashmap_get(&r->py->namespaces, o->addr, &found)) {
		strbuf_puts(out, "['");
		if (!text_append(r, key, LIM_NAME_BYTES, out, NULL))
			strbuf_puts(out, "?");
		strbuf_puts(out, "']");
		return;
	}
	strbuf_putc(out, '[');
	py_repr(r, key, out);
	strbuf_putc(out, ']');
}

void py_edge_label(struct py_reader *r, const struct py_object *o, const struct edge *e,
		   struct strbuf *out)
{
	switch ((enum label_kind)e->label) {
	case LABEL_TEXT:
		strbuf_puts(out, (const char *)(uintptr_t)e->word);
		break;
	case LABEL_INDEX:
		strbuf_printf(out, "[%llu]", (unsigned long long)e->word);
		break;
	case LABEL_KEY:
		add_key(r, o, e->word, out);
		break;
	case LABEL_KEY_ITSELF:
		strbuf_puts(out, " key");
		break;
	case LABEL_ATTR_SLOT:
		strbuf_putc(out, '.');
		if (!text_append(r, dict_keys_name(r, o->type->cached_keys, e->word),
				 LIM_NAME_BYTES, out, NULL))
			strbuf_puts(out, "?");
		break;
	case LABEL_LOCAL:
		// Another type than when the edge was found: only a living target does that.
		if (o->type->family && o->type->family->label)
			o->type->family->label(r, o, e, out);
		break;
	case LABEL_ELEMENT:
		strbuf_puts(out, " element");
		break;
	case LABEL_OFFSET:
		strbuf_printf(out, " +0x%llx", (unsigned long long)e->word);
		break;
	}
}
