// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a core file, and the commands that walk most of it.
#include "ccore.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct ccore_session *s, const char *const *argv, uint64_t argc)
{
	struct ccore_result *result;
	const char *text;
	uint64_t n;

	if (ccore_run(s, argv, argc, &result, NULL) < 0)
		return;
	(void)ccore_result_render(result, 80, 0, &text, &n, NULL); // any outcome but a crash
	ccore_result_free(result);
}

#define ASK(s, ...)                                  \
	ask((s), (const char *const[]){__VA_ARGS__}, \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

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
	ASK(s, "info", "--layout");
	ASK(s, "types", "--json");
	ASK(s, "maps", "-n", "all");
	ASK(s, "shm");
	ASK(s, "why", "dict", "-k", "3");
	ccore_close(s);
	return 0;
}
