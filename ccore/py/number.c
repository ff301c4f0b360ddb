// SPDX-License-Identifier: GPL-2.0-or-later
// int, bool, float, None; 2.7's int and long.
#include "py/families.h"
#include "py/literal.h"
#include "py/redact.h"

#include <inttypes.h>

#define DIGIT_BITS 30u

// Sign and number of digits of an int of 3.x or a long of 2.7.
static void long_shape(struct py_reader *r, const uint8_t *p, bool *ret_negative, uint64_t *ret_n)
{
	const struct layout *l = r->layout;

	if (layout_has(l, F_LONG_TAG)) {
		const uint64_t tag = field_u64(l, F_LONG_TAG, p);

		*ret_negative = (tag & 3) == 2;
		*ret_n = tag >> 3;
	} else {
		const int64_t n = field_i64(l, F_OB_SIZE, p);

		*ret_negative = n < 0;
		*ret_n = i64_abs(n);
	}
}

bool int_value_at(struct py_reader *r, addr_t addr, uint64_t *ret)
{
	const struct layout *l = r->layout;
	const struct field *digit = &l->fields[F_LONG_DIGIT];
	const uint32_t size = digit->found ? digit->off + 4 : 0;
	uint8_t scratch[64];
	const uint8_t *p = size && size <= sizeof(scratch) ? py_get(r, addr, size, scratch) : NULL;
	bool negative;
	uint64_t n;

	if (!p)
		return false;
	if (layout_has(l, F_INT27_IVAL)) {
		*ret = field_u64(l, F_INT27_IVAL, p);
		return true;
	}
	long_shape(r, p, &negative, &n);
	if (negative || n > 1)
		return false;
	*ret = n ? load_u32(p + layout_off(l, F_LONG_DIGIT)) : 0;
	return true;
}

