// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"

#include "render/render.h"

static struct ccore_result r;
static struct strbuf out;
static struct ccore_error err;

static const char *render(enum output_format format, uint32_t width)
{
	const struct render_opts opts = {.width = width};

	out.n = 0;
	r.format = format;
	return render_result(&r, &opts, &out, &err) == 0 ? out.data : err.text;
}

static void start(const char *command, enum table_style style, const char *noun)
{
	r = (struct ccore_result){
		.command = command,
		.table = {.style = style, .noun = noun},
		.target = {.kind = "core", .path = "core.\"42\"", .python = "3.11.2"},
	};
}

static void end(void)
{
	table_done(&r.table);
	table_done(&r.edges);
	arena_done(&r.arena);
	vec_done(&r.notes);
	strbuf_done(&out);
}

static void add_type(const char *name, uint64_t count, uint64_t size)
{
	const uint64_t row = table_row(&r.table);

	table_set_str(&r.table, row, 0, name);
	table_set_u64(&r.table, row, 1, count);
	table_set_u64(&r.table, row, 2, size);
}

static void start_types(void)
{
	start("types", TABLE_ROWS, "types");
	(void)table_column(&r.table, "type", "", CCORE_STR, 0); // columns 0, 1, 2
	(void)table_column(&r.table, "count", "objects", CCORE_U64, COLUMN_TOTAL);
	(void)table_column(&r.table, "size", "bytes", CCORE_U64, COLUMN_TOTAL);
}

TEST(text_of_rows)
{
	start_types();
	add_type("dict", 1204331, 327680000);
	add_type("list", 7, 17);
	add_type("a\033b", 1, 2048);
	add_type(NULL, 1, 2048);
	CHECK(table_finish(&r.table, 2, &err) == 0);
	CHECK_TEXT(render(FORMAT_TEXT, 80), "type      count       size\n"
					    "dict  1,204,331  312.5 MiB\n"
					    "list          7       17 B\n"
					    "… 2 more types, 4.0 KiB\n"
					    "Total 1,204,340 objects, 312.5 MiB\n");
	r.exact_bytes = true;
	r.table.row_n = 3;
	CHECK_TEXT(render(FORMAT_TEXT, 0), "type        count         size\n"
					   "dict    1,204,331  327,680,000\n"
					   "list            7           17\n"
					   "a\\x1bb          1        2,048\n"
					   "… 1 more type, 2,048 bytes\n"
					   "Total 1,204,340 objects, 327,684,113 bytes\n");
	end();
}

TEST(text_of_no_rows)
{
	start_types();
	CHECK(table_finish(&r.table, 2, &err) == 0);
	CHECK_TEXT(render(FORMAT_TEXT, 80), "no types\n");
	end();
}

static void start_objects(void)
{
	start("objects", TABLE_ROWS, "objects");
	(void)table_column(&r.table, "addr", "", CCORE_ADDR, 0); // columns 0 to 4
	(void)table_column(&r.table, "thread", "", CCORE_U64, COLUMN_NULLABLE);
	(void)table_column(&r.table, "hidden", "", CCORE_STR, COLUMN_HIDDEN);
	(void)table_column(&r.table, "gc", "", CCORE_U64, COLUMN_BOOL);
	(void)table_column(&r.table, "repr", "", CCORE_STR, 0);
	for (uint64_t i = 0; i < 2; i++) {
		const uint64_t row = table_row(&r.table);

		table_set_u64(&r.table, row, 0, 0x7f0000001000 + i);
		table_set_u64(&r.table, row, 1, i ? TABLE_UNKNOWN : 12345);
		table_set_u64(&r.table, row, 3, i);
		table_set_str(&r.table, row, 4, i ? "{'é': 'a long text', 'b': 2}" : NULL);
	}
	CHECK(table_finish(&r.table, 20, &err) == 0);
}

TEST(text_is_cut_in_the_last_column_only)
{
	start_objects();
	CHECK_TEXT(render(FORMAT_TEXT, 42), "addr            thread  gc   repr\n"
					    "0x7f0000001000   12345  no   -\n"
					    "0x7f0000001001       -  yes  {'é': 'a lon…\n");
	CHECK_TEXT(render(FORMAT_TEXT, 10), "addr            thread  gc   repr\n"
					    "0x7f0000001000   12345  no   -\n"
					    "0x7f0000001001       -  yes  {'é': '…\n");
	end();
}

