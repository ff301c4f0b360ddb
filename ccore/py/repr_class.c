// SPDX-License-Identifier: GPL-2.0-or-later
// Reprs of Python classes whose __repr__ the standard library has written: of named tuples, enums
// and Counter. Where it is another function, nothing is pretended.
#include "py/attribute.h"
#include "py/exception.h"
#include "py/families.h"

#define MRO_MAX 64u // classes that are looked through

// Class `i` of `type`'s __mro__, or 0 behind the last.
static addr_t class_in_order(struct py_reader *r, const struct py_type *type, uint64_t i)
{
	struct py_object o;

	if (!py_object_open(r, type->addr, &o) || o.n < r->layout->struct_size[S_PyTypeObject])
		return 0;
	return sequence_item(r, object_u64(r, &o, F_TP_MRO), i, NULL);
}

// The attribute in the dict of the first class of `type`'s that has it, and that class.
static addr_t find_in_classes(struct py_reader *r, const struct py_type *type, const char *name,
			      addr_t *ret_class)
{
	addr_t found = 0;

	for (uint64_t i = 0; i < MRO_MAX && !found; i++) {
		*ret_class = class_in_order(r, type, i);
		if (!*ret_class)
			break;
		found = dict_lookup(r, type_dict(r, *ret_class), name);
	}
	return found;
}

static bool add_class_name(struct py_reader *r, addr_t type, struct strbuf *out)
{
	const addr_t name = py_read_ptr(r, type + layout_off(r->layout, F_HT_NAME), type);

	return name && text_append(r, name, LIM_NAME_BYTES, out, NULL);
}

// -- named tuples

/*
 * The __repr__ that namedtuple() makes has the globals of the _asdict() that it makes, which even
 * typing.NamedTuple lets no one replace.
 */
static bool is_namedtuples(struct py_reader *r, addr_t function, addr_t cls)
{
	const addr_t other = dict_lookup(r, type_dict(r, cls), "_asdict");
	const struct py_type *type = py_type_of(r, function);
	const addr_t globals = other ? instance_attribute(r, other, "__globals__") : 0;

	return globals && type && type->family == &family_function &&
	       instance_attribute(r, function, "__globals__") == globals;
}

static bool repr_namedtuple(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const bool is_old = layout_has(r->layout, F_INT27_IVAL);
	const uint64_t n = py_var_size(r, o);
	const uint64_t shown = u64_min(n, r->repr.items);
	addr_t cls = 0, fields;
	const addr_t function = find_in_classes(r, o->type, "__repr__", &cls);

	if (!function || !(fields = dict_lookup(r, type_dict(r, cls), "_fields")) ||
	    tuple_length(r, fields) != n || !is_namedtuples(r, function, cls))
		return false;
	// 2.7 has written the name into the function.
	if (!add_class_name(r, is_old ? cls : o->type->addr, out))
		return false;
	strbuf_putc(out, '(');
	for (uint64_t i = 0; i < shown; i++) {
		strbuf_puts(out, i ? ", " : "");
		if (!text_append(r, sequence_item(r, fields, i, NULL), LIM_NAME_BYTES, out, NULL))
			strbuf_putc(out, '?');
		strbuf_putc(out, '=');
		py_repr(r, sequence_item(r, o->addr, i, NULL), out);
	}
	strbuf_puts(out, n > shown ? ", …)" : ")");
	return true;
}

// -- enums

static bool is_enum(struct py_reader *r, const struct py_type *type)
{
	const struct py_type *meta = py_type_of(r, type->addr);

	for (unsigned i = 0; meta && i < MRO_MAX; i++, meta = meta->base)
		if (name_in_list(meta->name, "enum.EnumMeta|enum.EnumType"))
			return true;
	return false;
}

