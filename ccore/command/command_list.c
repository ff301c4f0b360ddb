// SPDX-License-Identifier: GPL-2.0-or-later
// The commands, in the order help shows them. A new one is its file and one line here.
#include "command/command.h"
#include "util/near.h"

#include <string.h>

#define COMMANDS(X) \
	X(info)     \
	X(types)    \
	X(count)    \
	X(objects)  \
	X(classes)  \
	X(show)     \
	X(refs)     \
	X(backrefs) \
	X(why)      \
	X(graph)    \
	X(report)   \
	X(threads)  \
	X(bt)       \
	X(tasks)    \
	X(locals)   \
	X(print)    \
	X(gc)       \
	X(verify)   \
	X(maps)     \
	X(shm)      \
	X(memory)   \
	X(arenas)   \
	X(malloc)   \
	X(export)   \
	X(record)   \
	X(plot)     \
	X(core)     \
	X(layout)

#define X(name) extern const struct command command_##name;
COMMANDS(X)
#undef X

const struct command *const commands[] = {
#define X(name) &command_##name,
	COMMANDS(X)
#undef X
};

const uint64_t command_n = sizeof(commands) / sizeof(commands[0]);

int command_find(const char *name, const struct command **ret, struct ccore_error *err)
{
	struct near_names near = {.wanted = name};
	struct strbuf hint = {0};

	for (uint64_t i = 0; i < command_n; i++) {
		if (!strcmp(commands[i]->name, name)) {
			*ret = commands[i];
			return 0;
		}
		near_offer(&near, commands[i]->name);
	}
	near_describe(&near, &hint);
	(void)err_set(err, CCORE_EUSAGE, 0, "no command '%.100s'%s", name,
		      hint.n ? hint.data : "; necropy --help, or pm in gdb, lists them");
	strbuf_done(&hint);
	return CCORE_EUSAGE;
}
