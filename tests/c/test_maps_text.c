// SPDX-License-Identifier: GPL-2.0-or-later
// Texts in the format of /proc/PID/maps, and how two lists of mappings become one.
#include "test.h"

#include "sym/mappings.h"

#include <sys/sysmacros.h>

static struct arena arena;
static struct mapping_vec maps;
static struct ccore_error err;

static int parse(const char *text)
{
	maps.n = 0;
	return maps_text_parse(text, strlen(text), &arena, &maps, &err);
}

static void done(void)
{
	arena_done(&arena);
	vec_done(&maps);
}

static struct mapping segment(addr_t start, addr_t end, uint64_t saved, uint64_t lost)
{
	return (struct mapping){.start = start,
				.end = end,
				.flags = MAPPING_R | MAPPING_W | MAPPING_PERMS_KNOWN,
				.saved_bytes = saved,
				.lost_bytes = lost,
				.name = ""};
}

TEST(a_line_of_the_kernel)
{
	CHECK(parse("7f1ae2e00000-7f1ae2f06000 r-xp 00001000 fe:01 73606                      "
		    "/opt/lib python/libpython3.12.so.1.0\n"
		    "7ffda372c000-7ffda374d000 rw-p 00000000 00:00 0                          "
		    "[stack]\n") == 0);
	CHECK(maps.n == 2);
	CHECK(maps.data[0].start == 0x7f1ae2e00000 && maps.data[0].end == 0x7f1ae2f06000);
	CHECK(maps.data[0].offset == 0x1000 && maps.data[0].inode == 73606);
	CHECK(maps.data[0].dev == makedev(0xfe, 1));
	CHECK(maps.data[0].flags ==
	      (MAPPING_R | MAPPING_X | MAPPING_PERMS_KNOWN | MAPPING_SHARED_KNOWN));
	CHECK_TEXT(maps.data[0].name, "/opt/lib python/libpython3.12.so.1.0");
	CHECK_TEXT(maps.data[1].name, "[stack]");
	CHECK(maps.data[1].inode == 0 && maps.data[1].dev == 0);
	done();
}

TEST(shared_is_told_from_private)
{
	CHECK(parse("1000-2000 rw-s 00000000 00:01 98304 /SYSV00001234 (deleted)\n"
		    "2000-3000 ---p 00000000 00:00 0\n") == 0);
	CHECK(maps.data[0].flags & MAPPING_SHARED);
	CHECK(maps.data[0].inode == 98304);
	CHECK(!(maps.data[1].flags & (MAPPING_SHARED | MAPPING_R | MAPPING_W)));
	CHECK_TEXT(maps.data[1].name, "");
	done();
}

TEST(fields_may_be_missing_and_lines_may_end_anyhow)
{
	CHECK(parse("3000-4000 rw-p 00000000\r\n\n  1000-2000 r--p 10 /bin/true") == 0);
	CHECK(maps.n == 2);
	CHECK(maps.data[0].start == 0x1000 && maps.data[0].offset == 0x10);
	CHECK_TEXT(maps.data[0].name, "/bin/true");
	CHECK_TEXT(maps.data[1].name, "");
	CHECK(parse("") == 0 && maps.n == 0);
	done();
}

TEST(the_bad_line_is_named)
{
	static const char *const bad[] = {
		"hello",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 rw",
		"1000-2000 rwzp 0",
		"2000-1000 rw-p 0",
		"11111111111111111-22222222222222222 rw-p 0",
		"1000-2000 rw-p q",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[200];

		(void)snprintf(text, sizeof(text), "1-2 r--p 0\n%s\n", bad[i]);
		CHECK(parse(text) == CCORE_EFORMAT);
		CHECK_TEXT(err.text, "line 2 is not in the format of /proc/PID/maps");
	}
	done();
}

TEST(details_of_smaps_belong_to_the_mapping_before_them)
{
	CHECK(parse("1000-2000 rw-p 0 00:00 0\n"
		    "Size:                  4 kB\n"
		    "Rss:                   4 kB\n"
		    "Pss:                   3 kB\n"
		    "Shared_Dirty:          1 kB\n"
		    "Private_Dirty:         2 kB\n"
		    "VmFlags: rd wr mr mw me ac sd\n"
		    "A000-B000 r--p 0 00:00 0\n") == 0);
	CHECK(maps.n == 2);
	CHECK(maps.data[0].flags & MAPPING_USAGE_KNOWN);
	CHECK(maps.data[0].usage.rss == 4096 && maps.data[0].usage.pss == 3072);
	CHECK(maps.data[0].usage.dirty == 3072);
	CHECK(!(maps.data[1].flags & MAPPING_USAGE_KNOWN));
	CHECK(parse("Rss: 4 kB\n") == CCORE_EFORMAT);
	CHECK(parse("1000-2000 rw-p 0\nRss: much\n") == CCORE_EFORMAT);
	done();
}

