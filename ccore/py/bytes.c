// SPDX-License-Identifier: GPL-2.0-or-later
// bytes and bytearray; 2.7's str is in str.c.
#include "py/families.h"
#include "py/literal.h"
#include "py/redact.h"

bool bytes_append(struct py_reader *r, const struct py_object *o, uint64_t max, struct strbuf *out,
		  bool *ret_cut)
{
	const uint64_t n = py_var_size(r, o), shown = u64_min(n, max);
	uint8_t buf[1024];

	*ret_cut = n > max;
	for (uint64_t first = 0; first < shown;) {
		const uint64_t part = u64_min(shown - first, sizeof(buf));

		if (mem_read(r->py->mem, o->addr + layout_off(r->layout, F_BYTES_SVAL) + first, buf,
			     part) < 0)
			return false;
		for (uint64_t i = 0; i < part; i++)
			strbuf_printf(out, buf[i] >= 0x20 && buf[i] < 0x7f ? "%c" : "\\x%02x",
				      buf[i]);
		first += part;
	}
	return true;
}

static void repr_bytes(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint64_t all = py_var_size(r, o);
	const uint64_t n = u64_min(all, u64_min(r->repr.chars, LITERAL_CHARS));
	uint8_t raw[LITERAL_CHARS];
	uint32_t c[LITERAL_CHARS];

	if (r->py->redact) {
		if (!redact_str(r, o->addr, out))
			strbuf_printf(out, "<%s ?>", o->type->name);
		return;
	}
	strbuf_putc(out, 'b');
	if (mem_read(r->py->mem, o->addr + layout_off(r->layout, F_BYTES_SVAL), raw, n) < 0) {
		strbuf_puts(out, "'?'");
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		c[i] = raw[i];
	literal_text(c, n, true, all > n ? "…" : "", out);
}

const struct py_family family_bytes = {
	.types = "bytes",
	.needs = F_BYTES_SVAL,
	.repr = repr_bytes,
};

static uint64_t size_bytearray(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	uint64_t alloc;

	if (!layout_has(l, F_BYTEARRAY_ALLOC))
		return o->type->basicsize;
	alloc = (uint64_t)field_i64(l, F_BYTEARRAY_ALLOC, o->p);
	if (alloc && layout_has(l, F_BYTEARRAY_OBJECT))
		alloc += layout_off(l, F_BYTES_SVAL) + 1; // an empty bytes object
	return o->type->basicsize + alloc;
}

static void repr_bytearray(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint64_t all = py_var_size(r, o);
	const uint64_t n = u64_min(all, u64_min(r->repr.chars, LITERAL_CHARS));
	const bool is_old = !layout_has(r->layout, F_BYTEARRAY_OBJECT);
	uint8_t raw[LITERAL_CHARS];
	uint32_t c[LITERAL_CHARS];
	struct strbuf text = {0};

	// What there is between the brackets of a derived class is its own matter.
	if (r->py->redact || o->type->flags & TYPE_PYTHON ||
	    !layout_has(r->layout, F_BYTEARRAY_START) ||
	    (n && mem_read(r->py->mem, object_u64(r, o, F_BYTEARRAY_START), raw, n) < 0)) {
		strbuf_puts(out, "bytearray of ");
		strbuf_add_size(out, all);
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		c[i] = raw[i];
	literal_text(c, n, true, all > n ? "…" : "", &text);
	strbuf_puts(out, "bytearray(b");
	// Where it has no bytes object to ask it escapes ' also between double quotes.
	for (uint64_t i = 0; !text.failed && i < text.n; i++) {
		strbuf_puts(out, text.data[i] == '\'' && text.data[0] == '"' && is_old ? "\\" : "");
		strbuf_putc(out, text.data[i]);
	}
	strbuf_putc(out, ')');
	strbuf_done(&text);
}

const struct py_family family_bytearray = {
	.types = "bytearray",
	.reads = S_PyByteArrayObject,
	.size = size_bytearray,
	.repr = repr_bytearray,
};
