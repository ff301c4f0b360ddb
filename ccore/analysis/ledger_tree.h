// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of a ledger as the leaves of a tree: brothers by size, and how large each group is.
#ifndef NECROPY_LEDGER_TREE_H
#define NECROPY_LEDGER_TREE_H

#include "heap/ledger.h"

#define LEDGER_DEPTH 6u // parts of a path, at most; what comes after them is one with the last

struct ledger_leaf {
	const struct ledger_line *line;
	uint32_t depth;		     // parts of its path
	uint64_t end[LEDGER_DEPTH];  // of part i, in the path
	uint64_t size[LEDGER_DEPTH]; // of all leaves whose paths are the same up to part i
	uint64_t count;		     // its own
	bool is_first[LEDGER_DEPTH]; // of those
};

struct ledger_tree {
	VEC(struct ledger_leaf) leaves; // larger groups first
};

/** With `depth` not 0, what is the same up to so many parts is one leaf. */
int ledger_tree_make(struct ledger_tree *ret, const struct ledger *l, uint64_t depth,
		     struct ccore_error *err);
void ledger_tree_done(struct ledger_tree *t);

#endif
