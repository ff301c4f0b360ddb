// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text: str of 3.x (PEP 393: 1, 2 or 4 bytes a character, in the object or beside it), and
 * str and unicode of 2.7.
 */
#include "py/families.h"
#include "py/literal.h"
#include "py/redact.h"

// Where the characters of a text object are.
struct text {
	addr_t data;
	uint64_t n;    // characters
	uint32_t unit; // bytes a character; 1 is Latin-1
};

static bool is_ready(const struct layout *l, const uint8_t *p)
{
	return !layout_has(l, F_STR_READY) || field_u64(l, F_STR_READY, p);
}

// `whole`: there is a PyUnicodeObject at p, else only a PyASCIIObject.
static bool locate_str(struct py_reader *r, addr_t addr, const uint8_t *p, bool whole,
		       struct text *ret)
{
	const struct layout *l = r->layout;

	if (!whole && (!is_ready(l, p) || !field_u64(l, F_STR_COMPACT, p)))
		return false;
	ret->n = field_u64(l, F_STR_LENGTH, p);
	ret->unit = (uint32_t)field_u64(l, F_STR_KIND, p);
	if (!is_ready(l, p)) { // only wchar_t text, made by old C interfaces
		ret->data = field_u64(l, F_STR_WSTR, p);
		ret->n = field_u64(l, F_STR_WSTR_LENGTH, p);
		ret->unit = 4;
	} else if (!field_u64(l, F_STR_COMPACT, p)) {
		ret->data = field_u64(l, F_STR_DATA, p);
	} else {
		ret->data = addr +
			    l->struct_size[field_u64(l, F_STR_ASCII, p) ? S_PyASCIIObject
									: S_PyCompactUnicodeObject];
	}
	return ret->unit == 1 || ret->unit == 2 || ret->unit == 4;
}

static bool locate_unicode27(struct py_reader *r, const uint8_t *p, struct text *ret)
{
	ret->data = field_u64(r->layout, F_UNICODE27_STR, p);
	ret->n = field_u64(r->layout, F_UNICODE27_LENGTH, p);
	ret->unit = r->layout->symbols[SYM_UNICODE27_UCS4] ? 4 : 2;
	return true;
}

static bool locate_bytes(struct py_reader *r, addr_t addr, const uint8_t *p, struct text *ret)
{
	ret->data = addr + layout_off(r->layout, F_BYTES_SVAL);
	ret->n = field_u64(r->layout, F_OB_SIZE, p);
	ret->unit = 1;
	return true;
}

// Asks the type's flags, not struct py_type: names of types are read before those exist.
static bool locate_text(struct py_reader *r, addr_t addr, struct text *ret)
{
	const struct layout *l = r->layout;
	const uint32_t size = l->struct_size[S_PyUnicodeObject];
	uint8_t scratch[256], flags_scratch[8];
	const uint8_t *flags, *p;
	bool is_unicode, whole, ok;
	uint32_t least;

	// Strings of the ASCII kind are shorter than PyUnicodeObject; more is read if it is there.
	if (!addr || addr % 8 || !size || size > sizeof(scratch))
		return false;
	p = py_get(r, addr, size, scratch);
	whole = p != NULL;
	least = l->struct_size[layout_has(l, F_STR_LENGTH) ? S_PyASCIIObject : S_PyBytesObject];
	if (!p && least)
		p = py_get(r, addr, least, scratch);
	if (!p)
		return false;
	flags = py_get(r, field_u64(l, F_OB_TYPE, p) + layout_off(l, F_TP_FLAGS), 8, flags_scratch);
	if (!flags)
		return false;
	is_unicode = load_u64(flags) >> TPFLAG_UNICODE & 1;
	if (is_unicode && layout_has(l, F_STR_LENGTH))
		ok = locate_str(r, addr, p, whole, ret);
	else if (is_unicode && layout_has(l, F_UNICODE27_LENGTH))
		ok = whole && locate_unicode27(r, p, ret);
	else if (layout_has(l, F_UNICODE27_LENGTH) && layout_has(l, F_BYTES_SVAL) &&
		 load_u64(flags) >> TPFLAG_BYTES & 1)
		ok = locate_bytes(r, addr, p, ret);
	else
		return false;
	return ok && ret->n < LIM_CONTAINER;
}

static uint32_t load_unit(const uint8_t *p, uint32_t unit)
{
	uint32_t c = 0;

	memcpy(&c, p, unit);
	return c;
}

static void append_character(uint32_t c, struct strbuf *out)
{
	if (c == '\n' || c == '\t' || c == '\r')
		strbuf_puts(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
	else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000))
		strbuf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
	else
		strbuf_add_utf8(out, c);
}

bool text_append(struct py_reader *r, addr_t addr, uint64_t max, struct strbuf *out, bool *ret_cut)
{
	uint8_t buf[LIM_NAME_BYTES * 4];
	struct text t;

	if (!locate_text(r, addr, &t))
		return false;
	if (ret_cut)
		*ret_cut = t.n > max;
	max = u64_min(max, t.n);
	for (uint64_t first = 0; first < max;) {
		const uint64_t n = u64_min(max - first, LIM_NAME_BYTES);

		if (mem_read(r->py->mem, t.data + first * t.unit, buf, n * t.unit) < 0)
			return false;
		for (uint64_t i = 0; i < n; i++)
			append_character(load_unit(buf + i * t.unit, t.unit), out);
		first += n;
	}
	return true;
}

