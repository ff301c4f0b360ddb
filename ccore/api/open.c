// SPDX-License-Identifier: GPL-2.0-or-later
// Opening and closing: arguments are checked here, the work is done below.
#include "api/session_handle.h"
#include "util/parallel.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// What the caller's struct has, the rest zero: it may be of an older version.
static int take_opts(const struct ccore_open_opts *given, struct ccore_open_opts *ret,
		     struct ccore_error *err)
{
	*ret = (struct ccore_open_opts){.size = sizeof(*ret)};
	if (!given)
		return 0;
	if (given->size < offsetof(struct ccore_open_opts, exe) || given->size > 4096)
		return err_set(err, CCORE_EUSAGE, 0, "ccore_open_opts.size is not set");
	memcpy(ret, given, given->size < sizeof(*ret) ? given->size : sizeof(*ret));
	return 0;
}

static uint64_t default_max_bytes(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 4 * 3 : UINT64_MAX;
}

static struct target_opts target_opts_from(const struct ccore_open_opts *o)
{
	return (struct target_opts){
		.exe = o->exe,
		.debug_dirs = o->debug_dirs,
		.sysroot = o->sysroot,
		.maps = o->maps,
		.tmp_dir = o->tmp_dir,
		.max_bytes = o->max_bytes ? o->max_bytes : default_max_bytes(),
		.debuginfod = o->flags & CCORE_OPEN_DEBUGINFOD,
		.already_stopped = o->flags & CCORE_OPEN_STOPPED,
		.running = o->flags & CCORE_OPEN_RUNNING,
		.progress = {o->progress, o->progress_ctx},
	};
}

static struct heap_opts heap_opts_from(const struct ccore_open_opts *o)
{
	uint32_t threads = o->threads ? o->threads : parallel_processors();

	return (struct heap_opts){
		.threads = threads > PARALLEL_MAX ? PARALLEL_MAX : threads,
		.max_bytes = o->max_bytes ? o->max_bytes : default_max_bytes(),
		.layout_file = o->layout,
		.no_cache = o->flags & CCORE_OPEN_NO_CACHE,
		.redact = o->flags & CCORE_OPEN_REDACT,
		.progress = {o->progress, o->progress_ctx},
	};
}

// One of the four ways to a target.
struct way {
	enum target_kind kind;
	const char *path, *maps;
	const void *data;
	uint64_t size;
	int64_t pid;
	ccore_read_fn read;
	void *ctx;
};

static int open_target(struct target *t, const struct way *w, const struct target_opts *opts,
		       struct ccore_error *err)
{
	switch (w->kind) {
	case TARGET_CORE:
		return w->path ? target_open_core(t, w->path, opts, err)
			       : target_open_core_mem(t, w->data, w->size, opts, err);
	case TARGET_PROCESS:
		return target_open_pid(t, w->pid, opts, err);
	case TARGET_PROGRAM:
		return target_open_program(t, w->path, opts, err);
	case TARGET_MEMORY:
		return target_open_callback(t, w->maps, w->read, w->ctx, opts, err);
	}
	return err_set(err, CCORE_EUSAGE, 0, "no such kind of target");
}

// Every message names the file or process; those from below know only addresses.
static int name_target(const struct way *w, int status, struct ccore_error *err)
{
	char pid[32];

	(void)snprintf(pid, sizeof(pid), "process %lld", (long long)w->pid); // fits
	if (w->kind == TARGET_PROCESS)
		return err_prefix(err, status, "%s", pid);
	return w->path ? err_prefix(err, status, "%s", w->path) : status;
}

static int open_session(const struct way *w, const struct ccore_open_opts *given,
			struct ccore_session **ret, struct ccore_error *err)
{
	struct ccore_open_opts opts;
	struct target_opts target_opts;
	struct heap_opts heap_opts;
	struct ccore_session *session;
	int r;

	TRY(take_opts(given, &opts, err));
	target_opts = target_opts_from(&opts);
	heap_opts = heap_opts_from(&opts);
	session = calloc(1, sizeof(*session));
	if (!session)
		return err_nomem(err);
	session->s.progress = heap_opts.progress;
	r = open_target(&session->s.target, w, &target_opts, err);
	if (r == 0) {
		r = heap_open(&session->s.heap, &session->s.target, &heap_opts, err);
		if (r < 0) {
			target_done(&session->s.target);
			r = name_target(w, r, err);
		}
	}
	if (r < 0) {
		free(session);
		return r;
	}
	*ret = session;
	return 0;
}

int32_t ccore_open_core(const char *path, const struct ccore_open_opts *opts,
			struct ccore_session **ret, struct ccore_error *err)
{
	struct ccore_open_opts o;
	struct way w = {.kind = TARGET_CORE, .path = path};

	TRY(take_opts(opts, &o, err));
	if (o.flags & CCORE_OPEN_PROGRAM && path && target_is_program(path))
		w.kind = TARGET_PROGRAM;
	if (!path || !ret)
		return err_set(err, CCORE_EUSAGE, 0, "ccore_open_core() was given no path");
	return open_session(&w, opts, ret, err);
}

int32_t ccore_open_core_mem(const void *data, uint64_t size, const struct ccore_open_opts *opts,
			    struct ccore_session **ret, struct ccore_error *err)
{
	const struct way w = {.kind = TARGET_CORE, .data = data, .size = size};

	if ((!data && size) || !ret)
		return err_set(err, CCORE_EUSAGE, 0, "ccore_open_core_mem() was given no data");
	return open_session(&w, opts, ret, err);
}

int32_t ccore_open_pid(int64_t pid, const struct ccore_open_opts *opts, struct ccore_session **ret,
		       struct ccore_error *err)
{
	const struct way w = {.kind = TARGET_PROCESS, .pid = pid};

	if (pid <= 0 || !ret)
		return err_set(err, CCORE_EUSAGE, 0, "%lld is not a process id", (long long)pid);
	return open_session(&w, opts, ret, err);
}

int32_t ccore_open_callback(const char *maps, ccore_read_fn read_fn, void *ctx,
			    const struct ccore_open_opts *opts, struct ccore_session **ret,
			    struct ccore_error *err)
{
	const struct way w = {.kind = TARGET_MEMORY, .maps = maps, .read = read_fn, .ctx = ctx};

	if (!maps || !read_fn || !ret)
		return err_set(err, CCORE_EUSAGE, 0,
			       "ccore_open_callback() needs maps and a function");
	return open_session(&w, opts, ret, err);
}

void ccore_close(struct ccore_session *session)
{
	if (!session)
		return;
	if (session->s.has_graph)
		graph_done(&session->s.graph);
	unreachable_done(&session->s.unreachable);
	if (session->s.has_residue)
		residue_done(&session->s.residue);
	heap_close(&session->s.heap);
	target_done(&session->s.target);
	free(session);
}
