// SPDX-License-Identifier: GPL-2.0-or-later
// target_read_usage(): how much of each mapping of a process is in RAM.
#include "sym/mappings.h"
#include "sym/proc_file.h"

int target_read_usage(struct target *t, struct ccore_error *err)
{
	struct mapping_vec now = {0};
	struct strbuf text = {0};
	int r;

	if (t->kind != TARGET_PROCESS)
		return 0;
	r = proc_file_read(t->pid, "smaps", &text, err);
	if (r == 0)
		r = maps_text_parse(text.data, text.n, &t->arena, &now, err);
	for (uint64_t i = 0; r == 0 && i < t->mappings.n; i++) {
		struct mapping *m = &t->mappings.data[i];
		const struct mapping *same = mappings_find(&now, m->start);

		if (!same || same->start != m->start || same->end != m->end)
			continue;
		m->usage = same->usage;
		m->flags |= same->flags & MAPPING_USAGE_KNOWN;
	}
	vec_done(&now);
	strbuf_done(&text);
	return r;
}
