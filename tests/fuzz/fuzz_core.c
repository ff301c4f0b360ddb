// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a core file, and the commands that together walk all of it: the whole program, but
 * for the command line. A real core as a seed is changed word by word, since bytes alone seldom
 * make a pointer; tests/test_mutated_cores.py does the same to many of them.
 */
#include "ccore.h"

#include <stddef.h>
#include <string.h>

#define REAL_CORE_BYTES (1u << 18) // smaller ones hold no interpreter
#define WORDS_MAX 7u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
// libFuzzer's; not there when driver.c runs the corpus.
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static const char *const questions[][WORDS_MAX] = {
	{"info", "--layout"},
	{"types", "--json"},
	{"types", "--gc"},
	{"maps", "-n", "all"},
	{"shm", "--csv"},
	{"gc"},
	{"bt", "--locals", "--native"},
	{"threads"},
	{"tasks", "--all"},
	{"locals"},
	{"report", "crash"},
	{"why", "dict", "-k", "3"},
	{"why", "module", "--to", "any", "-k", "2"},
	{"objects", "*", "--where", "a.b!=1", "-n", "50"},
	{"graph", "dict", "--direction", "both", "--depth", "2"},
	{"classes", "--json"},
	{"verify", "-n", "all"},
	{"export", "--roots"},
	{"memory", "--json"},
	{"memory", "--blame", "--below", "100"},
	{"arenas", "--each"},
	{"malloc"},
	{"gc", "--cycles"},
	{"report", "hang"},
};

static void ask(struct ccore_session *s, const char *const *argv)
{
	uint64_t argc = 0;
	struct ccore_result *result;
	const char *text;
	uint64_t n;

	while (argc < WORDS_MAX && argv[argc])
		argc++;
	if (ccore_run(s, argv, argc, &result, NULL) < 0)
		return;
	(void)ccore_result_render(result, 80, 0, &text, &n, NULL); // any outcome but a crash
	ccore_result_free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ccore_open_opts opts = {
		.size = sizeof(opts),
		.max_bytes = 1ull << 30,
		.threads = 1,
		.flags = CCORE_OPEN_NO_CACHE,
	};
	struct ccore_session *s;

	if (ccore_open_core_mem(data, size, &opts, &s, NULL) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		ask(s, questions[i]);
	ccore_close(s);
	return 0;
}

// -- mutation of real cores

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 20;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const uint64_t hostile[] = {0,	       1,	  8,	      UINT32_MAX, 1u << 20,
					   1ull << 47, INT64_MAX, 1ull << 63, UINT64_MAX};
	uint64_t state = seed, word;

	if (size < REAL_CORE_BYTES || next_random(&state) % 8 == 0)
		return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, max) : size;
	for (uint64_t n = next_random(&state) % 200; n; n--) {
		memcpy(&word, data + next_random(&state) % (size / 8) * 8, sizeof(word));
		if (next_random(&state) % 4 == 0)
			word = hostile[next_random(&state) %
				       (sizeof(hostile) / sizeof(hostile[0]))];
		memcpy(data + next_random(&state) % (size / 8) * 8, &word, sizeof(word));
	}
	return size;
}
