// SPDX-License-Identifier: GPL-2.0-or-later
// Types by the names that users give them: full, last part, or a glob.
#include "session/session.h"
#include "util/near.h"
#include "util/parse.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>

bool type_name_matches(const char *name, const char *pattern)
{
	const char *dot = strrchr(name, '.');

	// A name may have characters of a glob in it.
	if (strcmp(name, pattern) == 0 || (dot && strcmp(dot + 1, pattern) == 0))
		return true;
	return strpbrk(pattern, "*?[") && fnmatch(pattern, name, 0) == 0;
}

// Offers types by full name, and by last part where that is what was mistyped.
static int no_such_type(struct session *s, const char *pattern, struct ccore_error *err)
{
	const struct py *py = &s->heap.py;
	struct near_names near = {.wanted = pattern};
	struct strbuf hint = {0};
	struct damage damage;
	int r;

	heap_damage(&s->heap, &damage);
	for (uint64_t i = 0; i < py->types.n; i++) {
		const char *name = py->types.data[i]->name;
		const char *dot = strrchr(name, '.');

		near_offer(&near, name);
		if (dot)
			near_offer(&near, dot + 1);
	}
	near_describe(&near, &hint);
	r = err_set(err, CCORE_ENOTFOUND, 0, "no type is called '%.100s'%s%s", pattern,
		    damage_any(&damage) ? ", of what could be read (`types` says what could not)"
					: "",
		    hint.failed || !hint.n ? "; the command types lists them" : hint.data);
	strbuf_done(&hint);
	return r;
}

// 1 when there is any such type among those that are known, else 0.
static int match_known(const struct py *py, const char *pattern, uint8_t **ret,
		       struct ccore_error *err)
{
	uint8_t *match = calloc(py->types.n + 1, 1);
	bool any = false;

	if (!match)
		return err_nomem(err);
	for (uint64_t i = 0; i < py->types.n; i++) {
		match[i] = type_name_matches(py->types.data[i]->name, pattern);
		any = any || match[i];
	}
	if (any)
		*ret = match;
	else
		free(match);
	return any;
}

// Types are known by their instances. Those that have none are objects themselves.
static int know_types_without_instances(struct session *s, struct ccore_error *err)
{
	struct heap *h = &s->heap;

	for (uint64_t id = 0; id < h->node_n; id++) {
		TRY(progress_poll(&s->progress, "reading classes", id, h->node_n, err));
		if (!(h->node_flags[id] & NODE_BAD) && heap_node_type(h, id)->flags & TYPE_IS_TYPE)
			(void)py_type_get(heap_reader(h),
					  h->node_addr[id]); // bad ones stay unknown
	}
	return 0;
}

int session_match_types(struct session *s, const char *pattern, uint8_t **ret,
			struct ccore_error *err)
{
	int found;

	TRY(heap_need_nodes(&s->heap, err));
	found = match_known(&s->heap.py, pattern, ret, err);
	if (found == 0) {
		TRY(know_types_without_instances(s, err));
		found = match_known(&s->heap.py, pattern, ret, err);
	}
	return found ? (found < 0 ? found : 0) : no_such_type(s, pattern, err);
}

int session_nodes_of_type(struct session *s, const char *pattern, bool gc_only,
			  struct node_list *ret, struct ccore_error *err)
{
	const struct heap *h = &s->heap;
	uint8_t *match = NULL;
	int r = 0;

	*ret = (struct node_list){0};
	TRY(session_match_types(s, pattern, &match, err));
	for (uint64_t id = 0; r == 0 && id < h->node_n; id++) {
		const uint8_t flags = h->node_flags[id];

		if (match[h->node_type[id]] && !(flags & NODE_BAD) &&
		    (!gc_only || flags & NODE_GC) && !vec_push(&ret->ids, (uint32_t)id))
			r = err_nomem(err);
	}
	free(match);
	if (r < 0)
		vec_done(&ret->ids);
	return r;
}

int session_named_nodes(struct session *s, const char *text, struct node_list *ret,
			struct ccore_error *err)
{
	uint32_t id;
	addr_t addr;

	if (!parse_addr(text, &addr)) {
		TRY(session_nodes_of_type(s, text, false, ret, err));
		return ret->ids.n ? 0
				  : err_set(err, CCORE_ENOTFOUND, 0,
					    "there is no object of type '%.100s'", text);
	}
	*ret = (struct node_list){0};
	TRY(session_node(s, text, &id, err));
	return vec_push(&ret->ids, id) ? 0 : err_nomem(err);
}

#define NAMED_MAX 5u

static bool is_among(const char *name, const char *const *names, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

int note_types(struct session *s, const char *pattern, struct ccore_result *r,
	       struct ccore_error *err)
{
	const struct py *py = &s->heap.py;
	const char *named[NAMED_MAX];
	struct strbuf names = {0};
	uint64_t n = 0;
	bool exact = false;
	uint8_t *match = NULL;

	TRY(session_match_types(s, pattern, &match, err));
	assert(match);
	for (uint64_t i = 0; i < py->types.n; i++) {
		const char *name = py->types.data[i]->name;

		exact = exact || (match[i] && strcmp(name, pattern) == 0);
		if (!match[i] || n > NAMED_MAX || is_among(name, named, n))
			continue;
		if (n < NAMED_MAX) {
			strbuf_printf(&names, "%s%s", n ? ", " : "", name);
			named[n] = name;
		}
		n++;
	}
	if (n > NAMED_MAX)
		strbuf_puts(&names, " …");
	if (!(exact && n == 1) && !names.failed)
		result_note(r, "%s: %s", pattern, names.data);
	strbuf_done(&names);
	free(match);
	return 0;
}