TEST(text_tells_notes_and_damage)
{
	start("count", TABLE_VALUE, NULL);
	(void)table_column(&r.table, "type", "", CCORE_STR, 0); // columns 0, 1
	(void)table_column(&r.table, "count", "", CCORE_U64, 0);
	(void)table_row(&r.table);
	table_set_u64(&r.table, 0, 1, 12345);
	CHECK(table_finish(&r.table, 20, &err) == 0);
	CHECK_TEXT(render(FORMAT_TEXT, 80), "12345\n");
	result_note(&r, "DB means %s", "__main__.DB");
	damage_note(&r.damage, DAMAGE_UNREADABLE_TYPE, 0x7f00);
	damage_note(&r.damage, DAMAGE_LIMIT, 0);
	CHECK_TEXT(render(FORMAT_TEXT, 80),
		   "12345\nnote: DB means __main__.DB\n"
		   "incomplete: 1 objects whose type is not a readable type, first at 0x7f00\n"
		   "incomplete: 1 limits reached (see limits.h)\n");
	end();
}

TEST(text_of_pairs)
{
	start("info", TABLE_PAIRS, NULL);
	(void)table_column(&r.table, "key", "", CCORE_STR, 0); // columns 0, 1
	(void)table_column(&r.table, "value", "", CCORE_STR, 0);
	for (uint64_t i = 0; i < 2; i++) {
		(void)table_row(&r.table);
		table_set_str(&r.table, i, 0, i ? "interpreter" : "pid");
		table_set_str(&r.table, i, 1, i ? "3.11.2" : "42");
	}
	CHECK(table_finish(&r.table, UINT64_MAX, &err) == 0);
	CHECK_TEXT(render(FORMAT_TEXT, 80), "pid          42\ninterpreter  3.11.2\n");
	end();
}

static void add_step(uint64_t path, addr_t addr, const char *type, const char *label,
		     const char *repr)
{
	const uint64_t row = table_row(&r.table);

	table_set_u64(&r.table, row, 0, path);
	table_set_u64(&r.table, row, 2, addr);
	table_set_str(&r.table, row, 3, type);
	table_set_str(&r.table, row, 4, label);
	table_set_str(&r.table, row, 5, repr);
}

TEST(text_of_chains)
{
	start("why", TABLE_CHAIN, "steps");
	(void)table_column(&r.table, "path", "", CCORE_U64, 0); // columns 0 to 5
	(void)table_column(&r.table, "step", "", CCORE_U64, 0);
	(void)table_column(&r.table, "addr", "", CCORE_ADDR, 0);
	(void)table_column(&r.table, "type", "", CCORE_STR, 0);
	(void)table_column(&r.table, "label", "", CCORE_STR, 0);
	(void)table_column(&r.table, "repr", "", CCORE_STR, 0);
	add_step(0, 0x7f10, "module", NULL, "errorlog");
	add_step(0, 0x7f20, "dict", "._temp_logs", "{'test_07': […], 'test_08': […]}");
	add_step(0, 0x7f3000, "list", "['test_07']", NULL);
	add_step(0, 0x7f40, "__main__.DB", "[0]", "<DB>");
	add_step(1, 0, "thread 12", NULL, NULL);
	add_step(1, 0x7f40, "__main__.DB", "local db", "<DB>");
	CHECK(table_finish(&r.table, UINT64_MAX, &err) == 0);
	CHECK_TEXT(render(FORMAT_TEXT, 60),
		   "path 1 of 2\n"
		   "  module  0x7f10  errorlog\n"
		   "    ._temp_logs  dict         0x7f20    {'test_07': […], 't…\n"
		   "    ['test_07']  list         0x7f3000\n"
		   "    [0]          __main__.DB  0x7f40    <DB>\n"
		   "\n"
		   "path 2 of 2\n"
		   "  thread 12\n"
		   "    local db  __main__.DB  0x7f40  <DB>\n");
	end();
}

TEST(text_of_a_long_chain_shows_both_ends)
{
	uint64_t lines = 0;

	start("why", TABLE_CHAIN, "steps");
	(void)table_column(&r.table, "path", "", CCORE_U64, 0); // columns 0 to 5
	(void)table_column(&r.table, "step", "", CCORE_U64, 0);
	(void)table_column(&r.table, "addr", "", CCORE_ADDR, 0);
	(void)table_column(&r.table, "type", "", CCORE_STR, 0);
	(void)table_column(&r.table, "label", "", CCORE_STR, 0);
	(void)table_column(&r.table, "repr", "", CCORE_STR, 0);
	for (uint64_t i = 0; i < 3000; i++)
		add_step(0, 0x1000 + i * 16, "Node",
			 i == 2000 ? ".a_long_name_in_the_middle" : ".next", NULL);
	CHECK(table_finish(&r.table, UINT64_MAX, &err) == 0);
	(void)render(FORMAT_TEXT, 0);
	for (const char *c = out.data; *c; c++)
		lines += *c == '\n';
	CHECK(lines == 56);
	CHECK(strstr(out.data, "    .next  Node  0x1270\n    … 2,945 more steps\n"));
	CHECK(strstr(out.data, "    .next  Node  0xcb70\n"));
	end();
}

