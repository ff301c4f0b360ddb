// SPDX-License-Identifier: GPL-2.0-or-later
// strbuf, near names, hashmap, table, arena, checked arithmetic, errors, damage.
#include "test.h"

#include "util/arena.h"
#include "util/checked.h"
#include "util/damage.h"
#include "util/hashmap.h"
#include "util/near.h"
#include "util/siphash.h"
#include "util/strbuf.h"
#include "util/table.h"
#include "util/vec.h"

static struct strbuf sb;

#define CHECK_ADDS(call, want)             \
	do {                               \
		sb.n = 0;                  \
		call;                      \
		CHECK_TEXT(sb.data, want); \
		strbuf_done(&sb);          \
	} while (0)

TEST(siphash_gives_the_values_of_its_authors)
{
	uint8_t key[16], data[15];

	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	memcpy(data, key, sizeof(data));
	CHECK(siphash(key, data, 15) == 0xa129ca6149be45e5);
	CHECK(siphash(key, data, 0) == 0x726fdb47dd0e0e31);
	CHECK(siphash(key, data, 8) != siphash(key, data, 7));
}

TEST(strbuf_json_is_ascii)
{
	CHECK_ADDS(strbuf_add_json(&sb, "a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\u000a\\u0001\"");
	CHECK_ADDS(strbuf_add_json(&sb, "é€😀\x7f"), "\"\\u00e9\\u20ac\\ud83d\\ude00\\u007f\"");
	CHECK_ADDS(strbuf_add_json(&sb, "\xff\xc0\x80\xed\xa0\x80"),
		   "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
	CHECK_ADDS(strbuf_add_json(&sb, "\xe2\x82"), "\"\\ufffd\\ufffd\"");
}

TEST(strbuf_printable_keeps_terminals_safe)
{
	CHECK_ADDS(strbuf_add_printable(&sb, "\033[2Jé\x9b\n", 8), "\\x1b[2Jé\\x9b\\x0a");
	CHECK_ADDS(strbuf_add_printable(&sb, "\xc2\x9b", 2), "\\xc2\\x9b");
	CHECK_ADDS(strbuf_add_printable(&sb, "\0", 1), "\\x00");
}

TEST(strbuf_dot_html_csv)
{
	CHECK_ADDS(strbuf_add_dot(&sb, "a\"b\\n\n"), "\"a\\\"b\\\\n\\n\"");
	CHECK_ADDS(strbuf_add_html(&sb, "<a href=\"&\">\n"),
		   "&lt;a href=&quot;&amp;&quot;&gt;\\x0a");
	CHECK_ADDS(strbuf_add_csv(&sb, "plain"), "plain");
	CHECK_ADDS(strbuf_add_csv(&sb, "a,\"b\""), "\"a,\"\"b\"\"\"");
}

TEST(strbuf_numbers)
{
	CHECK_ADDS(strbuf_add_count(&sb, 0), "0");
	CHECK_ADDS(strbuf_add_count(&sb, 1204331), "1,204,331");
	CHECK_ADDS(strbuf_add_count(&sb, UINT64_MAX), "18,446,744,073,709,551,615");
	CHECK_ADDS(strbuf_add_size(&sb, 17), "17 B");
	CHECK_ADDS(strbuf_add_size(&sb, 1023), "1023 B");
	CHECK_ADDS(strbuf_add_size(&sb, 1024), "1.0 KiB");
	CHECK_ADDS(strbuf_add_size(&sb, 1048575), "1.0 MiB");
	CHECK_ADDS(strbuf_add_size(&sb, UINT64_MAX), "16.0 EiB");
}

TEST(strbuf_utf8)
{
	CHECK_ADDS(strbuf_add_utf8(&sb, 0x20ac), "€");
	CHECK_ADDS(strbuf_add_utf8(&sb, 0x1f600), "😀");
	CHECK_ADDS(strbuf_add_utf8(&sb, 0xd800), "\xef\xbf\xbd");
	CHECK_ADDS(strbuf_add_utf8(&sb, 0x110000), "\xef\xbf\xbd");
	CHECK(text_width("né€😀") == 4);
}

TEST(strbuf_grows)
{
	for (unsigned i = 0; i < 10000; i++)
		strbuf_printf(&sb, "%u,", i);
	CHECK(sb.n == 48890 && !sb.failed && strlen(sb.data) == sb.n);
	strbuf_pad(&sb, ' ', 100000);
	CHECK(sb.n == 148890 && sb.data[sb.n] == '\0');
	strbuf_done(&sb);
}

TEST(near_names)
{
	struct near_names near = {.wanted = "tyeps"};

	CHECK(near_distance("types", "types") == 0 && near_distance("tyeps", "types") == 1);
	CHECK(near_distance("", "abc") == 3 && near_distance("TYPES", "types") == 0);
	CHECK(near_distance("kitten", "sitting") == 3);
	near_offer(&near, "gc");
	near_offer(&near, "type");
	near_offer(&near, "types");
	near_offer(&near, "types");
	CHECK_ADDS(near_describe(&near, &sb), "; did you mean types or type?");
	near = (struct near_names){.wanted = "DB"};
	near_offer(&near, "dict");
	near_offer(&near, "__main__.DBs");
	CHECK_ADDS(near_describe(&near, &sb), "; did you mean __main__.DBs?");
	near = (struct near_names){.wanted = "foo"};
	near_offer(&near, "bar");
	near_offer(&near, "for");
	near_offer(&near, "two");
	near_offer(&near, "buffoon");
	CHECK_ADDS(near_describe(&near, &sb), "; did you mean for?");
}

TEST(near_names_keep_the_best_three)
{
	struct near_names near = {.wanted = "abcdef"};
	const char *const offers[] = {"abcxyf", "abcdxf", "abcdefg", "axcdef", "abcdef"};

	for (unsigned i = 0; i < 5; i++)
		near_offer(&near, offers[i]);
	CHECK(near.n == 3);
	CHECK_ADDS(near_describe(&near, &sb), "; did you mean abcdef, abcdxf or abcdefg?");
}

TEST(hashmap_many_keys)
{
	struct hashmap m = {0};
	uint32_t value = 0;

	CHECK(!hashmap_get(&m, 1, &value));
	for (uint32_t i = 1; i <= 5000; i++)
		CHECK(hashmap_put(&m, i * 16ull, i));
	CHECK(hashmap_put(&m, 16, 9) && m.n == 5000);
	CHECK(hashmap_get(&m, 16, &value) && value == 9);
	for (uint32_t i = 2; i <= 5000; i++)
		CHECK(hashmap_get(&m, i * 16ull, &value) && value == i);
	CHECK(!hashmap_get(&m, 8, &value) && !hashmap_get(&m, 0, &value));
	hashmap_done(&m);
}

TEST(table_totals_are_of_all_rows)
{
	struct table t = {0};
	const uint64_t name = table_column(&t, "type", "", CCORE_STR, 0);
	const uint64_t size =
		table_column(&t, "size", "bytes", CCORE_U64, COLUMN_TOTAL | COLUMN_NULLABLE);

	for (uint64_t i = 0; i < 100; i++) {
		const uint64_t row = table_row(&t);

		table_set_str(&t, row, name, i % 2 ? "x" : NULL);
		table_set_u64(&t, row, size, i == 7 ? TABLE_UNKNOWN : i);
	}
	CHECK(table_finish(&t, 10, NULL) == 0);
	CHECK(t.row_n == 10 && t.all_n == 100 && t.columns[size].total == 4950 - 7);
	CHECK(!t.columns[name].str[0]);
	CHECK_TEXT(t.columns[name].str[1], "x");
	table_done(&t);
}

TEST(arena_survives_large_and_many)
{
	struct arena a = {0};
	char *first = arena_strdup(&a, "first"), *p;

	for (unsigned i = 0; i < 5000; i++)
		CHECK(arena_printf(&a, "text %u", i));
	p = arena_alloc(&a, 1000000);
	CHECK(p && !p[0] && !p[999999] && (uintptr_t)p % 16 == 0);
	CHECK(!arena_strdup(&a, NULL) && !arena_alloc(&a, UINT64_MAX));
	CHECK_TEXT(first, "first");
	CHECK(arena_alloc(&a, 0));
	arena_done(&a);
}

TEST(checked_arithmetic)
{
	uint64_t x = 0;

	CHECK(!u64_add(UINT64_MAX, 1, &x) && u64_add(1, 2, &x) && x == 3);
	CHECK(!u64_mul(1ull << 33, 1ull << 33, &x) && u64_mul(6, 7, &x) && x == 42);
	CHECK(u64_align_up(17, 16, &x) && x == 32 && !u64_align_up(UINT64_MAX, 16, &x));
}

TEST(errors_are_cut_not_overrun)
{
	struct ccore_error e = {0};
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK(err_set(&e, CCORE_EIO, 5, "%s", text) == CCORE_EIO && e.addr == 5);
	CHECK(strlen(e.text) == sizeof(e.text) - 1);
	CHECK(err_prefix(&e, CCORE_EIO, "while %s", "reading") == CCORE_EIO);
	CHECK(!strncmp(e.text, "while reading: xxx", 18));
	CHECK(err_set(NULL, CCORE_ENOMEM, 0, "none") == CCORE_ENOMEM);
}

TEST(damage_merges)
{
	struct damage a = {0}, b = {0};

	CHECK(!damage_any(&a));
	damage_note(&b, DAMAGE_BAD_LINK, 0x10);
	damage_note(&b, DAMAGE_BAD_LINK, 0x20);
	damage_merge(&a, &b);
	CHECK(damage_any(&a) && a.count[DAMAGE_BAD_LINK] == 2 && a.first[DAMAGE_BAD_LINK] == 0x10);
	CHECK_TEXT(damage_name(DAMAGE_BAD_LINK), "bad-link");
}

TEST(vec_grows)
{
	VEC(uint64_t) v = {0};

	for (uint64_t i = 0; i < 1000; i++)
		CHECK(vec_push(&v, i));
	CHECK(v.n == 1000 && v.data[999] == 999 && vec_pop(&v) == 999 && v.n == 999);
	CHECK(!vec_reserve(&v, UINT64_MAX));
	vec_done(&v);
}
