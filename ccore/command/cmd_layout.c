// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "session/session.h"

#include "layout/layout_text.h"
#include "util/sink.h"

static void summarize(const struct layout *l, uint64_t bytes, const char *path, struct table *t)
{
	const uint64_t build = table_column(t, "build", "", CCORE_STR, 0);
	const uint64_t source = table_column(t, "source", "", CCORE_STR, 0);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, 0);
	const uint64_t file = table_column(t, "file", "", CCORE_STR, 0);
	const uint64_t row = table_row(t);

	t->noun = "layouts";
	table_set_str(t, row, build, l->module->name);
	table_set_str(t, row, source, layout_source(l));
	table_set_u64(t, row, size, bytes);
	table_set_str(t, row, file, path);
}

static int stream(struct session *s, const struct args *a, struct sink *sink,
		  struct ccore_result *r, struct ccore_error *err)
{
	const struct layout *l = &s->heap.layout;
	struct strbuf text = {0};
	int status;

	layout_text_write(l, &text);
	status = text.failed ? err_nomem(err) : sink->write(sink, text.data, text.n, err);
	if (status == 0)
		summarize(l, text.n, a->output, &r->table);
	strbuf_done(&text);
	return status;
}

const struct command command_layout = {
	.name = "layout",
	.summary = "write the layout of an interpreter, for use where its symbols are not",
	.argument = "",
	.details = "The target may also be the interpreter's binary: python, or libpython where "
		   "there is one. What is written is text; --layout FILE takes it on another "
		   "machine. Of a process or core it has the structs of the extension modules "
		   "that are loaded, too.",
	.example = "layout -o 3.11.2.layout\n"
		   "build               source   size  file\n"
		   "/usr/bin/python3.11 dwarf  29.8 KiB  3.11.2.layout\n",
	.reads_program = true,
	.streams_text = true,
	.stream = stream,
};