// Whether `function` is the __repr__ of enum.Enum or enum.Flag: classes have it from them, or as
// an attribute of their own.
static bool is_enums(struct py_reader *r, const struct py_type *type, addr_t function)
{
	addr_t cls;

	for (uint64_t i = 0; i < MRO_MAX && (cls = class_in_order(r, type, i)); i++) {
		const struct py_type *one = py_type_get(r, cls);

		if (one && name_in_list(one->name, "enum.Enum|enum.Flag") &&
		    dict_lookup(r, type_dict(r, cls), "__repr__") == function)
			return true;
	}
	return false;
}

// From 3.11 on members may show their value by a function of another class.
static bool value_has_own_repr(struct py_reader *r, const struct py_type *type)
{
	addr_t cls;
	const addr_t function = find_in_classes(r, type, "_value_repr_", &cls);
	const struct py_type *kind = function ? py_type_of(r, function) : NULL;

	return kind && kind->family == &family_function;
}

// "<Color.RED: 1>". The name tells the value, so there is none of this with --redact.
static bool repr_enum(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	struct strbuf name = {0};
	bool known = false;
	addr_t cls = 0, value;
	const addr_t function = find_in_classes(r, o->type, "__repr__", &cls);

	if (r->py->redact || !function || !is_enums(r, o->type, function) ||
	    value_has_own_repr(r, o->type))
		return false;
	value = instance_attribute(r, o->addr, "_value_");
	// A combination of flags may have no name.
	if (value && add_class_name(r, o->type->addr, &name)) {
		strbuf_putc(&name, '.');
		known = text_append(r, instance_attribute(r, o->addr, "_name_"), LIM_NAME_BYTES,
				    &name, NULL) &&
			!name.failed;
	}
	if (known) {
		strbuf_printf(out, "<%s: ", name.data);
		py_repr(r, value, out);
		strbuf_putc(out, '>');
	}
	strbuf_done(&name);
	return known;
}

// -- Counter

#define COUNTS_MAX 32u

struct count {
	struct dict_item item;
	int64_t n;
};

// The first in the order of most_common(), at most `most`; false when they are not all ints.
static bool most_common(struct py_reader *r, const struct py_object *o, uint64_t most,
			struct count *ret, uint64_t *ret_n)
{
	struct dict_iter it;
	struct count c;

	*ret_n = 0;
	if (!dict_iter_init(&it, r, o) || it.n > LIM_NAMESPACE)
		return false;
	while (dict_iter_next(&it, &c.item)) {
		uint64_t i = *ret_n;

		if (!int_value(r, c.item.value, &c.n))
			return false;
		if (i == most && c.n <= ret[i - 1].n)
			continue;
		if (i < most)
			++*ret_n;
		else
			i--;
		for (; i && ret[i - 1].n < c.n; i--)
			ret[i] = ret[i - 1];
		ret[i] = c;
	}
	return true;
}

// What is most common tells of values, so with --redact it is not told.
static bool repr_counter(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const uint64_t used = object_u64(r, o, F_MA_USED);
	const uint64_t most = u64_min(r->repr.pairs, COUNTS_MAX);
	struct count c[COUNTS_MAX];
	uint64_t n;

	if (r->py->redact || !most || !most_common(r, o, most, c, &n))
		return false;
	strbuf_puts(out, used ? "Counter({" : "Counter(");
	for (uint64_t i = 0; i < n; i++) {
		strbuf_puts(out, i ? ", " : "");
		py_repr(r, c[i].item.key, out);
		strbuf_puts(out, ": ");
		py_repr(r, c[i].item.value, out);
	}
	strbuf_puts(out, used > n ? n ? ", …" : "…" : "");
	strbuf_puts(out, used ? "})" : ")");
	return true;
}

bool repr_class(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	if (!(o->type->flags & TYPE_PYTHON))
		return false;
	if (o->type->family == &family_dict)
		return strcmp(o->type->name, "collections.Counter") == 0 && repr_counter(r, o, out);
	if (is_enum(r, o->type))
		return repr_enum(r, o, out);
	return o->type->family == &family_tuple && repr_namedtuple(r, o, out);
}
