// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plot has files for a target, and the command line tool draws them without a session: here is
 * what it says of itself, and the answer where it is asked for of a target.
 */
#include "command/command.h"
#include "session/session.h"

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	(void)s, (void)a, (void)r;
	return err_set(err, CCORE_EUSAGE, 0,
		       "plot draws the files of record, and no target: run `necropy plot RUN.csv "
		       "-o FILE.svg` in a shell");
}

const struct command command_plot = {
	.name = "plot",
	.summary = "recordings of `record`, as a picture or as lines of text",
	.argument = "",
	.details = "necropy plot RUN.csv... -o FILE.svg draws one or several recordings by "
		   "matplotlib, of the Python that NECROPY_PYTHON names, or else the first "
		   "python3 that has it; -o FILE ends in .svg, .png or .pdf. --open needs none "
		   "and draws on the terminal.",
	.example = "plot run.csv --open --columns rss\n"
		   "run.csv: 5.0 s\n"
		   "  rss  ▁▁▂▂▃▃▄▄▅▅▆▆▇▇██  122.8 MiB → 160.2 MiB\n",
	.writes_output = true,
	.params =
		{
			{"--open", NULL, NULL, NULL, "lines of text on the terminal"},
			{"--columns", "NAMES", NULL, NULL,
			 "only these, one below the other: rss,pss"},
			{"--mark", "SECONDS=TEXT...", NULL, NULL, "a line across at that time"},
		},
	.run = run,
};
