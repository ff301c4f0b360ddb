// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/malloc_notes.h"

// The file of musl's libc: ld-musl-x86_64.so.1, or a libc.so in a folder of its own.
static const struct module *musl(const struct target *t)
{
	for (uint64_t i = 0; i < t->modules.n; i++) {
		const struct module *m = &t->modules.data[i];
		const char *name = strrchr(m->name, '/');

		if (name && (strncmp(name, "/ld-musl-", 9) == 0 || strcmp(name, "/libc.so") == 0) &&
		    strstr(m->name, "musl"))
			return m;
	}
	return NULL;
}

void note_other_malloc(const struct session *s, struct ccore_result *r, const char *then)
{
	const struct module *m = musl(&s->target);

	if (m)
		result_note(r, "the target's malloc is not glibc's, but musl's (%s)%s", m->name,
			    then);
	else if (s->target.damage.count[DAMAGE_TRUNCATED])
		result_note(r, "malloc's variables are cut off, or it is not glibc's%s", then);
	else
		result_note(r, "the target's malloc is not glibc's, or was never used%s", then);
}
