// SPDX-License-Identifier: GPL-2.0-or-later
// Running a command: parse, run, and say what the answer rests on.
#include "command/run.h"
#include "command/command.h"

#include "command/layout_notes.h"

#include <stdlib.h>

static void describe_target(struct session *s, struct ccore_result *r)
{
	static const char *const kinds[] = {
		[TARGET_CORE] = "core",
		[TARGET_PROCESS] = "process",
		[TARGET_MEMORY] = "memory",
		[TARGET_PROGRAM] = "program",
	};
	const struct layout *l = &s->heap.layout;
	const struct module *m = l->module;
	char id[BUILD_ID_HEX_BYTES];

	build_id_hex(m->build_id, m->build_id_n, id);
	r->target = (struct result_target){
		.kind = kinds[s->target.kind],
		.path = arena_strdup(&r->arena, s->target.path),
		.pid = s->target.pid > 0 ? (uint64_t)s->target.pid : 0,
		.python = arena_printf(&r->arena, "%u.%u.%u", l->version >> 24,
				       (l->version >> 16) & 0xff, (l->version >> 8) & 0xff),
		.free_threaded = layout_has(l, F_OB_GC_BITS),
		.build_id = m->build_id_n ? arena_strdup(&r->arena, id) : NULL,
		.layout = layout_source(l),
		.gc_in_progress = runtime_is_collecting(&s->heap.runtime, &s->target.mem),
		.gc_is_known = runtime_knows_collecting(&s->heap.runtime, &s->target.mem),
	};
}

static void describe_completeness(struct session *s, struct ccore_result *r)
{
	heap_damage(&s->heap, &r->damage);
	for (uint64_t i = 0; i < s->target.notes.n; i++)
		result_note(r, "%s", s->target.notes.data[i]);
	layout_notes(s, r);
	if (s->heap.py.half_done > 1)
		result_note(
			r,
			"one count of the memory allocator is off by one, at 0x%llx: as a thread "
			"leaves it that is stopped inside of the allocator",
			(unsigned long long)s->heap.py.half_done);
	if (!r->target.gc_is_known && s->target.kind != TARGET_PROGRAM)
		result_note(r, "it is not known whether a collection was running, as where the "
			       "collector notes that was not found: it could hide objects");
}

// A picture is whole or it is none; chains are limited by --max-depth and -k, stacks one by one; a
// page of facts is short.
static uint64_t row_limit(const struct args *a, const struct ccore_result *r)
{
	return r->edges.column_n || r->table.style == TABLE_CHAIN ||
			       r->table.style == TABLE_STACK ||
			       (r->table.style == TABLE_PAIRS && !a->has_limit)
		       ? UINT64_MAX
		       : a->limit;
}

// What is left over when this fails is not given its name.
static int stream(struct session *s, const struct args *a, struct sink *sink,
		  struct ccore_result *r, struct ccore_error *err)
{
	if (a->command->streams_text && a->format != FORMAT_TEXT)
		return err_set(err, CCORE_EUSAGE, 0, "%s writes lines of text, and no other format",
			       a->command->name);
	if (!a->command->streams_text && a->format != FORMAT_JSONL)
		return err_set(err, CCORE_EUSAGE, 0,
			       "%s writes JSON Lines, and no other format: its answer may be "
			       "larger than memory",
			       a->command->name);
	TRY(sink->begin(sink, a->output, err));
	r->format = FORMAT_TEXT; // of the summary
	return sink->end(sink, a->command->stream(s, a, sink, r, err), err);
}

int command_run(struct session *s, const char *const *argv, uint64_t argc, struct sink *sink,
		struct ccore_result **ret, struct ccore_error *err)
{
	const struct command *c;
	struct ccore_result *r;
	struct args args;
	int status;

	TRY(command_find(argv[0], &c, err));
	TRY(args_parse(c, argv, argc, &args, err));
	if (s->target.kind == TARGET_PROGRAM && !c->reads_program)
		return err_set(err, CCORE_EUSAGE, 0,
			       "%s reads cores and processes, not programs: %s is one", c->name,
			       s->target.path);
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_nomem(err);
	r->command = c->name;
	r->format = args.format;
	r->exact_bytes = args.exact_bytes;
	describe_target(s, r);
	heap_begin_command(&s->heap);
	status = c->stream ? stream(s, &args, sink, r, err) : c->run(s, &args, r, err);
	if (status == 0)
		status = table_finish(&r->table, row_limit(&args, r), err);
	if (status < 0) {
		result_free(r);
		return status;
	}
	describe_completeness(s, r);
	if (args.output && !c->stream && !c->writes_output)
		r->output = arena_strdup(&r->arena, args.output);
	*ret = r;
	return 0;
}
