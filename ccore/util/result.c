// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/result.h"

void result_note(struct ccore_result *r, const char *fmt, ...)
{
	struct strbuf sb = {0};
	const char *copy;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&sb, fmt, ap);
	va_end(ap);
	copy = sb.failed ? NULL : arena_strdup(&r->arena, sb.data);
	if (!copy || !vec_push(&r->notes, copy))
		r->incomplete = true; // the sentence is lost, the fact is not
	strbuf_done(&sb);
}

void result_free(struct ccore_result *r)
{
	if (!r)
		return;
	table_done(&r->table);
	table_done(&r->edges);
	vec_done(&r->notes);
	arena_done(&r->arena);
	strbuf_done(&r->rendered);
	strbuf_done(&r->streamed);
	free(r);
}