TEST(json_document)
{
	start_objects();
	result_note(&r, "a \"note\"");
	damage_note(&r.damage, DAMAGE_BAD_LINK, 0x10);
	CHECK_TEXT(
		render(FORMAT_JSON, 0),
		"{\"schema\": 1, \"command\": \"objects\",\n"
		" \"target\": {\"kind\": \"core\", \"path\": \"core.\\\"42\\\"\", \"pid\": null, "
		"\"python\": \"3.11.2\", \"free_threaded\": false,\n"
		"  \"build_id\": null, \"layout\": null, \"gc_in_progress\": null},\n"
		" \"complete\": false, \"damage\": [{\"kind\": \"bad-link\", \"count\": 1, "
		"\"first\": \"0x10\"}], \"notes\": [\"a \\\"note\\\"\"],\n"
		" \"columns\": [{\"name\": \"addr\", \"unit\": \"\"}, {\"name\": \"thread\", "
		"\"unit\": \"\"}, {\"name\": \"hidden\", \"unit\": \"\"}, {\"name\": \"gc\", "
		"\"unit\": \"\"}, {\"name\": \"repr\", \"unit\": \"\"}],\n"
		" \"rows\": [\n"
		"  {\"addr\": \"0x7f0000001000\", \"thread\": 12345, \"hidden\": null, \"gc\": "
		"false, "
		"\"repr\": null},\n"
		"  {\"addr\": \"0x7f0000001001\", \"thread\": null, \"hidden\": null, \"gc\": "
		"true, "
		"\"repr\": \"{'\\u00e9': 'a long text', 'b': 2}\"}],\n"
		" \"totals\": {}, \"all_rows\": 2}\n");
	end();
}

TEST(json_lines_and_csv)
{
	start_types();
	add_type("a,b", 2, 3);
	CHECK(table_finish(&r.table, 20, &err) == 0);
	CHECK_TEXT(render(FORMAT_JSONL, 0), "{\"type\": \"a,b\", \"count\": 2, \"size\": 3}\n");
	CHECK_TEXT(render(FORMAT_CSV, 0), "type,count,size\n\"a,b\",2,3\n");
	end();
	start_objects();
	CHECK_TEXT(render(FORMAT_CSV, 0), "addr,thread,hidden,gc,repr\n"
					  "0x7f0000001000,12345,,false,\n"
					  "0x7f0000001001,,,true,"
					  "\"{'é': 'a long text', 'b': 2}\"\n");
	end();
}

static void start_graph(void)
{
	start("graph", TABLE_ROWS, "objects");
	(void)table_column(&r.table, "id", "", CCORE_U64, 0); // columns 0 to 4
	(void)table_column(&r.table, "addr", "", CCORE_ADDR, 0);
	(void)table_column(&r.table, "type", "", CCORE_STR, 0);
	(void)table_column(&r.table, "repr", "", CCORE_STR, 0);
	(void)table_column(&r.table, "role", "", CCORE_STR, 0);
	(void)table_column(&r.edges, "source", "", CCORE_U64, 0); // columns 0 to 3
	(void)table_column(&r.edges, "target", "", CCORE_U64, 0);
	(void)table_column(&r.edges, "label", "", CCORE_STR, 0);
	(void)table_column(&r.edges, "kind", "", CCORE_STR, 0);
}

static void add_graph_node(addr_t addr, const char *type, const char *repr, const char *role)
{
	const uint64_t row = table_row(&r.table);

	table_set_u64(&r.table, row, 0, row);
	table_set_u64(&r.table, row, 1, addr);
	table_set_str(&r.table, row, 2, type);
	table_set_str(&r.table, row, 3, repr);
	table_set_str(&r.table, row, 4, role);
}

