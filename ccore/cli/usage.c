// SPDX-License-Identifier: GPL-2.0-or-later
// --help.
#include "cli/cli.h"

#include <stdio.h>

static void print_tool_options(void)
{
	for (const struct tool_option *o = tool_options; o->name; o++) {
		char text[40];

		(void)snprintf(text, sizeof(text), "%s%s%s", o->name, o->metavar ? " " : "",
			       o->metavar ? o->metavar : ""); // they are short
		(void)printf("  %-22s  %s\n", text, o->help); // main() checks stdout
	}
}

void help_print(void)
{
	(void)printf("Look into the Python heap of a core dump, or of a paused process.\n\n"
		     "  necropy COMMAND TARGET [ARGUMENT] [OPTION]...\n\n"
		     "TARGET is a core file, or a process id: the process is stopped while it is\n"
		     "read, and never written to.\n\n"
		     "Commands:\n");
	for (uint64_t i = 0; i < ccore_command_n(); i++)
		(void)printf("  %-22s  %s\n", ccore_command_name(i), ccore_command_summary(i));
	(void)printf("\nOptions of every command (more: necropy COMMAND --help):\n");
	print_tool_options();
	(void)printf(
		"\nExit status: 0 answered; 1 a mistake in the command line; 2 the target\n"
		"cannot be read or holds no CPython; 3 answered, but something was missing.\n");
}

void help_print_command(uint64_t i)
{
	(void)printf("%s\nOptions of the tool:\n", ccore_command_help(i)); // main() checks stdout
	print_tool_options();
}
