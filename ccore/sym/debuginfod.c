// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/debuginfod.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define LIBRARY "libdebuginfod.so.1"

static struct {
	void *handle; // kept as long as the process lives
	void *(*debuginfod_begin)(void);
	void (*debuginfod_end)(void *client);
	int (*debuginfod_find_executable)(void *client, const unsigned char *build_id,
					  int build_id_n, char **path);
} library;

static void load(void)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return;
	library.handle = handle;
	*(void **)&library.debuginfod_begin = dlsym(handle, "debuginfod_begin");
	*(void **)&library.debuginfod_end = dlsym(handle, "debuginfod_end");
	*(void **)&library.debuginfod_find_executable = dlsym(handle, "debuginfod_find_executable");
}

char *debuginfod_program(const uint8_t *build_id, uint32_t build_id_n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *servers = getenv("DEBUGINFOD_URLS");
	char *path = NULL;
	void *client;
	int fd = -1;

	if (!servers || !*servers || !build_id_n)
		return NULL;
	(void)pthread_once(&once, load); // cannot fail
	if (!library.debuginfod_begin || !library.debuginfod_end ||
	    !library.debuginfod_find_executable)
		return NULL;
	client = library.debuginfod_begin();
	if (client)
		fd = library.debuginfod_find_executable(client, build_id, (int)build_id_n, &path);
	if (client)
		library.debuginfod_end(client);
	if (fd < 0)
		return NULL;
	(void)close(fd); // read only
	return path;
}
