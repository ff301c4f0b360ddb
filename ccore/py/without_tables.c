// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/without_tables.h"

#include "layout/companions.h"

static const struct {
	enum struct_id object;
	const char *types;
} tables[] = {
	{S_PyDictObject, "dict"},
	{S_PyListObject, "list"},
	{S_PyTupleObject, "tuple"},
	{S_PySetObject, "set"},
	{S_PyUnicodeObject, "str"},
	{S_PyBytesObject, "bytes"},
	{S_PyLongObject, "int"},
	{S_PyFloatObject, "float"},
	{S_PyCodeObject, "code"},
	{S_PyCellObject, "cell"},
	{S_PyFrameObject, "frame"},
	{S_PyGenObject, "generator"},
	{S_PyModuleObject, "module"},
	{S_PyFunctionObject, "function"},
	{S_PyCFunctionObject, "builtin_function_or_method"},
	{S_PyMethodObject, "method"},
	{S_PyWeakReference, "weakref"},
	{S_PyTracebackObject, "traceback"},
	{S_PyBaseExceptionObject, "BaseException"},
};

uint32_t without_tables(const struct layout *l, struct strbuf *out)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (layout_lacks(l, tables[i].object))
			strbuf_printf(out, "%s%s", n++ ? ", " : "", tables[i].types);
	return n;
}

bool without_class_names(const struct layout *l)
{
	return layout_lacks(l, S_PyDictObject) || layout_lacks(l, S_PyUnicodeObject);
}
