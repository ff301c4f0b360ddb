// SPDX-License-Identifier: GPL-2.0-or-later
// Symbols and DWARF of this very program, which the compiler laid out before our eyes.
#include "test.h"

#include "sym/symbol_at.h"
#include "sym/symbols.h"

#include <limits.h>
#include <stddef.h>
#include <unistd.h>

struct inner {
	int32_t first;
	int64_t second;
};

typedef struct outer {
	char c;
	struct inner in;
	union {
		uint64_t whole;
		struct {
			uint32_t low, high;
		};
	};
	unsigned three : 3;
	unsigned five : 5;
	uint64_t forty : 40;
	uint16_t array[6];
	struct inner *pointer;
	char flexible[];
} outer_t;

typedef struct {
	long value;
} nameless_t;

typedef struct nowhere nowhere_t;

outer_t test_symbols_outer = {.c = 1};
static nameless_t test_symbols_hidden[3];
nowhere_t *test_symbols_nowhere;

static struct target target;
static struct module self;
static struct ccore_error err;
static char self_path[PATH_MAX];

static const struct module *this_program(void)
{
	const ssize_t n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);

	CHECK(n > 0);
	self_path[n > 0 ? n : 0] = '\0';
	target.debug_dirs = "/usr/lib/debug";
	self.name = self.file = self_path;
	test_symbols_hidden[0].value++;
	return &self;
}