static void add_graph_edge(uint64_t source, uint64_t target, const char *label, const char *kind)
{
	const uint64_t row = table_row(&r.edges);

	table_set_u64(&r.edges, row, 0, source);
	table_set_u64(&r.edges, row, 1, target);
	table_set_str(&r.edges, row, 2, label);
	table_set_str(&r.edges, row, 3, kind);
}

static void add_sample_graph(void)
{
	start_graph();
	add_graph_node(0x7f10, "module", "errorlog", "module");
	add_graph_node(0x7f20, "dict", "{'<a>': \"b\"}", "");
	add_graph_node(0x7f30, "__main__.DB", NULL, "object");
	add_graph_edge(0, 1, "._temp_logs", "visit");
	add_graph_edge(1, 2, "['<a>']", "guess");
	CHECK(table_finish(&r.table, UINT64_MAX, &err) == 0);
	CHECK(table_finish(&r.edges, UINT64_MAX, &err) == 0);
}

TEST(dot_escapes_what_the_target_says)
{
	const char *dot;

	add_sample_graph();
	dot = render(FORMAT_DOT, 0);
	CHECK(strstr(dot, "n0 -> n1 [label=< ._temp_logs >]"));
	CHECK(strstr(dot, "n1 -> n2 [label=< ['&lt;a&gt;'] > style=dashed"));
	CHECK(strstr(dot, "{'&lt;a&gt;': &quot;b&quot;}"));
	CHECK(strstr(dot, "tooltip=\"{'<a>': \\\"b\\\"}\""));
	CHECK(strstr(dot, "n2 [fillcolor=\"#fcdcdc\""));
	end();
}

TEST(dot_is_drawn)
{
	add_sample_graph();
	CHECK(strstr(render(FORMAT_SVG, 0), "</svg>"));
	CHECK(!strncmp(render(FORMAT_PNG, 0), "\x89PNG", 4));
	end();
}

// More than pipes hold, both ways.
TEST(dot_is_drawn_when_large)
{
	start_graph();
	for (uint64_t i = 0; i < 1500; i++) {
		add_graph_node(0x1000 + i, "list", "[a representation that takes some room]", "");
		if (i)
			add_graph_edge(i / 40, i, "[0]", "visit");
	}
	CHECK(strstr(render(FORMAT_SVG, 0), "</svg>"));
	CHECK(out.n > 500000);
	end();
}

TEST(only_graphs_are_pictures)
{
	start_types();
	CHECK(table_finish(&r.table, 20, &err) == 0);
	CHECK_TEXT(render(FORMAT_SVG, 0), "the answer of types is not a picture");
	end();
}

TEST(lines_of_an_export)
{
	static const char *const kinds[] = {"visit", "own", "weak", "borrowed", "guess"};
	uint64_t to[] = {0x7f0000000010, 0x10};
	struct object_line o = {
		.addr = 0x7fff00001230,
		.type = "a.\"B\"",
		.found = "gc",
		.size = UINT64_MAX,
		.gc = true,
		.kind_names = kinds,
	};

	o.links[0].to.data = to;
	o.links[0].to.n = 2;
	render_object_line(&o, &out);
	CHECK_TEXT(out.data, "{\"addr\": \"0x7fff00001230\", \"type\": \"a.\\\"B\\\"\", "
			     "\"size\": 18446744073709551615, \"refcount\": 0, \"gc\": true, "
			     "\"found\": \"gc\", \"visit\": [\"0x7f0000000010\", \"0x10\"], "
			     "\"own\": [], \"weak\": [], \"guess\": []}\n");
	out.n = 0;
	o = (struct object_line){.addr = 0, .type = "list", .found = "guess", .kind_names = kinds};
	o.immortal = o.estimated = true;
	o.links[3].to.data = to;
	o.links[3].to.n = 1;
	render_object_line(&o, &out);
	CHECK_TEXT(out.data, "{\"addr\": \"0x0\", \"type\": \"list\", \"size\": 0, "
			     "\"estimated\": true, \"refcount\": null, \"gc\": false, "
			     "\"found\": \"guess\", \"visit\": [], \"own\": [], \"weak\": [], "
			     "\"borrowed\": [\"0x7f0000000010\"], \"guess\": []}\n");
	out.n = 0;
	o = (struct object_line){.type = "frame f", .is_root = true, .kind_names = kinds};
	render_object_line(&o, &out);
	CHECK_TEXT(out.data, "{\"addr\": \"0x0\", \"root\": \"frame f\", \"visit\": [], "
			     "\"own\": [], \"weak\": [], \"guess\": []}\n");
	strbuf_done(&out);
}
