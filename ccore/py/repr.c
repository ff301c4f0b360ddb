// SPDX-License-Identifier: GPL-2.0-or-later
// Short reprs: bounded in length and in depth, whatever the target holds.
#include "py/families.h"

static bool too_deep(const struct py_reader *r, const struct strbuf *out)
{
	return r->repr_depth >= r->repr.depth || out->n >= r->repr_end;
}

void py_repr(struct py_reader *r, addr_t addr, struct strbuf *out)
{
	struct py_object o;

	if (r->repr_depth == 0)
		r->repr_end = out->n + r->repr.bytes;
	if (too_deep(r, out)) {
		strbuf_puts(out, "…");
		return;
	}
	if (!py_object_open(r, addr, &o)) {
		strbuf_printf(out, "<no object 0x%llx>", (unsigned long long)addr);
		return;
	}
	r->repr_depth++;
	if (repr_builtin(r, &o, out) || repr_class(r, &o, out))
		; // as repr() writes it
	else if (o.type->family && o.type->family->repr)
		o.type->family->repr(r, &o, out);
	else
		repr_instance(r, &o, out);
	r->repr_depth--;
}

void repr_items(struct py_reader *r, addr_t addr, uint64_t n, const char *open, const char *close,
		struct strbuf *out)
{
	const uint64_t shown = u64_min(n, r->repr.items);

	strbuf_puts(out, open);
	for (uint64_t i = 0; i < shown; i++) {
		addr_t item;

		strbuf_puts(out, i ? ", " : "");
		if (mem_read_u64(r->py->mem, addr + i * 8, &item) < 0 || !item)
			strbuf_puts(out, "?");
		else
			py_repr(r, item, out);
	}
	if (n > shown) {
		strbuf_puts(out, ", … ");
		strbuf_add_count(out, n);
		strbuf_puts(out, " in all");
	}
	strbuf_puts(out, close);
}
