// SPDX-License-Identifier: GPL-2.0-or-later
// Names of static types, where their text is not here.
#include "runtime/search.h"

#include "py/type_shape.h"

// Types of objects that every interpreter has.
static void name_types_of_builtins(const struct runtime *rt, struct py_reader *r)
{
	static const struct {
		const char *object, *attribute, *type;
	} known[] = {
		{"None", NULL, "NoneType"},
		{"NotImplemented", NULL, "NotImplementedType"},
		{"Ellipsis", NULL, "ellipsis"},
		{"str", "join", "method_descriptor"},
		{"dict", "fromkeys", "classmethod_descriptor"},
		{"object", "__init__", "wrapper_descriptor"},
		{"type", "__dict__", "getset_descriptor"},
		{"type", "__basicsize__", "member_descriptor"},
		{"len", NULL, "builtin_function_or_method"},
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		addr_t object = search_builtin(r, rt, known[i].object);

		if (object && known[i].attribute)
			object = dict_lookup(r, type_dict(r, object), known[i].attribute);
		if (object)
			type_alias_add(r, "builtins", known[i].type,
				       search_field(r, object, F_OB_TYPE));
	}
}

static bool is_file_missing(const struct target *t)
{
	for (uint64_t i = 0; i < t->modules.n; i++)
		if (!t->modules.data[i].file)
			return true;
	return false;
}

void search_type_names(const struct runtime *rt, struct py_reader *r)
{
	const addr_t modules = dict_lookup(r, rt->interpreters.data[0].sysdict, "modules");
	const struct damage before = r->damage; // whatever is wrong is met again
	struct strbuf name = {0};
	struct dict_iter it;
	struct dict_item item;

	if (!is_file_missing(rt->target) || !dict_iter_init_at(&it, r, modules))
		return;
	name_types_of_builtins(rt, r);
	it.n = u64_min(it.n, LIM_NAMESPACE);
	while (dict_iter_next(&it, &item)) {
		const char *module;

		name.n = 0;
		if (!text_append(r, item.key, LIM_NAME_BYTES, &name, NULL) || name.failed)
			continue;
		module = arena_strndup(&r->py->arena, name.data, name.n);
		if (module)
			type_aliases_add(r, module, search_field(r, item.value, F_MD_DICT));
	}
	strbuf_done(&name);
	r->damage = before;
}
