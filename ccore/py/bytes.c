// SPDX-License-Identifier: GPL-2.0-or-later
// bytes and bytearray; 2.7's str is in str.c.
#include "py/families.h"

static void repr_bytes(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint64_t n = py_var_size(r, o);
	uint8_t buf[32];
	const uint64_t shown = u64_min(n, sizeof(buf));

	strbuf_puts(out, "b'");
	if (r->py->redact)
		strbuf_puts(out, "…");
	else if (mem_read(r->py->mem, o->addr + layout_off(r->layout, F_BYTES_SVAL), buf, shown) <
		 0)
		strbuf_puts(out, "?");
	else
		for (uint64_t i = 0; i < shown; i++)
			strbuf_printf(out, buf[i] >= 0x20 && buf[i] < 0x7f ? "%c" : "\\x%02x",
				      buf[i]);
	strbuf_puts(out, n > shown && !r->py->redact ? "…'" : "'");
}

const struct py_family family_bytes = {
	.types = "bytes",
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
	strbuf_puts(out, "bytearray of ");
	strbuf_add_size(out, py_var_size(r, o));
}

const struct py_family family_bytearray = {
	.types = "bytearray",
	.reads = S_PyByteArrayObject,
	.size = size_bytearray,
	.repr = repr_bytearray,
};
