// SPDX-License-Identifier: GPL-2.0-or-later
// Chains from a root to an object, as `why` lists them and `graph --chain` draws them.
#ifndef NECROPY_CHAIN_SEARCH_H
#define NECROPY_CHAIN_SEARCH_H

#include "analysis/paths.h"
#include "command/session.h"

/** What --to, -k, --max-depth and --exclude say. */
struct chain_request {
	const char *argument; // ADDR or TYPE
	const char *to;
	uint64_t wanted, max_depth; // max_depth 0: unlimited
	const char *exclude;	    // TYPE or TYPE.attr, or NULL
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

/** The options that every command with chains has. */
#define CHAIN_PARAMS                                                                            \
	{"--to", "GOAL", NULL, "module",                                                        \
	 "where chains begin: module, frame, thread, static, any, or a TYPE"},                  \
		{"-k", "N", NULL, "1", "how many chains"},                                      \
		{"--max-depth", "N", NULL, "20", "references in a chain at most; 0: no limit"}, \
	{                                                                                       \
		"--exclude", "TYPE[.attr]", NULL, NULL,                                         \
			"pass by objects of TYPE, or by one of their references"                \
	}

/** Read CHAIN_PARAMS. */
int chain_request_from(const struct args *a, struct chain_request *ret, struct ccore_error *err);

#endif