static bool long_value(struct py_reader *r, const struct py_object *o, int64_t *ret)
{
	uint8_t digits[12];
	uint64_t n, value = 0;
	bool negative;

	long_shape(r, o->p, &negative, &n);
	if (n > 3 || (n && mem_read(r->py->mem, o->addr + layout_off(r->layout, F_LONG_DIGIT),
				    digits, n * 4) < 0))
		return false;
	for (uint64_t i = n; i-- > 0;) {
		if (value >> (63 - DIGIT_BITS))
			return false;
		value = value << DIGIT_BITS | load_u32(digits + i * 4);
	}
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

bool int_value(struct py_reader *r, addr_t addr, int64_t *ret)
{
	struct py_object o;

	if (!py_object_open(r, addr, &o))
		return false;
	// 2.7's bool is an int.
	if (o.type->family == &family_int27 ||
	    (o.type->family == &family_bool && layout_has(r->layout, F_INT27_IVAL))) {
		*ret = field_i64(r->layout, F_INT27_IVAL, o.p);
		return true;
	}
	return (o.type->family == &family_int || o.type->family == &family_bool) &&
	       long_value(r, &o, ret);
}

bool int_from_bytes(struct py_reader *r, const uint8_t *p, uint64_t n, int64_t *ret)
{
	const struct py_type *type = py_type_get(r, load_u64(p + layout_off(r->layout, F_OB_TYPE)));
	uint64_t digits, value = 0;
	uint32_t off;
	bool negative;

	if (type && type->family == &family_int27) {
		*ret = field_i64(r->layout, F_INT27_IVAL, p);
		return true;
	}
	if (!type || type->family != &family_int)
		return false;
	off = layout_off(r->layout, F_LONG_DIGIT);
	if (off >= n)
		return false;
	long_shape(r, p, &negative, &digits);
	if (digits > 2 || digits * 4 > n - off)
		return false;
	for (uint64_t i = digits; i-- > 0;)
		value = value << DIGIT_BITS | load_u32(p + off + i * 4);
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static uint64_t size_int(struct py_reader *r, const struct py_object *o)
{
	const struct layout *l = r->layout;
	const uint64_t least = (uint64_t)l->facts[FACT_LONG_DIGITS_MIN];
	bool negative;
	uint64_t n;

	long_shape(r, o->p, &negative, &n);
	// 2.7 starts from the type's basicsize, 3.x from the struct's.
	return (layout_has(l, F_INT27_IVAL) ? o->type->basicsize : layout_off(l, F_LONG_DIGIT)) +
	       (n > least ? n : least) * 4;
}

// Its length is that of its digits in memory, of 4 bytes each.
static void redact_int(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint32_t off = layout_off(r->layout, F_LONG_DIGIT);
	uint8_t digits[LIM_REDACTED + 1];
	bool negative;
	uint64_t n, size;

	long_shape(r, o->p, &negative, &n);
	size = u64_min(n, LIM_REDACTED / 4) * 4;
	if (mem_read(r->py->mem, o->addr + off, digits, size) < 0)
		size = 0;
	digits[size] = negative;
	redact_value(r->py, o->type->name, n > UINT64_MAX / 4 ? UINT64_MAX : n * 4, digits,
		     size + 1, out);
}

#define DECIMALS 9u // that one word takes
#define DECIMAL_BASE 1000000000u
#define LONG_DIGITS_MAX (LITERAL_CHARS * 10 / 3 / DIGIT_BITS + 1)

// `n` digits of 30 bits in decimal; they are used up.
static void add_decimal(uint32_t *digits, uint64_t n, struct strbuf *out)
{
	uint32_t parts[LONG_DIGITS_MAX + 1]; // of more than 29 bits each
	uint64_t parts_n = 0;

	while (n && parts_n < sizeof(parts) / sizeof(*parts)) {
		uint64_t rest = 0;

		for (uint64_t i = n; i-- > 0;) {
			rest = rest << DIGIT_BITS | (digits[i] & ((1u << DIGIT_BITS) - 1));
			digits[i] = (uint32_t)(rest / DECIMAL_BASE);
			rest %= DECIMAL_BASE;
		}
		parts[parts_n++] = (uint32_t)rest;
		while (n && !digits[n - 1])
			n--;
	}
	for (uint64_t i = parts_n; i-- > 0;)
		strbuf_printf(out, "%0*u", i + 1 < parts_n ? (int)DECIMALS : 1, parts[i]);
}

// Of one that would be long, how long: its digits say less.
static void add_long(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const addr_t at = o->addr + layout_off(r->layout, F_LONG_DIGIT);
	uint32_t digits[LONG_DIGITS_MAX], top = 0;
	uint64_t n, bits;
	bool negative;

	long_shape(r, o->p, &negative, &n);
	bits = n * DIGIT_BITS;
	if (n && n < LIM_CONTAINER && mem_read(r->py->mem, at + (n - 1) * 4, &top, 4) == 0 && top &&
	    !(top >> DIGIT_BITS))
		bits -= (uint32_t)__builtin_clz(top) - (32 - DIGIT_BITS);
	if (n <= LONG_DIGITS_MAX && bits <= u64_min(r->repr.chars, LITERAL_CHARS) * 10 / 3 &&
	    mem_read(r->py->mem, at, digits, n * 4) == 0) {
		strbuf_puts(out, negative ? "-" : "");
		add_decimal(digits, n, out);
	} else {
		strbuf_printf(out, "%sint of %" PRIu64 " bits", negative ? "negative " : "", bits);
	}
}

static void repr_int(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	int64_t value;

	if (r->py->redact) {
		redact_int(r, o, out);
		return;
	}
	if (long_value(r, o, &value))
		strbuf_printf(out, "%" PRId64, value);
	else
		add_long(r, o, out);
	if (layout_has(r->layout, F_INT27_IVAL))
		strbuf_putc(out, 'L');
}

const struct py_family family_int = {
	.types = "int|long",
	.needs = F_LONG_DIGIT,
	.size = size_int,
	.repr = repr_int,
};

static void repr_bool(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	int64_t value = 0;
	const bool known = layout_has(r->layout, F_INT27_IVAL)
				   ? (value = field_i64(r->layout, F_INT27_IVAL, o->p), true)
				   : long_value(r, o, &value);

	if (r->py->redact)
		strbuf_puts(out, "<bool>"); // of two values a hash would tell which it is
	else
		strbuf_puts(out, !known ? "…" : value ? "True" : "False");
}

static uint64_t size_bool(struct py_reader *r, const struct py_object *o)
{
	return layout_has(r->layout, F_INT27_IVAL) ? o->type->basicsize : size_int(r, o);
}

const struct py_family family_bool = {
	.types = "bool",
	.needs = F_LONG_DIGIT,
	.size = size_bool,
	.repr = repr_bool,
};

static void repr_int27(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const int64_t value = field_i64(r->layout, F_INT27_IVAL, o->p);

	if (r->py->redact)
		redact_value(r->py, o->type->name, sizeof(value), &value, sizeof(value), out);
	else
		strbuf_printf(out, "%" PRId64, value);
}

const struct py_family family_int27 = {
	.types = "",
	.reads = S_PyIntObject,
	.repr = repr_int27,
};

static void repr_float(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint64_t bits = object_u64(r, o, F_FLOAT_FVAL);
	double value;

	memcpy(&value, &bits, sizeof(value));
	if (r->py->redact)
		redact_value(r->py, o->type->name, sizeof(bits), &bits, sizeof(bits), out);
	else
		literal_float(value, out);
}

const struct py_family family_float = {
	.types = "float",
	.reads = S_PyFloatObject,
	.repr = repr_float,
};

static void repr_none(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	(void)r; // the same for every None
	(void)o;
	strbuf_puts(out, "None");
}

const struct py_family family_none = {
	.types = "NoneType",
	.repr = repr_none,
};

static void repr_ellipsis(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	(void)r, (void)o; // there is one
	strbuf_puts(out, "Ellipsis");
}

const struct py_family family_ellipsis = {
	.types = "ellipsis",
	.repr = repr_ellipsis,
};

static void repr_not_implemented(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	(void)r, (void)o; // there is one
	strbuf_puts(out, "NotImplemented");
}

const struct py_family family_not_implemented = {
	.types = "NotImplementedType",
	.repr = repr_not_implemented,
};

// Both parts come where a float has its value.
static void repr_complex(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	uint64_t bits[2];
	double part[2];

	if (mem_read(r->py->mem, o->addr + layout_off(r->layout, F_FLOAT_FVAL), bits,
		     sizeof(bits)) < 0) {
		strbuf_puts(out, "<complex ?>");
		return;
	}
	memcpy(part, bits, sizeof(part));
	if (r->py->redact)
		redact_value(r->py, o->type->name, sizeof(bits), bits, sizeof(bits), out);
	else
		literal_complex(part[0], part[1], out);
}

const struct py_family family_complex = {
	.types = "complex",
	.reads = S_PyFloatObject,
	.repr = repr_complex,
};
