// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/chain_options.h"

struct columns {
	uint64_t path, step, addr, type, label, kind, repr;
};

static void add_chain(struct session *s, struct table *t, const struct columns *c, uint64_t number,
		      const struct path *p)
{
	for (uint64_t i = 0; i < p->ids.n; i++) {
		const uint32_t id = p->ids.data[i];
		const uint64_t row = table_row(t);
		const addr_t addr = node_address(s, id);
		struct strbuf label = {0};

		table_set_u64(t, row, c->path, number);
		table_set_u64(t, row, c->step, i);
		// C code that holds something is nowhere.
		table_set_u64(t, row, c->addr, addr ? addr : TABLE_UNKNOWN);
		table_set_text(t, row, c->type, s, id, node_type_text);
		table_set_text(t, row, c->repr, s, id, node_repr_text);
		if (i) {
			const enum edge_kind kind = chain_edge(s, p->ids.data[i - 1], id, &label);

			table_set_str(t, row, c->kind, edge_kind_name(kind));
			t->failed |= label.failed;
			if (label.n)
				table_set_str(t, row, c->label,
					      label.data + (label.data[0] == ' '));
		}
		strbuf_done(&label);
	}
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct chain_request q;
	struct paths found;
	struct table *t = &r->table;
	struct columns c;

	TRY(chain_request_from(a, &q, err));
	TRY(chains_find(s, &q, &found, r, err));
	t->style = TABLE_CHAIN;
	t->noun = "steps";
	c.path = table_column(t, "path", "", CCORE_U64, 0);
	c.step = table_column(t, "step", "", CCORE_U64, 0);
	c.addr = table_column(t, "addr", "", CCORE_ADDR, COLUMN_NULLABLE);
	c.type = table_column(t, "type", "", CCORE_STR, 0);
	c.label = table_column(t, "label", "", CCORE_STR, 0);
	c.kind = table_column(t, "kind", "", CCORE_STR, COLUMN_HIDDEN);
	c.repr = table_column(t, "repr", "", CCORE_STR, 0);
	for (uint64_t i = 0; i < found.all.n; i++)
		add_chain(s, t, &c, i + 1, &found.all.data[i]);
	paths_done(&found);
	return 0;
}

const struct command command_why = {
	.name = "why",
	.summary = "the shortest chain of references that keeps an object alive",
	.argument = "ADDR|TYPE",
	.details = "Searches backwards from the object, or from the nearest object of TYPE, to a "
		   "module. "
		   "Weak references never count; ~ marks a reference that is a guess. --to frame "
		   "finds the local variables of running functions; --to any ends at whatever "
		   "holds it: a state of the interpreter, a variable of a program file, a C "
		   "stack, or C code that keeps a reference where no one looks.",
	.example =
		"why DB\n"
		"  module  0x7f99cc35f510  <module errorlog>\n"
		"    .__dict__       dict         0x7f99cc33cb00  {'__name__': 'errorlog', …}\n"
		"    ['_temp_logs']  dict         0x7f99cc35bd80  {'shop': [LookupError(…), …], "
		"…}\n"
		"    ['office']      list         0x7f99cc33c100  [LookupError('no row 400'), …]\n"
		"    [0]             LookupError  0x7f99cc337dc0  LookupError('no row 400')\n"
		"    .__traceback__  traceback    0x7f99cc15e640  <traceback in run_tests line "
		"103>\n"
		"    .tb_next        traceback    0x7f99cc15e680  <traceback in one_test line 96>\n"
		"    .tb_frame       frame        0x7f99cc384790  <frame of one_test in "
		"leaky_app.py>\n"
		"    local db        __main__.DB  0x7f99cc144b50  <__main__.DB "
		"path='test-20.db'>\n",
	.params = {CHAIN_PARAMS},
	.run = run,
};
