// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of the command line: options of the tool are ours, the first word that is no
 * option is the command, the second the target, and all the rest is for ccore_run().
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_COMMAND UINT64_MAX

struct parser {
	char **argv;
	int argc, next;
	uint64_t command; // index, or NO_COMMAND
	bool options_ended;
	struct line *line;
	struct ccore_error *err;
};

uint64_t command_index(const char *name)
{
	const uint64_t n = ccore_command_n();
	uint64_t i = 0;

	while (i < n && strcmp(ccore_command_name(i), name) != 0)
		i++;
	return i;
}

static void pass_on(struct parser *p, const char *word)
{
	p->line->argv[p->line->argc++] = word;
}

static bool looks_like_a_target(const char *word)
{
	FILE *f = fopen(word, "re");

	if (f)
		(void)fclose(f); // nothing was written
	return f || (*word && strspn(word, "0123456789") == strlen(word));
}

static int set_command(struct parser *p, const char *word)
{
	p->command = command_index(word);
	if (p->command < ccore_command_n()) {
		pass_on(p, word);
		return 0;
	}
	p->command = NO_COMMAND;
	if (looks_like_a_target(word))
		return usage_error(p->err,
				   "the command comes before the target: "
				   "necropy info %.200s",
				   word);
	return ccore_check(&word, 1, p->err); // it knows near names
}

static int take_word(struct parser *p, const char *word)
{
	if (p->command == NO_COMMAND)
		return set_command(p, word);
	if (!p->line->target)
		p->line->target = word;
	else
		pass_on(p, word);
	return 0;
}

// Whether some option of the command begins with the `n` bytes at `word`.
static const char *command_option_like(const struct parser *p, const char *word, size_t n,
				       const char **ret_metavar)
{
	const char *name;

	if (p->command == NO_COMMAND)
		return NULL;
	for (uint64_t j = 0; (name = ccore_command_option(p->command, j)); j++) {
		if (!strncmp(name, word, n)) {
			*ret_metavar = ccore_command_option_metavar(p->command, j);
			return name;
		}
	}
	return NULL;
}

// The option of the tool that is, or alone begins with, the `n` bytes at `word`.
static const struct tool_option *find_tool_option(const struct parser *p, const char *word,
						  size_t n)
{
	const struct tool_option *found = NULL;
	const char *metavar;
	bool several = false;

	for (const struct tool_option *o = tool_options; o->name; o++) {
		if (strncmp(o->name, word, n) != 0)
			continue;
		if (!o->name[n])
			return o;
		several |= found != NULL;
		found = o;
	}
	return several || n < 3 || command_option_like(p, word, n, &metavar) ? NULL : found;
}

static int set_tool_option(struct parser *p, const struct tool_option *o, const char *equals)
{
	const char *value = equals ? equals + 1 : NULL;

	if (!o->metavar && equals)
		return usage_error(p->err, "%s takes no value", o->name);
	if (o->metavar && !value && p->next < p->argc)
		value = p->argv[p->next++];
	if (o->metavar && (!value || !*value))
		return usage_error(p->err, "%s needs a value: %s", o->name, o->metavar);
	return o->set(p->line, value, p->err);
}

// An option of the command goes to ccore_run(), which judges it; here it only matters
// whether the next word is its value.
static int pass_option(struct parser *p, const char *word, const char *equals)
{
	const bool is_long = word[1] == '-';
	const size_t n = is_long ? (equals ? (size_t)(equals - word) : strlen(word)) : 2;
	const char *metavar = "";

	if (p->command == NO_COMMAND)
		return usage_error(p->err,
				   "the command comes before its options: "
				   "necropy COMMAND TARGET %.100s",
				   word);
	pass_on(p, word);
	if (!command_option_like(p, word, n, &metavar) || !*metavar)
		return 0;
	if ((is_long ? !equals : !word[2]) && p->next < p->argc)
		pass_on(p, p->argv[p->next++]);
	return 0;
}

// Whether the command itself has an option of just that name, which takes no value.
static bool is_own_flag(const struct parser *p, const char *word)
{
	const char *metavar = NULL;
	const char *name = command_option_like(p, word, strlen(word), &metavar);

	return name && !strcmp(name, word) && (!metavar || !*metavar);
}

static int take_option(struct parser *p, const char *word)
{
	const char *equals = strchr(word, '=');
	const struct tool_option *o = NULL;

	if (!strcmp(word, "-h"))
		word = "--help";
	// What the command calls so goes to it: "info --layout", but "info --layout=FILE".
	if (word[1] == '-' && !(!equals && is_own_flag(p, word)))
		o = find_tool_option(p, word, equals ? (size_t)(equals - word) : strlen(word));
	return o ? set_tool_option(p, o, equals) : pass_option(p, word, equals);
}

static int take_any(struct parser *p, const char *word)
{
	if (p->options_ended || word[0] != '-' || !word[1])
		return take_word(p, word);
	if (strcmp(word, "--") != 0)
		return take_option(p, word);
	p->options_ended = true;
	if (p->command != NO_COMMAND)
		pass_on(p, word);
	return 0;
}

int line_parse(int argc, char **argv, struct line *ret, struct ccore_error *err)
{
	struct parser p = {
		.argv = argv,
		.argc = argc,
		.next = 1,
		.command = NO_COMMAND,
		.line = ret,
		.err = err,
	};

	*ret = (struct line){.opts = {.size = sizeof(ret->opts)}};
	ret->argv = calloc((size_t)argc + 4, sizeof(*ret->argv)); // line_add_option()
	if (!ret->argv) {
		(void)usage_error(err, "out of memory");
		return err->code = CCORE_ENOMEM;
	}
	while (p.next < p.argc) {
		const int r = take_any(&p, p.argv[p.next++]);

		if (r < 0)
			return r;
	}
	if (ret->help || ret->version)
		return 0;
	if (p.command == NO_COMMAND)
		return usage_error(err, "a command and a target are needed; see necropy --help");
	if (!ret->target)
		return usage_error(err, "%s needs a target: a core file, or a process id",
				   ret->argv[0]);
	return ccore_check(ret->argv, ret->argc, err);
}

void line_drop_value(struct line *line, const char *value)
{
	for (uint64_t i = 1; i < line->argc; i++) {
		const char **word = &line->argv[i];
		const bool follows = *word == value; // the option, which is the word before

		if (!follows && (strlen(*word) <= 2 || *word + 2 != value))
			continue;
		memmove(word - follows, word + 1, (line->argc - i - 1) * sizeof(*word));
		line->argc -= 1u + follows;
		return;
	}
}

void line_add_option(struct line *line, const char *name, const char *value)
{
	// After the command: what follows a "--" is no option.
	memmove(line->argv + 3, line->argv + 1, (line->argc - 1) * sizeof(*line->argv));
	line->argv[1] = name;
	line->argv[2] = value;
	line->argc += 2;
}

void line_done(struct line *line)
{
	free(line->argv);
	line->argv = NULL;
}
