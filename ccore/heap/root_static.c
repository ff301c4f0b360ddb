// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Variables of modules: words of their writable memory that hold the address of an object. The
 * objects that lie there themselves (types, singletons) are passed by: what they hold is theirs.
 * A variable may own its object or not; no one can tell, so these are guesses, with a name.
 */
#include "heap/root_kinds.h"
#include "sym/symbol_at.h"

// Walks the words of all modules upwards, and the nodes beside them.
struct scan {
	struct heap *h;
	struct py_reader *r;
	uint64_t node;	// the first that begins above the word
	addr_t busy_to; // end of the objects that began before
	uint64_t found_n;
	struct ccore_error *err;
};

// Bytes of the object at node `id`, which lies in a module.
static uint64_t extent(struct scan *s, uint64_t id)
{
	const struct layout *l = &s->h->layout;
	struct py_object o;
	uint64_t size;
	bool guess;

	if (!py_object_open(s->r, s->h->node_addr[id], &o))
		return l->struct_size[S_PyObject];
	if (o.type->flags & TYPE_IS_TYPE)
		return l->struct_size[S_PyTypeObject];
	size = py_sizeof(s->r, &o, &guess);
	return guess ? o.type->basicsize : size;
}

static void pass_objects(struct scan *s, addr_t at)
{
	const struct heap *h = s->h;

	for (; s->node < h->node_n && h->node_addr[s->node] <= at; s->node++) {
		const addr_t start = h->node_addr[s->node];
		addr_t end;

		if (start + LAYOUT_STRUCT_MAX > at && u64_add(start, extent(s, s->node), &end) &&
		    end > s->busy_to)
			s->busy_to = end;
	}
}

// Interpreter states may lie in a module; their words are looked at there.
static bool in_state(const struct heap *h, addr_t at)
{
	for (uint64_t i = 0; i < h->runtime.interpreters.n; i++)
		if (at - h->runtime.interpreters.data[i].addr <
		    h->layout.struct_size[S_PyInterpreterState])
			return true;
	return false;
}

static int scan_word(struct scan *s, addr_t at)
{
	const struct root root = {.kind = ROOT_STATIC, .addr = at};
	uint8_t scratch[8];
	const uint8_t *p = py_get(s->r, at, 8, scratch);
	uint32_t id;

	if (!p || !heap_node(s->h, load_u64(p), &id) || at < s->busy_to || in_state(s->h, at))
		return 0;
	if (s->found_n++ == LIM_STATIC_ROOTS)
		damage_note(&s->r->damage, DAMAGE_LIMIT, at);
	if (s->found_n > LIM_STATIC_ROOTS)
		return 0;
	return vec_push(&s->h->roots.all, root) ? 0 : err_nomem(s->err);
}

#define PIECE 4096u

// A mapping can be large and not be there: what is readable of it is looked for piece by piece.
static int scan_mapping(struct scan *s, addr_t start, addr_t end)
{
	const struct mem *mem = s->r->py->mem;
	addr_t at = start;

	while (u64_align_up(mem_next_readable(mem, at), 8, &at) && at < end) {
		uint64_t n = mem_readable(mem, at, u64_min(end - at, PIECE)) / 8;

		at += n ? 0 : 8;
		for (; n; n--, at += 8) {
			pass_objects(s, at);
			TRY(scan_word(s, at));
			TRY(progress_poll(&s->h->opts.progress, "reading variables", at - start,
					  end - start, s->err));
		}
	}
	return 0;
}

static bool holds_variables(const struct mapping *m)
{
	return m->flags & MAPPING_W || !(m->flags & MAPPING_PERMS_KNOWN);
}

int root_statics_add(struct heap *h, struct ccore_error *err)
{
	const struct target *t = h->target;
	struct scan s = {.h = h, .r = heap_reader(h), .err = err};

	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];
		const struct module *mod = target_module_at(t, m->start);

		if (mod && holds_variables(m))
			TRY(scan_mapping(&s, m->start, u64_min(m->end, mod->end)));
	}
	return 0;
}

void root_static_visit(struct py_reader *r, const struct root *root)
{
	uint8_t scratch[8];
	const uint8_t *p = py_get(r, root->addr, 8, scratch);

	if (p)
		edge_emit_text(&r->edges, load_u64(p), EDGE_GUESS, " value");
}

bool root_is_stale(const struct runtime *rt, const struct root *root)
{
	// Lists of objects that were freed, and may have become others since.
	static const char names[] = "free_list|keys_free_list|slice_cache|freeblocks|freelist|"
				    "ctx_freelist|ag_value_freelist|ag_asend_freelist|fi_freelist|"
				    "method_cache";
	const char *name;

	if (root->kind != ROOT_STATIC)
		return false;
	name = symbol_name_at(rt->symbols, root->addr);
	return name && name_in_list(name, names);
}

void root_static_name(const struct runtime *rt, const struct root *root, struct strbuf *out)
{
	symbol_at(rt->symbols, root->addr, out);
}
