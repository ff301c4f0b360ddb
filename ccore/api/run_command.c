// SPDX-License-Identifier: GPL-2.0-or-later
// Running commands, and where the answers go of those that stream.
#include "api/session_handle.h"
#include "command/command.h"
#include "command/run.h"
#include "render/render.h"
#include "util/file.h"

#include <errno.h>
#include <string.h>

struct output {
	struct sink sink;
	ccore_write_fn fn; // NULL: memory
	void *ctx;
	uint64_t max_bytes; // of memory
	struct strbuf memory;
	const char *path; // of -o, or NULL
	struct file_writer file;
};

static int cannot_write(const struct output *o, int error, struct ccore_error *err)
{
	return err_set(err, CCORE_EIO, 0, "cannot write %s: %s", o->path, strerror(-error));
}

static int begin(struct sink *s, const char *path, struct ccore_error *err)
{
	struct output *o = (struct output *)s;
	int error;

	o->path = path;
	error = path ? file_begin(&o->file, path) : 0;
	return error ? cannot_write(o, error, err) : 0;
}

static int write_memory(struct output *o, const char *data, uint64_t n, struct ccore_error *err)
{
	if (n > o->max_bytes - o->memory.n)
		return err_set(err, CCORE_ENOMEM, 0,
			       "the answer is larger than the memory allowed for it (limit %llu "
			       "MiB): write it to a file, with -o FILE",
			       (unsigned long long)(o->max_bytes >> 20));
	strbuf_add(&o->memory, data, n);
	return o->memory.failed ? err_nomem(err) : 0;
}

static int write_some(struct sink *s, const char *data, uint64_t n, struct ccore_error *err)
{
	struct output *o = (struct output *)s;
	int error;

	if (o->path) {
		error = file_add(&o->file, data, n);
		return error ? cannot_write(o, error, err) : 0;
	}
	if (!o->fn)
		return write_memory(o, data, n, err);
	return o->fn(o->ctx, data, n) == 1 ? 0 : err_set(err, CCORE_ECANCELED, 0, "canceled");
}

static int end(struct sink *s, int status, struct ccore_error *err)
{
	struct output *o = (struct output *)s;
	int error;

	if (!o->path)
		return status;
	error = file_end(&o->file, status < 0 ? -ECANCELED : 0);
	return status < 0 || !error ? status : cannot_write(o, error, err);
}

static struct output output_to(struct ccore_session *session, ccore_write_fn fn, void *ctx)
{
	return (struct output){
		.sink = {render_object_line, begin, write_some, end},
		.fn = fn,
		.ctx = ctx,
		.max_bytes = session->s.heap.opts.max_bytes,
	};
}

int32_t ccore_run(struct ccore_session *session, const char *const *argv, uint64_t argc,
		  struct ccore_result **ret, struct ccore_error *err)
{
	struct output o;
	int status;

	if (!session || !argv || !argc || !argv[0] || !ret)
		return err_set(err, CCORE_EUSAGE, 0, "ccore_run() was given no command");
	o = output_to(session, NULL, NULL);
	status = command_run(&session->s, argv, argc, &o.sink, ret, err);
	if (status == 0)
		(*ret)->streamed = o.memory;
	else
		strbuf_done(&o.memory);
	return status;
}

int32_t ccore_run_to(struct ccore_session *session, const char *const *argv, uint64_t argc,
		     ccore_write_fn write_fn, void *ctx, struct ccore_result **ret,
		     struct ccore_error *err)
{
	const struct command *command;
	struct output o;

	if (!session || !argv || !argc || !argv[0] || !write_fn || !ret)
		return err_set(err, CCORE_EUSAGE, 0, "ccore_run_to() was given no command");
	TRY(command_find(argv[0], &command, err));
	if (!command->stream)
		return err_set(err, CCORE_EUSAGE, 0, "%s does not stream: use ccore_run()",
			       argv[0]);
	o = output_to(session, write_fn, ctx);
	return command_run(&session->s, argv, argc, &o.sink, ret, err);
}