bool text_is(struct py_reader *r, addr_t addr, const char *utf8)
{
	const uint64_t n = strlen(utf8);
	struct strbuf text = {0};
	struct text t;
	bool is = locate_text(r, addr, &t) && t.n <= n;

	for (uint64_t i = 0; is && i < t.n; i++) {
		uint8_t unit[4];

		is = mem_read(r->py->mem, t.data + i * t.unit, unit, t.unit) == 0;
		if (is)
			strbuf_add_utf8(&text, load_unit(unit, t.unit));
	}
	is = is && !text.failed && text.n == n && (!n || memcmp(text.data, utf8, n) == 0);
	strbuf_done(&text);
	return is;
}

bool text_equals(struct py_reader *r, addr_t addr, const char *text)
{
	const uint64_t n = strlen(text);
	uint8_t scratch[256];
	const uint8_t *p;
	struct text t;

	if (!locate_text(r, addr, &t) || t.n != n || t.unit != 1 || n > sizeof(scratch))
		return false;
	p = py_get(r, t.data, n, scratch);
	return p && memcmp(p, text, n) == 0;
}

// -- the families

static bool shares(addr_t buffer, addr_t data)
{
	return !buffer || buffer == data;
}

// unicode_sizeof(): the object, the characters beside it, cached wchar_t and UTF-8 copies.
static uint64_t size_str(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	const bool compact = object_u64(r, o, F_STR_COMPACT), ascii = object_u64(r, o, F_STR_ASCII);
	uint8_t scratch[256];
	const uint32_t full = l->struct_size[S_PyUnicodeObject];
	const bool whole = !(compact && ascii && is_ready(l, o->p));
	const uint8_t *p = !whole		     ? o->p
			   : full <= sizeof(scratch) ? py_get(r, o->addr, full, scratch)
						     : NULL;
	const uint64_t n = object_u64(r, o, F_STR_LENGTH);
	struct text t;
	uint64_t size;

	// Most are of this kind.
	if (!whole && n < LIM_CONTAINER &&
	    (!layout_has(l, F_STR_WSTR) || !field_u64(l, F_STR_WSTR, p)))
		return l->struct_size[S_PyASCIIObject] + n + 1;
	if (!p || !locate_str(r, o->addr, p, whole, &t))
		return o->type->basicsize;
	size = compact ? l->struct_size[ascii ? S_PyASCIIObject : S_PyCompactUnicodeObject] : full;
	if (is_ready(l, p))
		size += (t.n + 1) * t.unit;
	if (layout_has(l, F_STR_WSTR) && field_u64(l, F_STR_WSTR, p) &&
	    (!is_ready(l, p) || field_u64(l, F_STR_WSTR, p) != t.data))
		size += 4 * (1 + (!whole ? t.n : field_u64(l, F_STR_WSTR_LENGTH, p)));
	if (whole && !shares(field_u64(l, F_STR_UTF8, p), t.data))
		size += field_u64(l, F_STR_UTF8_LENGTH, p) + 1;
	return size;
}

static void repr_quoted(struct py_reader *r, const struct py_object *o, const char *prefix,
			struct strbuf *out)
{
	const uint64_t max = u64_min(r->repr.chars, LITERAL_CHARS);
	uint8_t raw[LITERAL_CHARS * 4];
	uint32_t c[LITERAL_CHARS];
	struct text t;
	uint64_t n;

	if (r->py->redact) {
		if (!redact_str(r, o->addr, out))
			strbuf_printf(out, "<%s ?>", o->type->name);
		return;
	}
	strbuf_puts(out, prefix);
	if (!locate_text(r, o->addr, &t) ||
	    mem_read(r->py->mem, t.data, raw, u64_min(t.n, max) * t.unit) < 0) {
		strbuf_puts(out, "'?'");
		return;
	}
	n = u64_min(t.n, max);
	for (uint64_t i = 0; i < n; i++)
		c[i] = load_unit(raw + i * t.unit, t.unit);
	literal_text(c, n, !layout_has(r->layout, F_STR_LENGTH), t.n > n ? "…" : "", out);
}

static void repr_str(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	repr_quoted(r, o, "", out);
}

// Subclasses have a larger basicsize, but string_sizeof() does not ask for it.
static uint64_t size_str27(struct py_reader *r, const struct py_object *o)
{
	return layout_off(r->layout, F_BYTES_SVAL) + 1 + py_var_size(r, o);
}

static void repr_unicode27(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	repr_quoted(r, o, "u", out);
}

static void visit_unicode27(struct py_reader *r, const struct py_object *o)
{
	edge_emit_text(&r->edges, object_u64(r, o, F_UNICODE27_DEFENC), EDGE_OWN, " encoded");
}

static uint64_t size_unicode27(struct py_reader *r, const struct py_object *o)
{
	const uint64_t unit = r->layout->symbols[SYM_UNICODE27_UCS4] ? 4 : 2;

	return r->layout->struct_size[S_PyUnicodeObject] +
	       unit * (object_u64(r, o, F_UNICODE27_LENGTH) + 1);
}

// The name "str" means bytes in 2.7: family_of() in type.c tells them apart.
const struct py_family family_str = {
	.types = "str",
	.reads = S_PyASCIIObject,
	.needs = F_STR_LENGTH,
	.size = size_str,
	.repr = repr_str,
};

const struct py_family family_str27 = {
	.types = "",
	.size = size_str27,
	.repr = repr_str,
};

const struct py_family family_unicode27 = {
	.types = "unicode",
	.reads = S_PyUnicodeObject,
	.needs = F_UNICODE27_STR,
	.visit = visit_unicode27,
	.size = size_unicode27,
	.repr = repr_unicode27,
};