TEST(part_of_a_mapping_has_no_usage)
{
	struct mapping_vec core = {0};
	const struct mapping half = segment(0x1000, 0x2000, 0, 0);
	const struct mapping whole = segment(0x5000, 0x6000, 0, 0);

	CHECK(vec_push(&core, half) && vec_push(&core, whole));
	CHECK(parse("1000-3000 rw-p 0\nRss: 8 kB\n5000-6000 rw-p 0\nRss: 4 kB\n") == 0);
	CHECK(mappings_overlay(&core, &maps, NULL) == 0);
	CHECK(core.n == 3 && !(core.data[0].flags & MAPPING_USAGE_KNOWN));
	CHECK(core.data[2].flags & MAPPING_USAGE_KNOWN && core.data[2].usage.rss == 4096);
	vec_done(&core);
	done();
}

TEST(overlapping_mappings_are_cut)
{
	CHECK(parse("1000-5000 rw-p 0 00:00 1 a\n2000-3000 r--p 0 00:00 1 b\n"
		    "2000-2000 r--p 0 00:00 1 c\n") == 0);
	CHECK(maps.n == 2);
	CHECK(maps.data[0].end == 0x2000 && maps.data[1].end == 0x3000);
	done();
}

TEST(find_is_by_address)
{
	CHECK(parse("1000-2000 rw-p 0 00:00 1 a\n3000-4000 r--p 0 00:00 1 b\n") == 0);
	CHECK(!mappings_find(&maps, 0xfff) && !mappings_find(&maps, 0x2000));
	CHECK(mappings_find(&maps, 0x1fff) == &maps.data[0]);
	CHECK(mappings_find(&maps, 0x3000) == &maps.data[1]);
	CHECK(!mappings_find(&maps, 0x4000));
	done();
}

TEST(neighbouring_attaches_of_one_segment_stay_two)
{
	struct mapping_vec core = {0};
	const struct mapping s = segment(0x10000, 0x30000, 0x18000, 0x8000);

	CHECK(vec_push(&core, s));
	CHECK(parse("10000-20000 rw-s 0 00:01 7 /SYSV00000001\n"
		    "20000-30000 rw-s 0 00:01 7 /SYSV00000001\n") == 0);
	CHECK(mappings_overlay(&core, &maps, NULL) == 0);
	CHECK(core.n == 2);
	CHECK(core.data[0].offset == 0 && core.data[1].offset == 0);
	CHECK(core.data[0].saved_bytes == 0x10000 && core.data[0].lost_bytes == 0);
	CHECK(core.data[1].saved_bytes == 0x8000 && core.data[1].lost_bytes == 0x8000);
	CHECK(core.data[1].flags & MAPPING_SHARED_KNOWN);
	vec_done(&core);
	done();
}

TEST(overlay_keeps_what_only_one_side_knows)
{
	struct mapping_vec core = {0};
	const struct mapping a = segment(0x1000, 0x4000, 0x3000, 0);
	const struct mapping b = segment(0x8000, 0x9000, 0x1000, 0);

	CHECK(vec_push(&core, a) && vec_push(&core, b));
	CHECK(parse("2000-3000 r--p 100 00:00 0 x\n5000-6000 r--p 0 00:00 0 y\n"
		    "8800-a000 r--p 0 00:00 0 z\n") == 0);
	CHECK(mappings_overlay(&core, &maps, NULL) == 0);
	CHECK(core.n == 7);
	CHECK_TEXT(core.data[0].name, "");
	CHECK_TEXT(core.data[1].name, "x");
	CHECK(core.data[1].offset == 0x100 && core.data[1].saved_bytes == 0x1000);
	CHECK_TEXT(core.data[3].name, "y");
	CHECK(core.data[3].saved_bytes == 0);
	CHECK(core.data[5].start == 0x8800 && core.data[5].end == 0x9000);
	CHECK(core.data[6].end == 0xa000 && core.data[6].saved_bytes == 0);
	CHECK(core.data[6].offset == 0x800);
	vec_done(&core);
	done();
}

TEST(shared_memory_is_known_by_its_name)
{
	static const struct {
		const char *name;
		bool shared;
	} names[] = {
		{"/SYSV00001234 (deleted)", true},   {"/dev/shm/x", true},
		{"/memfd:x (deleted)", true},	     {"/dev/zero (deleted)", true},
		{"/anon_hugepage (deleted)", false}, {"/dev/zero", false},
		{"/usr/bin/python3", false},	     {"", false},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mapping m = segment(0x1000, 0x2000, 0, 0);
		struct mapping_vec v = {&m, 1, 1};

		m.name = names[i].name;
		mappings_infer_shared(&v);
		CHECK(!!(m.flags & MAPPING_SHARED) == names[i].shared);
		CHECK(!(m.flags & MAPPING_SHARED_KNOWN));
	}
}
