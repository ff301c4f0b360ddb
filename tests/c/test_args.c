// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"

#include "command/command.h"
#include "util/parse.h"

static const struct command types = {
	.name = "types",
	.summary = "Objects by type",
	.argument = "",
	.params =
		{
			{"--by", "KEY", "count|size|name", "size", "sort by"},
			{"--gc", NULL, NULL, NULL, "only tracked objects"},
			{"--match", "GLOB", NULL, NULL, "only types so called"},
			{"--max-depth", "N", NULL, "20", "longest chain"},
			{"-k", "N", NULL, "1", "how many"},
		},
};

static const struct command graph = {
	.name = "graph",
	.summary = "A picture",
	.argument = "ADDR|TYPE",
	.details = "Draws.",
	.example = "graph DB\n\nsee",
	.params = {{"--format", "NAME", "dot|svg|png", "dot", "of the picture"}},
};

static struct args args;
static struct ccore_error err;

#define PARSE(command, ...)                                                                     \
	args_parse(&(command), (const char *const[]){(command).name, __VA_ARGS__, NULL},        \
		   sizeof((const char *const[]){(command).name, __VA_ARGS__}) / sizeof(char *), \
		   &args, &err)

TEST(args_defaults)
{
	CHECK(args_parse(&types, (const char *const[]){"types"}, 1, &args, &err) == 0);
	CHECK(args.limit == 20 && args.format == FORMAT_TEXT && !args.exact_bytes && !args.output);
	CHECK_TEXT(args_str(&args, "--by"), "size");
	CHECK(!args_str(&args, "--match") && !args_flag(&args, "--gc"));
}

TEST(args_values_in_every_form)
{
	CHECK(PARSE(types, "--by", "name", "--match=zope.*", "-n5", "-k", "3", "--gc") == 0);
	CHECK_TEXT(args_str(&args, "--by"), "name");
	CHECK_TEXT(args_str(&args, "--match"), "zope.*");
	CHECK_TEXT(args_str(&args, "-k"), "3");
	CHECK(args.limit == 5 && args_flag(&args, "--gc"));
}

TEST(args_limit)
{
	CHECK(PARSE(types, "-n", "all") == 0 && args.limit == UINT64_MAX);
	CHECK(PARSE(types, "-n0") == 0 && args.limit == 0);
	CHECK(PARSE(types, "-n", "-1") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "-n -1: must be a number, or 'all'");
	CHECK(PARSE(types, "-n", "99999999999999999999999") == CCORE_EUSAGE);
	CHECK(PARSE(types, "-n") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "-n needs a value: N");
}

TEST(args_options_anywhere_and_their_end)
{
	CHECK(PARSE(graph, "-n", "3", "DB", "--json") == 0);
	CHECK_TEXT(args.argument, "DB");
	CHECK(args.format == FORMAT_JSON && args.limit == 3);
	CHECK(PARSE(graph, "--", "--json") == 0);
	CHECK_TEXT(args.argument, "--json");
	CHECK(PARSE(graph, "-") == 0);
	CHECK_TEXT(args.argument, "-");
}

TEST(args_beginnings_of_names)
{
	CHECK(PARSE(types, "--ma", "x") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "--ma is ambiguous: --match, or another that begins so");
	CHECK(PARSE(types, "--mat", "x") == 0);
	CHECK_TEXT(args_str(&args, "--match"), "x");
	CHECK(PARSE(types, "--json") == 0 && args.format == FORMAT_JSON);
	CHECK(PARSE(types, "--jsonl") == 0 && args.format == FORMAT_JSONL);
	CHECK(PARSE(types, "--js") == CCORE_EUSAGE);
	CHECK(PARSE(types, "--=x") == CCORE_EUSAGE);
}

TEST(args_unknown_options_have_near_names)
{
	CHECK(PARSE(types, "--jsno") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "types has no option --jsno; did you mean --json?");
	CHECK(PARSE(types, "--zzzzzz") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "types has no option --zzzzzz; --help lists them");
	CHECK(PARSE(types, "-z") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "types has no option -z; --help lists them");
}

