// SPDX-License-Identifier: GPL-2.0-or-later
// What the library can do, for those who make menus, help and completion of it.
#include "command/command.h"

#include <pthread.h>

static const struct command *command_at(uint64_t i)
{
	return i < command_n ? commands[i] : NULL;
}

static const struct param *param_at(uint64_t i, uint64_t j)
{
	return command_at(i) ? command_param(commands[i], j) : NULL;
}

uint64_t ccore_command_n(void)
{
	return command_n;
}

const char *ccore_command_name(uint64_t i)
{
	return command_at(i) ? commands[i]->name : NULL;
}

const char *ccore_command_summary(uint64_t i)
{
	return command_at(i) ? commands[i]->summary : NULL;
}

const char *ccore_command_argument(uint64_t i)
{
	return command_at(i) ? commands[i]->argument : NULL;
}

// Made once and kept as long as the library is: callers hold on to the texts.
static struct strbuf *helps;

static void make_helps(void)
{
	helps = calloc(command_n, sizeof(*helps));
	for (uint64_t i = 0; helps && i < command_n; i++)
		command_help(commands[i], &helps[i]);
}

const char *ccore_command_help(uint64_t i)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!command_at(i) || pthread_once(&once, make_helps) != 0)
		return NULL;
	return helps && !helps[i].failed ? helps[i].data : commands[i]->summary;
}

const char *ccore_command_option(uint64_t i, uint64_t j)
{
	const struct param *p = param_at(i, j);

	return p ? p->name : NULL;
}

const char *ccore_command_option_metavar(uint64_t i, uint64_t j)
{
	const struct param *p = param_at(i, j);

	if (!p)
		return NULL;
	return p->metavar ? p->metavar : "";
}

const char *ccore_command_option_values(uint64_t i, uint64_t j)
{
	const struct param *p = param_at(i, j);

	if (!p)
		return NULL;
	return p->values ? p->values : "";
}

int32_t ccore_command_streams(uint64_t i)
{
	return command_at(i) && commands[i]->stream;
}

// What does not parse asks for nothing.
static struct args args_of(const char *const *argv, uint64_t argc)
{
	const struct command *command;
	struct args args = {0};

	if (argc && command_find(argv[0], &command, NULL) == 0)
		(void)args_parse(command, argv, argc, &args, NULL); // then `args` stays as it is
	return args;
}

const char *ccore_line_output(const char *const *argv, uint64_t argc)
{
	return args_of(argv, argc).output;
}

const char *ccore_line_format(const char *const *argv, uint64_t argc)
{
	return output_format_name(args_of(argv, argc).format);
}

int32_t ccore_check(const char *const *argv, uint64_t argc, struct ccore_error *err)
{
	const struct command *command;
	struct args args;

	if (!argc)
		return err_set(err, CCORE_EUSAGE, 0, "no command");
	TRY(command_find(argv[0], &command, err));
	return args_parse(command, argv, argc, &args, err);
}
