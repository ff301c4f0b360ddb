// SPDX-License-Identifier: GPL-2.0-or-later
// The options of commands that search for chains: why, graph --chain.
#ifndef NECROPY_CHAIN_OPTIONS_H
#define NECROPY_CHAIN_OPTIONS_H

#include "command/command.h"
#include "session/chain_search.h"

/** Rows of `params`. */
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
