// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "session/session.h"

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct node_list nodes;
	struct table *t = &r->table;
	uint64_t row, type, count;

	TRY(session_nodes_of_type(s, a->argument, args_flag(a, "--gc"), &nodes, err));
	t->style = TABLE_VALUE;
	type = table_column(t, "type", "", CCORE_STR, 0);
	count = table_column(t, "count", "objects", CCORE_U64, COLUMN_TOTAL);
	row = table_row(t);
	table_set_str(t, row, type, a->argument);
	table_set_u64(t, row, count, nodes.ids.n);
	vec_done(&nodes.ids);
	return note_types(s, a->argument, r, err);
}

const struct command command_count = {
	.name = "count",
	.summary = "how many objects of a type there are",
	.argument = "TYPE",
	.details = "TYPE is a full name (collections.deque), its last part (deque), or a glob "
		   "(zope.*).",
	.example = "count DB\n"
		   "6\n"
		   "note: DB: __main__.DB\n",
	.params = {{"--gc", NULL, NULL, NULL, "only what gc.get_objects() returns"}},
	.run = run,
};
