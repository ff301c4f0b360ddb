// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * C unit tests. A file includes this once and has any number of
 *
 *	TEST(name) { CHECK(1 + 1 == 2); }
 *
 * Run without arguments it runs all, with arguments those whose names contain one of them,
 * with --list it prints the names. The exit status is 1 when a check failed.
 */
#ifndef NECROPY_TEST_H
#define NECROPY_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

static struct test *test_first, **test_end = &test_first;
static unsigned test_checks_failed;

#define TEST(id)                                                            \
	static void test_run_##id(void);                                    \
	__attribute__((constructor)) static void test_add_##id(void)        \
	{                                                                   \
		static struct test t = {.name = #id, .run = test_run_##id}; \
		*test_end = &t;                                             \
		test_end = &t.next;                                         \
	}                                                                   \
	static void test_run_##id(void)

#define CHECK(expr)                                                                     \
	do {                                                                            \
		if (!(expr)) {                                                          \
			(void)printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #expr); \
			test_checks_failed++;                                           \
		}                                                                       \
	} while (0)

/** Whether two texts are equal; shows both when not. */
#define CHECK_TEXT(is, want)                                                                    \
	do {                                                                                    \
		const char *is_ = (is), *want_ = (want);                                        \
		if (!is_ || strcmp(is_, want_) != 0) {                                          \
			(void)printf("%s:%d: %s is\n%s\n--- and not\n%s\n", __FILE__, __LINE__, \
				     #is, is_ ? is_ : "NULL", want_);                           \
			test_checks_failed++;                                                   \
		}                                                                               \
	} while (0)

static bool test_is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (struct test *t = test_first; t; t = t->next)
			(void)puts(t->name);
		return 0;
	}
	for (struct test *t = test_first; t; t = t->next) {
		if (!test_is_wanted(t->name, argc, argv))
			continue;
		test_checks_failed = 0;
		t->run();
		(void)printf("%s %s\n", test_checks_failed ? "FAILED" : "passed", t->name);
		failed += test_checks_failed != 0;
		passed += test_checks_failed == 0;
	}
	(void)printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

#endif