#define MEMBER(path)                                                                  \
	{                                                                             \
		{.structs = "outer_t", .paths = #path}, offsetof(struct outer, path), \
			sizeof(((struct outer *)0)->path)                             \
	}

TEST(members_are_where_the_compiler_put_them)
{
	struct {
		struct member_request r;
		size_t off, size;
	} want[] = {MEMBER(c),	 MEMBER(in),   MEMBER(in.second), MEMBER(whole),
		    MEMBER(low), MEMBER(high), MEMBER(array),	  MEMBER(pointer)};
	const unsigned n = sizeof(want) / sizeof(want[0]);
	struct member_request reqs[sizeof(want) / sizeof(want[0])];

	for (unsigned i = 0; i < n; i++)
		reqs[i] = want[i].r;
	CHECK(dwarf_find(&target, this_program(), reqs, n, NULL, 0, &err) == 0);
	for (unsigned i = 0; i < n; i++) {
		CHECK(reqs[i].found && reqs[i].bit_size == 0);
		CHECK(reqs[i].off == want[i].off && reqs[i].size == want[i].size);
	}
}

TEST(bit_fields_have_their_bits)
{
	struct member_request r[] = {{.structs = "outer", .paths = "three"},
				     {.structs = "outer", .paths = "five"},
				     {.structs = "outer", .paths = "forty"}};
	union {
		struct outer o;
		uint8_t bytes[sizeof(struct outer)];
	} u = {.o = {.five = 31}};

	CHECK(dwarf_find(&target, this_program(), r, 3, NULL, 0, &err) == 0);
	CHECK(r[0].found && r[0].bit_off == 0 && r[0].bit_size == 3 && r[0].size == 1);
	CHECK(r[1].found && r[1].bit_size == 5);
	CHECK(u.bytes[r[1].off] >> r[1].bit_off == 31);
	CHECK(r[2].found && r[2].bit_size == 40 && r[2].size >= 5);
}

TEST(alternatives_and_sizes)
{
	struct member_request r[] = {
		{.structs = "no_such | outer", .paths = "nothing|in.none | in.first"},
		{.structs = "outer"},
		{.structs = "nameless_t"},
		{.structs = "nameless_t", .paths = "value"},
		{.structs = "outer", .paths = "flexible"},
		{.structs = "outer", .paths = "pointer.first"},
		{.structs = "outer", .paths = "nothing"},
		{.structs = "nowhere_t"},
		{.structs = "inner", .cu = "test_symbols.c"},
		{.structs = "inner", .cu = "other.c"},
	};

	CHECK(dwarf_find(&target, this_program(), r, 10, NULL, 0, &err) == 0);
	CHECK(r[0].found && r[0].off == offsetof(struct outer, in.first));
	CHECK(r[1].found && r[1].size == sizeof(struct outer));
	CHECK(r[2].found && r[2].size == sizeof(nameless_t));
	CHECK(r[3].found && r[3].off == 0 && r[3].size == 8);
	CHECK(r[4].found && r[4].off == offsetof(struct outer, flexible) && r[4].size == 0);
	CHECK(!r[5].found && !r[6].found && !r[7].found);
	CHECK(r[8].found && !r[9].found);
}

TEST(variables_by_source_file)
{
	struct sym_request r[] = {
		{.names = "none|test_symbols_hidden", .cu = "test_symbols.c"},
		{.names = "test_symbols_hidden", .cu = "other.c"},
		{.names = "test_symbols_hidden"},
	};
	struct sym_request s = {.names = "test_symbols_hidden"};

	CHECK(dwarf_find(&target, this_program(), NULL, 0, r, 3, &err) == 0);
	CHECK(symbols_find(&target, this_program(), &s, 1, false, &err) == 0);
	CHECK(s.found && r[0].found && r[0].value == s.value);
	CHECK(r[0].size == sizeof(test_symbols_hidden) && s.size == r[0].size);
	CHECK(!r[1].found && !r[2].found);
}

TEST(symbols_by_name)
{
	struct sym_request r[] = {
		{.names = "none|test_symbols_outer"},
		{.names = "no_such_symbol"},
		{.names = "test_symbols_outer", .cu = "test_symbols.c"},
		{.names = "main"},
	};

	CHECK(symbols_find(&target, this_program(), r, 4, false, &err) == 0);
	CHECK(r[0].found && r[0].size == sizeof(struct outer));
	CHECK(!r[1].found && !r[2].found && r[3].found);
	CHECK((uintptr_t)&test_symbols_outer - r[0].value == (uintptr_t)main - r[3].value);
}

TEST(dynamic_symbols_need_a_file)
{
	const struct module missing = {.name = "/lib/missing.so"};
	struct sym_request r = {.names = "read|getpid"};
	struct member_request m = {.structs = "outer"};

	CHECK(symbols_find(&target, this_program(), &r, 1, true, &err) == 0);
	CHECK(!r.found); // undefined here
	CHECK(symbols_find(&target, &missing, &r, 1, true, &err) == CCORE_ENOTFOUND);
	CHECK(symbols_find(&target, &missing, &r, 1, false, &err) == CCORE_ENOTFOUND);
	CHECK(dwarf_find(&target, &missing, &m, 1, NULL, 0, &err) == CCORE_ENOTFOUND);
	CHECK(strstr(err.text, "/lib/missing.so") && strstr(err.text, "/usr/lib/debug"));
}

TEST(what_is_found_already_is_left_alone)
{
	struct sym_request r = {.names = "main", .found = true, .value = 77};
	struct member_request m = {.structs = "outer", .found = true, .size = 77};

	CHECK(symbols_find(&target, this_program(), &r, 1, false, &err) == 0 && r.value == 77);
	CHECK(dwarf_find(&target, this_program(), &m, 1, NULL, 0, &err) == 0 && m.size == 77);
}

TEST(addresses_of_variables_have_names)
{
	const char *slash;
	struct strbuf text = {0}, expected = {0};
	struct symbol_index x = {.target = &target};

	// As if it were mapped at the addresses of the file: those of a static address plus bias.
	struct sym_request r = {.names = "test_symbols_outer"};

	(void)this_program();
	CHECK(symbols_find(&target, &self, &r, 1, false, &err) == 0 && r.found);
	self.bias = (addr_t)(uintptr_t)&test_symbols_outer - r.value;
	self.start = self.bias;
	self.end = (addr_t)(uintptr_t)&test_symbols_outer + (1u << 20);
	target.modules.data = &self;
	target.modules.n = 1;
	slash = strrchr(self_path, '/');
	symbol_at(&x, (addr_t)(uintptr_t)&test_symbols_outer, &text);
	strbuf_printf(&expected, "%s:test_symbols_outer", slash + 1);
	CHECK(strcmp(text.data, expected.data) == 0);
	CHECK(strcmp(symbol_name_at(&x, (addr_t)(uintptr_t)&test_symbols_hidden[1]),
		     "test_symbols_hidden") == 0);
	strbuf_done(&text);
	symbol_at(&x, (addr_t)(uintptr_t)&test_symbols_hidden[1], &text);
	CHECK(strstr(text.data, ":test_symbols_hidden+0x8"));
	CHECK(!symbol_name_at(&x, self.start + 1));
	CHECK(!symbol_name_at(&x, self.end));
	target.modules.data = NULL;
	target.modules.n = 0;
	self.bias = 0;
	strbuf_done(&text);
	strbuf_done(&expected);
	symbol_index_done(&x);
}
