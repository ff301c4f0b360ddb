// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/proc_sample.h"

#include "sym/proc_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The bytes of a line "KEY:   1234 kB" of status or smaps_rollup.
static uint64_t kib_of(const char *text, const char *key)
{
	const uint64_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			return strtoull(line + n + 1, NULL, 10) << 10;
	}
	return SAMPLE_UNKNOWN;
}

// Every attach begins at offset 0 of its segment; a part that mprotect() split off does not.
static uint64_t count_attaches(const char *maps)
{
	uint64_t n = 0;

	for (const char *at = strstr(maps, " /SYSV"); at; at = strstr(at + 1, " /SYSV")) {
		unsigned long long offset;
		const char *line = at;

		while (line > maps && line[-1] != '\n')
			line--;
		n += sscanf(line, "%*x-%*x %*4s %llx", &offset) == 1 && !offset;
	}
	return n;
}

int proc_sample_take(int64_t pid, struct proc_sample *ret, struct ccore_error *err)
{
	struct strbuf status = {0}, rollup = {0}, maps = {0};
	struct proc_sample s = {.pss = SAMPLE_UNKNOWN, .attaches = SAMPLE_UNKNOWN};
	int r = proc_file_read(pid, "status", &status, err);

	if (r == 0) {
		s.vmsize = kib_of(status.data, "VmSize");
		s.rss = kib_of(status.data, "VmRSS");
		s.shr = kib_of(status.data, "RssFile");
		if (s.shr != SAMPLE_UNKNOWN) // both are there, or none
			s.shr += kib_of(status.data, "RssShmem");
		if (s.vmsize == SAMPLE_UNKNOWN) // it waits to be buried
			r = proc_no_memory(pid, err);
	}
	if (r == 0 && proc_file_read(pid, "smaps_rollup", &rollup, NULL) == 0 && rollup.n)
		s.pss = kib_of(rollup.data, "Pss");
	if (r == 0 && proc_file_read(pid, "maps", &maps, NULL) == 0 && maps.n)
		s.attaches = count_attaches(maps.data);
	strbuf_done(&status);
	strbuf_done(&rollup);
	strbuf_done(&maps);
	if (r == 0)
		*ret = s;
	return r;
}
