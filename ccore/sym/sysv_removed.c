// SPDX-License-Identifier: GPL-2.0-or-later
// target_read_removed(): which of a process's System V segments are marked for removal.
#include "sym/mappings.h"
#include "sym/proc_file.h"
#include "util/hashmap.h"

#include <stdio.h>
#include <unistd.h>

#define SHM_DEST 01000u // among the permissions, in octal

// Segments have numbers within a namespace: only those of our own are to be looked up.
static bool shares_namespace(int64_t pid)
{
	char path[64], theirs[64] = "", ours[64] = "";
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%lld/ns/ipc", (long long)pid); // fits
	n = readlink(path, theirs, sizeof(theirs) - 1);
	return n > 0 && readlink("/proc/self/ns/ipc", ours, sizeof(ours) - 1) == n &&
	       strcmp(theirs, ours) == 0;
}

// Lines "key shmid perms …"; the keys are shmid + 1, as 0 is no key.
static int read_removed(struct hashmap *ret, struct ccore_error *err)
{
	char line[512];
	unsigned perms;
	long long shmid;
	FILE *f = fopen("/proc/sysvipc/shm", "re");
	bool ok = true;

	while (f && ok && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %lld %o", &shmid, &perms) == 2 && shmid >= 0 &&
		    perms & SHM_DEST)
			ok = hashmap_put(ret, (uint64_t)shmid + 1, 1);
	if (f)
		(void)fclose(f); // only read
	return ok ? 0 : err_nomem(err);
}

int target_read_removed(struct target *t, struct ccore_error *err)
{
	struct hashmap removed = {0};
	uint32_t one;
	int r;

	if (t->kind != TARGET_PROCESS || !shares_namespace(t->pid))
		return 0;
	r = read_removed(&removed, err);
	for (uint64_t i = 0; r == 0 && i < t->mappings.n; i++) {
		struct mapping *m = &t->mappings.data[i];

		if (strncmp(m->name, "/SYSV", 5) == 0 && hashmap_get(&removed, m->inode + 1, &one))
			m->flags |= MAPPING_REMOVED;
	}
	hashmap_done(&removed);
	return r;
}
