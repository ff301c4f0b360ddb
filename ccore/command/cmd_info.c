// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "command/layout_notes.h"
#include "py/redact.h"

#include <inttypes.h>
#include <stdarg.h>

struct info {
	struct session *s;
	struct table *t;
	const struct result_target *target; // as every answer describes it
	uint64_t key, value;
};

static void add(struct info *i, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct info *i, const char *key, const char *fmt, ...)
{
	const uint64_t row = table_row(i->t);
	struct strbuf text = {0};
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	table_set_str(i->t, row, i->key, key);
	table_set_str(i->t, row, i->value, text.failed ? NULL : text.data);
	strbuf_done(&text);
}

static void add_command_line(struct info *i, const char *line)
{
	struct strbuf text = {0};

	if (i->s->heap.py.redact)
		redact_text(&i->s->heap.py, "text", line, &text);
	else
		strbuf_puts(&text, line);
	add(i, "command", "%s", text.failed ? "?" : text.data);
	strbuf_done(&text);
}

static void add_text(struct info *i, const char *key,
		     void (*describe)(const struct session *s, struct strbuf *out))
{
	struct strbuf text = {0};

	describe(i->s, &text);
	if (text.n && !text.failed)
		add(i, key, "%s", text.data);
	strbuf_done(&text);
}

static void add_target(struct info *i)
{
	const struct target *t = &i->s->target;

	add(i, "target", "%s%s%s", i->target->kind, t->path ? " " : "", t->path ? t->path : "");
	if (t->pid)
		add(i, "pid", "%" PRId64, t->pid);
	if (t->command_line)
		add_command_line(i, t->command_line);
	if (t->signal)
		add(i, "signal", "%d (%s)", t->signal, strsignal(t->signal));
	if (t->signal_origin == SIGNAL_SENT && t->signal_sender)
		add(i, "sent by", "process %" PRId32 "%s", t->signal_sender,
		    t->signal_sender == t->pid ? ", this one" : "");
	if (t->signal_origin == SIGNAL_FAULT)
		add(i, "fault address", "0x%" PRIx64, t->fault_addr);
}

static void add_python(struct info *i)
{
	const struct heap *h = &i->s->heap;
	const struct result_target *t = i->target;

	add(i, "python", "%s%s", t->python, t->free_threaded ? " free-threaded" : "");
	add(i, "interpreter", "%s", h->layout.module->name);
	add(i, "build-id", "%s", t->build_id ? t->build_id : "none");
	add_text(i, "layout", layout_describe);
	add_text(i, "symbols", layout_describe_symbols);
	add_text(i, "tables", layout_describe_tables);
	add_text(i, "debug offsets", layout_describe_offsets);
	add(i, "emulator", "%s", h->emu.why_not ? h->emu.why_not : "available");
	add(i, "interpreters", "%" PRIu64, h->runtime.interpreters.n);
	add(i, "threads", "%" PRIu64 " with Python state, %" PRIu64 " in all", h->runtime.threads.n,
	    i->s->target.threads.n > h->runtime.threads.n ? i->s->target.threads.n
							  : h->runtime.threads.n);
	add(i, "collection", "%s",
	    !t->gc_is_known	? "not known: where the collector notes it was not found"
	    : t->gc_in_progress ? "in progress: lists are in flux"
				: "none in progress");
}

static void add_completeness(struct info *i)
{
	const struct target *t = &i->s->target;
	uint64_t mapped = 0, saved = 0, files = 0, missing = 0;
	struct strbuf text = {0};

	for (uint64_t k = 0; k < t->mappings.n; k++) {
		mapped += t->mappings.data[k].end - t->mappings.data[k].start;
		saved += t->mappings.data[k].saved_bytes;
	}
	for (uint64_t k = 0; k < t->modules.n; k++) {
		files++;
		missing += !t->modules.data[k].file;
	}
	strbuf_add_size(&text, mapped);
	strbuf_puts(&text, t->kind == TARGET_CORE ? " mapped, " : " mapped");
	if (t->kind == TARGET_CORE) {
		strbuf_add_size(&text, saved);
		strbuf_puts(&text, " saved in the core");
	}
	add(i, "memory", "%s", text.failed ? "?" : text.data);
	if (t->notes_lost)
		add(i, "notes", "%s",
		    t->threads.n ? "some are not in the core, or unreadable"
				 : "not in the core, or unreadable: no threads, registers, signal");
	add(i, "files", "%" PRIu64 " ELF files mapped, %" PRIu64 " of them not found here", files,
	    missing);
	strbuf_done(&text);
}

static int list_layout(struct session *s, struct table *t)
{
	const uint64_t field = table_column(t, "field", "", CCORE_STR, 0);
	const uint64_t offset = table_column(t, "offset", "", CCORE_ADDR, COLUMN_NULLABLE);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, COLUMN_NULLABLE);
	const uint64_t source = table_column(t, "source", "", CCORE_STR, 0);
	struct layout_row l;

	t->noun = "fields";
	for (uint64_t i = 0; layout_row(&s->heap.layout, i, &l); i++) {
		const uint64_t row = table_row(t);

		table_set_str(t, row, field, l.name);
		table_set_u64(t, row, offset, l.found ? l.value : TABLE_UNKNOWN);
		table_set_u64(t, row, size, l.size ? l.size : TABLE_UNKNOWN);
		table_set_str(t, row, source,
			      l.found ? layout_origin_name(l.origin) : "not in this build");
	}
	return 0;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct info i = {.s = s, .t = &r->table, .target = &r->target};

	(void)err;
	if (args_flag(a, "--layout"))
		return list_layout(s, &r->table);
	r->table.style = TABLE_PAIRS;
	r->table.noun = "rows";
	i.key = table_column(&r->table, "key", "", CCORE_STR, 0);
	i.value = table_column(&r->table, "value", "", CCORE_STR, 0);
	add_target(&i);
	add_python(&i);
	add_completeness(&i);
	return 0;
}

const struct command command_info = {
	.name = "info",
	.summary = "what this is: Python, process, threads, how complete the core is",
	.argument = "",
	.details = "--layout lists each struct field that is read, its offset, and where that is "
		   "known from.",
	.example = "info\n"
		   "target        core core.leaky_app\n"
		   "pid           22612\n"
		   "command       python3 leaky_app.py --abort\n"
		   "signal        6 (Aborted)\n"
		   "python        3.11.2\n",
	.params = {{"--layout", NULL, NULL, NULL,
		    "the fields of CPython's structs, and their offsets"}},
	.run = run,
};
