// SPDX-License-Identifier: GPL-2.0-or-later
// struct session: what every command works on, and what several of them need.
#ifndef NECROPY_SESSION_H
#define NECROPY_SESSION_H

#include "analysis/residue.h"
#include "analysis/unreachable.h"
#include "graph/references.h"
#include "heap/heap.h"
#include "util/progress.h"
#include "util/result.h"

struct session {
	struct target target;
	struct heap heap;
	bool has_graph, has_unreachable;
	struct graph graph;
	struct unreachable unreachable;
	bool has_residue;
	struct residue residue;
	struct progress progress;
};

/** The graph of references, built when first asked for. */
int session_graph(struct session *s, struct graph **ret, struct ccore_error *err);

/** Memory that may still be taken, when there is a graph. */
uint64_t session_spare_bytes(const struct session *s);

/** What no root leads to, found when first asked for. */
int session_unreachable(struct session *s, struct unreachable **ret, struct ccore_error *err);

/**
 * What is left of the refcounts, computed when first asked for; what cannot be is then counted
 * as damage.
 */
int session_residue(struct session *s, const struct residue **ret, struct ccore_error *err);

/**
 * Whether `source` is a variable or C stack whose word for node `target` is left over: the
 * object's refcount is explained without it. After session_residue().
 */
bool session_is_leftover(const struct session *s, uint32_t source, uint32_t target);

/** The node at `text`, an address; errors say that it is none, or what contains it. */
int session_node(struct session *s, const char *text, uint32_t *ret, struct ccore_error *err);

/**
 * Nodes whose type `pattern` names, sorted; with `gc_only` those that gc.get_objects() returns.
 * CCORE_ENOTFOUND offers near names.
 */
struct node_list {
	VEC(uint32_t) ids;
};
int session_nodes_of_type(struct session *s, const char *pattern, bool gc_only,
			  struct node_list *ret, struct ccore_error *err);

/** The node at `text`, an address, or else the nodes of the type that it names. */
int session_named_nodes(struct session *s, const char *text, struct node_list *ret,
			struct ccore_error *err);

/**
 * Which types `pattern` names: a full name, a bare last part, or a glob. `ret[i]` is for type
 * index i, 1 if so; the caller frees it.
 */
int session_match_types(struct session *s, const char *pattern, uint8_t **ret,
			struct ccore_error *err);

/** When `pattern` is not itself the name of a type, note which names it stood for. */
int note_types(struct session *s, const char *pattern, struct ccore_result *r,
	       struct ccore_error *err);

/** Whether `name` is what `pattern` says. */
bool type_name_matches(const char *name, const char *pattern);

/** Type name of node `id`, or a root's kind and name; valid until `out` changes. */
void node_type_text(struct session *s, uint32_t id, struct strbuf *out);

/** A short repr of node `id`. */
void node_repr_text(struct session *s, uint32_t id, struct strbuf *out);

/** Address of node `id`: of a root, that of the frame, thread or interpreter state. */
addr_t node_address(const struct session *s, uint32_t id);

/** Put the text of `fill` into a cell. */
void table_set_text(struct table *t, uint64_t row, uint64_t column, struct session *s, uint32_t id,
		    void (*fill)(struct session *s, uint32_t id, struct strbuf *out));

#endif
