// SPDX-License-Identifier: GPL-2.0-or-later
// Families whose references are rows of members.def and that need little but a good repr:
// modules, functions, methods, exceptions, weak references, 2.7's classes.
#include "py/exception.h"

// "<what name>", where `name` is a str object.
static void repr_named(struct py_reader *r, const char *what, addr_t name, struct strbuf *out)
{
	strbuf_printf(out, "<%s ", what);
	if (!text_append(r, name, LIM_NAME_BYTES, out, NULL))
		strbuf_puts(out, "?");
	strbuf_putc(out, '>');
}

// __name__ of its dict, else the name it was made with.
static bool module_name(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const addr_t name = dict_lookup(r, object_u64(r, o, F_MD_DICT), "__name__");

	if (name && text_append(r, name, LIM_NAME_BYTES, out, NULL))
		return true;
	return layout_has(r->layout, F_MD_NAME) &&
	       text_append(r, object_u64(r, o, F_MD_NAME), LIM_NAME_BYTES, out, NULL);
}

static void repr_module(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	strbuf_puts(out, "<module ");
	if (!module_name(r, o, out))
		strbuf_puts(out, "?");
	strbuf_putc(out, '>');
}

// Bytes of its state.
static bool module_state_size(struct py_reader *r, const struct py_object *o, uint64_t *ret)
{
	const struct layout *l = r->layout;
	addr_t def;

	if (layout_has(l, F_MD_STATE_SIZE)) {
		*ret = object_u64(r, o, F_MD_STATE_SIZE);
		return true;
	}
	if (!layout_has(l, F_MD_DEF) || !layout_has(l, F_MDEF_SIZE))
		return false;
	def = object_u64(r, o, F_MD_DEF);
	return def && mem_read_u64(r->py->mem, def + layout_off(l, F_MDEF_SIZE), ret) == 0;
}

bool module_state(struct py_reader *r, const struct py_object *o, addr_t *ret, uint64_t *ret_size)
{
	const addr_t state = layout_has(r->layout, F_MD_STATE) ? object_u64(r, o, F_MD_STATE) : 0;

	if (!state || !module_state_size(r, o, ret_size) ||
	    *ret_size > LIM_MODULE_STATE_BYTES) // also -1: a module that has no state
		return false;
	*ret = state;
	return true;
}

// The state of an extension module: a block whose words only the module's own m_traverse knows.
static void visit_module_state(struct py_reader *r, const struct py_object *o)
{
	addr_t state;
	uint64_t size;

	if (module_state(r, o, &state, &size))
		visit_guesses(r, state, size);
}

const struct py_family family_module = {
	.types = "module",
	.visit = visit_module_state,
	.reads = S_PyModuleObject,
	.repr = repr_module,
};

static void repr_function(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const enum field_id name =
		layout_has(r->layout, F_FUNC_QUALNAME) ? F_FUNC_QUALNAME : F_FUNC_NAME;

	repr_named(r, "function", object_u64(r, o, name), out);
}

const struct py_family family_function = {
	.types = "function",
	.reads = S_PyFunctionObject,
	.repr = repr_function,
};

static void repr_cfunction(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const addr_t def = object_u64(r, o, F_M_ML);
	char name[LIM_NAME_BYTES] = "?";
	addr_t name_at;

	if (mem_read_u64(r->py->mem, def + layout_off(r->layout, F_ML_NAME), &name_at) == 0 &&
	    mem_read_cstr(r->py->mem, name_at, name, sizeof(name)) < 0)
		memcpy(name, "?", 2);
	strbuf_puts(out, "<built-in ");
	strbuf_add_printable(out, name, strlen(name));
	strbuf_putc(out, '>');
}

const struct py_family family_cfunction = {
	.types = "builtin_function_or_method",
	.reads = S_PyCFunctionObject,
	.repr = repr_cfunction,
};

static void repr_method(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const addr_t self = object_u64(r, o, F_IM_SELF);

	strbuf_puts(out, "<method ");
	py_repr(r, object_u64(r, o, F_IM_FUNC), out);
	if (self) {
		strbuf_puts(out, " of ");
		py_repr(r, self, out);
	}
	strbuf_putc(out, '>');
}

const struct py_family family_method = {
	.types = "method|instancemethod",
	.reads = S_PyMethodObject,
	.repr = repr_method,
};

// Type(args), as CPython shows it.
static void repr_exception(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const char *dot = strrchr(o->type->name, '.');
	struct py_object args;

	strbuf_puts(out, dot ? dot + 1 : o->type->name);
	if (py_object_open(r, object_u64(r, o, F_EXC_ARGS), &args) &&
	    args.type->family == &family_tuple)
		repr_items(r, args.addr + layout_off(r->layout, F_TUPLE_ITEM),
			   py_var_size(r, &args), "(", ")", out);
	else
		strbuf_puts(out, "()");
}

const struct py_family family_exception = {
	.types = "BaseException|exceptions.BaseException",
	.reads = S_PyBaseExceptionObject,
	.repr = repr_exception,
};

static void repr_weakref(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const addr_t to = object_u64(r, o, F_WR_OBJECT);

	strbuf_puts(out, "<weakref to ");
	if (to && to != r->py->none)
		py_repr(r, to, out);
	else
		strbuf_puts(out, "nothing any more");
	strbuf_putc(out, '>');
}

const struct py_family family_weakref = {
	.types = "weakref|weakproxy|weakcallableproxy|weakref.ReferenceType|weakref.ProxyType|"
		 "weakref.CallableProxyType",
	.reads = S_PyWeakReference,
	.repr = repr_weakref,
};

static void repr_traceback(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	struct traceback_entry entry;

	strbuf_puts(out, "<traceback in ");
	if (traceback_read(r, o->addr, &entry) && entry.code)
		code_name(r, entry.code, out);
	else
		strbuf_puts(out, "?");
	if (entry.at.line > 0)
		strbuf_printf(out, " line %d", entry.at.line);
	strbuf_putc(out, '>');
}

const struct py_family family_traceback = {
	.types = "traceback",
	.reads = S_PyTracebackObject,
	.repr = repr_traceback,
};

static void repr_instance27(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	const struct py_type *named = py_counted_type(r, o->type, o->addr);

	strbuf_printf(out, "<%s instance>", named->name);
}

const struct py_family family_instance27 = {
	.types = "instance",
	.needs = F_IN_CLASS,
	.repr = repr_instance27,
};

static void repr_class27(struct py_reader *r, const struct py_object *o, struct strbuf *out)
{
	repr_named(r, "class", object_u64(r, o, F_CL_NAME), out);
}

const struct py_family family_class27 = {
	.types = "classobj",
	.reads = S_PyClassObject,
	.needs = F_CL_NAME,
	.repr = repr_class27,
};
