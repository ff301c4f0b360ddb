// SPDX-License-Identifier: GPL-2.0-or-later
// Finding Unicorn at run time: who has it gets exact answers, who has not gets marked guesses.
#include "emu/engine.h"

#include <dlfcn.h>
#include <pthread.h>

#define LIBRARY "libunicorn.so.2"

static struct emu_library library;
static const char *why_not;

static void load(void)
{
	// For tests, and for those whose library is elsewhere.
	const char *path = getenv("NECROPY_UNICORN");
	static void *handle; // kept as long as the process lives
	unsigned major = 0, minor = 0;

	handle = dlopen(path && *path ? path : LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		why_not = "there is no " LIBRARY " (on Debian: install libunicorn2)";
		return;
	}
#define X(name)                                         \
	*(void **)&library.name = dlsym(handle, #name); \
	if (!library.name)                              \
		why_not = "the library found as " LIBRARY " is another";
	EMU_FUNCTIONS(X)
#undef X
	if (!why_not) {
		(void)library.uc_version(&major, &minor); // their combination, it returns
		if (major != UC_API_MAJOR)
			why_not = "the library found as " LIBRARY " is another version";
	}
}

const struct emu_library *emu_library_get(const char **ret_why_not)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, load); // of a static one: cannot fail
	*ret_why_not = why_not;
	return why_not ? NULL : &library;
}
