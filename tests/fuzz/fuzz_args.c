// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a command line, words separated by NUL, and each word as a condition.
#include "command/command.h"
#include "command/condition.h"

#include <string.h>

#define WORDS_MAX 32u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct command command = {
	.name = "why",
	.argument = "ADDR|TYPE",
	.params =
		{
			{"--to", "GOAL", NULL, "module", "where chains end"},
			{"--by", "KEY", "count|size", "size", "order"},
			{"--format", "FORMAT", "dot|svg|png", "dot", "of the picture"},
			{"--gc", NULL, NULL, NULL, "tracked only"},
			{"-k", "N", NULL, "1", "how many"},
			{"--where", "EXPR...", NULL, NULL, "conditions"},
		},
};

static void try_condition(const char *word)
{
	struct condition c;

	if (condition_parse(word, &c, NULL) < 0)
		return;
	(void)condition_text(&c, word); // any outcome but a crash
	(void)condition_number(&c, 1);
	condition_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *words[WORDS_MAX] = {"why"};
	char *text = malloc(size + 1);
	struct args args;
	uint64_t n = 1, k;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (char *word = text; word <= text + size && n < WORDS_MAX; word += strlen(word) + 1)
		words[n++] = word;
	if (args_parse(&command, words, n, &args, NULL) == 0)
		(void)args_u64(&args, "-k", &k, NULL); // any outcome but a crash
	for (uint64_t i = 1; i < n; i++)
		try_condition(words[i]);
	free(text);
	return 0;
}
