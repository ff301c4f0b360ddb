// SPDX-License-Identifier: GPL-2.0-or-later
// plot: plot.py, run by a Python that has matplotlib. Neither is needed for anything else.
#include "cli/cli.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define NEEDS_MATPLOTLIB 77 // plot.py's

// The script, and a byte that ends it as a string.
__asm__(".pushsection .rodata\n"
	"plot_script:\n"
	".incbin \"ccore/cli/plot.py\"\n"
	".byte 0\n"
	".popsection\n");
extern const char plot_script[] __attribute__((visibility("hidden")));

extern char **environ;

// The exit status of `python` with the script; -1 when it cannot be run.
static int run_python(const char *python, int argc, char **argv)
{
	char **words = calloc((size_t)argc + 4, sizeof(*words));
	int status, r = -1;
	pid_t child;

	if (!words)
		return -1;
	words[0] = (char *)(uintptr_t)python; // execve() takes them so, and changes nothing
	words[1] = (char *)(uintptr_t) "-c";
	words[2] = (char *)(uintptr_t)plot_script;
	memcpy(words + 3, argv, (size_t)argc * sizeof(*argv));
	if (posix_spawnp(&child, python, NULL, NULL, words, environ) == 0) {
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			continue;
		r = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_UNREADABLE;
	}
	free(words);
	return r == 127 ? -1 : r;
}

int plot_main(int argc, char **argv)
{
	const char *pythons[] = {getenv("NECROPY_PYTHON"), "python3", "/usr/bin/python3"};
	bool any = false;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0)
			continue;
		(void)printf("%s", ccore_command_help(command_index("plot"))); // main() looks
		return EXIT_ANSWERED;
	}
	for (unsigned i = 0; i < sizeof(pythons) / sizeof(pythons[0]); i++) {
		const int status =
			pythons[i] && *pythons[i] ? run_python(pythons[i], argc, argv) : -1;

		any |= status >= 0;
		if (status >= 0 && status != NEEDS_MATPLOTLIB)
			return status;
	}
	(void)fprintf(stderr,
		      any ? "necropy: pictures are drawn by matplotlib, which no Python here has: "
			    "install it (Debian: apt install python3-matplotlib), or name a Python "
			    "that has it in NECROPY_PYTHON; --open draws without\n"
			  : "necropy: plot needs python3, which cannot be run here\n");
	return EXIT_UNREADABLE;
}
