// SPDX-License-Identifier: GPL-2.0-or-later
// Reprs of built-in types that are rows of members.def: only of themselves, as a class derived from
// one may have a __repr__ of its own.
#include "py/families.h"

// The pointer in the member that members.def labels so; false when the type has none.
static bool member_value(const struct py_object *o, const char *label, addr_t *ret)
{
	for (uint32_t i = 0; i < o->type->member_n; i++) {
		const struct py_member *m = &o->type->members[i];

		if (m->source == SOURCE_TABLE && m->off + 8 <= o->n &&
		    strcmp(m->label, label) == 0) {
			*ret = load_u64(o->p + m->off);
			return true;
		}
	}
	return false;
}

static bool three_members(const struct py_object *o, addr_t *ret)
{
	return member_value(o, ".start", ret) && member_value(o, ".stop", ret + 1) &&
	       member_value(o, ".step", ret + 2);
}

static void add_three(struct py_reader *r, const char *name, const addr_t *item, unsigned n,
		      struct strbuf *out)
{
	strbuf_printf(out, "%s(", name);
	for (unsigned i = 0; i < n; i++) {
		strbuf_puts(out, i ? ", " : "");
		py_repr(r, item[i], out);
	}
	strbuf_putc(out, ')');
}

// A step of 1 goes without saying; with --redact nothing of it is said.
static bool repr_range(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	addr_t item[3];
	int64_t step;

	if (!three_members(o, item))
		return false;
	add_three(r, "range", item,
		  !r->py->redact && int_value(r, item[2], &step) && step == 1 ? 2 : 3, out);
	return true;
}

static bool repr_slice(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	addr_t item[3];

	if (!three_members(o, item))
		return false;
	add_three(r, "slice", item, 3, out);
	return true;
}

static bool repr_defaultdict(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	addr_t factory;

	if (o->type->family != &family_dict || !member_value(o, ".default_factory", &factory))
		return false;
	strbuf_puts(out, "defaultdict(");
	if (factory)
		py_repr(r, factory, out);
	else
		strbuf_puts(out, "None");
	strbuf_puts(out, ", ");
	family_dict.repr(r, o, out);
	strbuf_putc(out, ')');
	return true;
}

static bool repr_mappingproxy(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const bool is_old = layout_has(r->layout, F_INT27_IVAL);
	addr_t mapping;

	if (!member_value(o, " mapping", &mapping))
		return false;
	strbuf_puts(out, is_old ? "dict_proxy(" : "mappingproxy(");
	py_repr(r, mapping, out);
	strbuf_putc(out, ')');
	return true;
}

// -- types.SimpleNamespace

#define ATTRS_MAX 32u

// Sorted where the version does so: which of more than these come first is not known then.
static uint64_t take_attributes(struct py_reader *r, addr_t dict, struct dict_item *ret,
				struct strbuf *names, bool *ret_more)
{
	const bool sorted = r->layout->facts[FACT_NAMESPACE_SORTED];
	const uint64_t most = sorted ? ATTRS_MAX : u64_min(r->repr.pairs, ATTRS_MAX);
	struct dict_iter it;
	struct dict_item item;
	uint64_t n = 0;

	*ret_more = !dict_iter_init_at(&it, r, dict) || it.n > LIM_NAMESPACE;
	while (!*ret_more && dict_iter_next(&it, &item)) {
		struct strbuf name = {0};
		uint64_t i = n;

		if (n == most || !text_append(r, item.key, LIM_NAME_BYTES, &name, NULL) ||
		    name.failed || !name.n) {
			strbuf_done(&name);
			*ret_more = true;
			break;
		}
		for (; sorted && i && strcmp(name.data, names[i - 1].data) < 0; i--) {
			names[i] = names[i - 1];
			ret[i] = ret[i - 1];
		}
		names[i] = name;
		ret[i] = item;
		n++;
	}
	return n;
}

static bool repr_namespace(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	struct dict_item item[ATTRS_MAX];
	struct strbuf name[ATTRS_MAX];
	uint64_t n, shown;
	bool more;
	addr_t dict;

	if (!member_value(o, ".__dict__", &dict) || !dict)
		return false;
	n = take_attributes(r, dict, item, name, &more);
	shown = u64_min(n, r->repr.pairs);
	strbuf_puts(out, "namespace(");
	for (uint64_t i = 0; i < shown; i++) {
		strbuf_printf(out, "%s%s=", i ? ", " : "", name[i].data);
		py_repr(r, item[i].value, out);
	}
	if (more || n > shown)
		strbuf_puts(out, shown ? ", …" : "…");
	strbuf_putc(out, ')');
	for (uint64_t i = 0; i < n; i++)
		strbuf_done(&name[i]);
	return true;
}

static const struct {
	const char *types;
	bool (*repr)(struct py_reader *r, const struct py_object *o, struct strbuf *out);
} reprs[] = {
	{"range", repr_range},
	{"slice", repr_slice},
	{"collections.defaultdict", repr_defaultdict},
	{"mappingproxy|dictproxy", repr_mappingproxy},
	{"types.SimpleNamespace|sys._namespace", repr_namespace},
};

bool repr_builtin(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	if (o->type->flags & TYPE_PYTHON || (o->type->family && o->type->family != &family_dict))
		return false;
	for (unsigned i = 0; i < sizeof(reprs) / sizeof(*reprs); i++)
		if (name_in_list(o->type->name, reprs[i].types))
			return reprs[i].repr(r, o, out);
	return false;
}