TEST(args_permitted_values)
{
	CHECK(PARSE(types, "--by", "siz") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "--by siz: must be one of count|size|name");
	CHECK(PARSE(types, "--by=") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "--by needs a value: count|size|name");
	CHECK(PARSE(types, "--by", "name") == 0);
	CHECK(PARSE(types, "--gc=1") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "--gc takes no value");
}

TEST(args_how_many_arguments)
{
	CHECK(PARSE(types, "x") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "types takes no argument, but got 'x'");
	CHECK(PARSE(graph, "--json") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "graph needs an argument: ADDR|TYPE");
	CHECK(PARSE(graph, "a", "b") == CCORE_EUSAGE);
	CHECK_TEXT(err.text, "graph takes one ADDR|TYPE, but got 'b' too");
}

TEST(args_format_of_a_picture)
{
	CHECK(PARSE(graph, "DB") == 0 && args.format == FORMAT_DOT);
	CHECK(PARSE(graph, "DB", "-o", "x.svg") == 0 && args.format == FORMAT_SVG);
	CHECK_TEXT(args_str(&args, "--format"), "svg");
	CHECK(PARSE(graph, "DB", "-o", "x.svg", "--format", "png") == 0);
	CHECK(args.format == FORMAT_PNG);
	CHECK(PARSE(graph, "DB", "-o", "x.svg", "--json") == 0 && args.format == FORMAT_JSON);
	CHECK(PARSE(graph, "DB", "-o", "x.doc") == 0 && args.format == FORMAT_DOT);
	CHECK(PARSE(graph, "DB", "-o", "dir.d/x") == 0 && args.format == FORMAT_DOT);
}

TEST(args_numbers)
{
	uint64_t n = 7;

	CHECK(PARSE(types, "--max-depth", "0x10") == 0);
	CHECK(args_u64(&args, "--max-depth", &n, &err) == 0 && n == 16);
	CHECK(PARSE(types, "--max-depth", "deep") == 0);
	CHECK(args_u64(&args, "--max-depth", &n, &err) == CCORE_EUSAGE && n == 16);
	CHECK_TEXT(err.text, "--max-depth deep: must be a number");
}

TEST(args_addresses)
{
	addr_t a = 1;

	CHECK(parse_addr("0x7fABcdef0123", &a) && a == 0x7fabcdef0123);
	CHECK(parse_addr("18446744073709551615", &a) && a == UINT64_MAX);
	CHECK(!parse_addr("18446744073709551616", &a) && a == UINT64_MAX);
	CHECK(!parse_addr("", &a) && !parse_addr("0x", &a) && !parse_addr("0x1g", &a));
	CHECK(!parse_addr("12a", &a) && !parse_addr("-1", &a) && !parse_addr("DB", &a));
	CHECK(!parse_addr("0x10000000000000000", &a));
}

TEST(help_shows_all_there_is)
{
	struct strbuf help = {0};

	command_help(&graph, &help);
	CHECK_TEXT(help.data,
		   "A picture\n\n"
		   "  necropy graph TARGET ADDR|TYPE [OPTION]...\n"
		   "  (gdb) pm graph ADDR|TYPE [OPTION]...\n\n"
		   "Draws.\n\n"
		   "Options:\n"
		   "  --format dot|svg|png    of the picture (default: dot)\n"
		   "  -n N                    rows to show; 'all' for all of them (default: 20)\n"
		   "  -o FILE                 write the answer to FILE\n"
		   "  --json                  one JSON document\n"
		   "  --jsonl                 one JSON object a line, one line a row\n"
		   "  --csv                   comma-separated values, with a header line\n"
		   "  --bytes                 sizes in bytes, not in KiB, MiB, GiB\n\n"
		   "Example:\n"
		   "  (gdb) pm graph DB\n\n"
		   "  see\n");
	strbuf_done(&help);
}
