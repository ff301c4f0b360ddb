// SPDX-License-Identifier: GPL-2.0-or-later
// Chains from a root to an object, as `why` lists them and `graph --chain` draws them.
#ifndef NECROPY_CHAIN_SEARCH_H
#define NECROPY_CHAIN_SEARCH_H

#include "analysis/paths.h"
#include "session/session.h"

/** What is asked for. */
struct chain_request {
	const char *argument; // ADDR or TYPE
	const char *to;	      // where they begin: "module", "frame", …, "any", or a TYPE
	uint64_t wanted;      // how many, at least 1
	uint64_t max_depth;   // references in one; 0: unlimited
	const char *exclude;  // TYPE or TYPE.attr, or NULL
};

/**
 * The chains asked for, nearest first; of a type, one for each of its nearest objects. Notes
 * on `r` say what was found and what was not.
 */
int chains_find(struct session *s, const struct chain_request *q, struct paths *ret,
		struct ccore_result *r, struct ccore_error *err);

/** The reference from node `from` to node `to` that keeps it alive best; its label in `label`. */
enum edge_kind chain_edge(struct session *s, uint32_t from, uint32_t to, struct strbuf *label);

/** Whether `e` says more of the reference from one node to another than `than` does. */
bool edge_says_more(const struct edge *e, const struct edge *than);

#endif
