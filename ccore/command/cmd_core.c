// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * core is the command line tool's: gdb takes the core, and the tool asks it to. Here is what it
 * says of itself, and the answer in gdb, which has the process already.
 */
#include "command/command.h"
#include "session/session.h"

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	(void)s, (void)a, (void)r;
	return err_set(err, CCORE_EUSAGE, 0,
		       "core is for a shell: run `necropy core PID -o FILE`; in gdb, "
		       "generate-core-file does it");
}

const struct command command_core = {
	.name = "core",
	.summary = "take a core of a process that runs on, with its maps",
	.argument = "",
	.details = "necropy core PID -o FILE lets gdb write a core, as gcore does, and copies "
		   "/proc/PID/maps and smaps while the process is held: FILE.maps and FILE.smaps, "
		   "which are found when the core is opened. /proc/PID/coredump_filter says what "
		   "is saved, and it is told what was not. The files can be read by their owner "
		   "only. The core is tried at once.",
	.example = "core 4711 -o app.core\n"
		   "app.core (31.2 MiB), app.core.maps, app.core.smaps\n"
		   "coredump_filter is 0x33; not saved: private mappings of files; …\n"
		   "the process was stopped for less than 0.6 s\n",
	.writes_output = true,
	.run = run,
};
