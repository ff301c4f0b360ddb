// SPDX-License-Identifier: GPL-2.0-or-later
// target_open_pid(): a process is stopped, its own memory is copied, and it runs on.
#include "mem/proc_stop.h"
#include "mem/src.h"
#include "mem/src_proc.h"
#include "sym/mappings.h"
#include "sym/open.h"
#include "sym/proc_file.h"
#include "sym/tracer.h"
#include "util/cleanup.h"
#include "util/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

struct opening {
	struct target *t;
	const struct target_opts *opts;
	struct proc_copier copier;
	// The file mapped last: one library's mappings follow each other.
	uint64_t file_dev, file_inode;
	struct file_map file;
};

static int read_mappings(struct target *t, struct ccore_error *err)
{
	struct strbuf text = {0};
	int r = proc_file_read(t->pid, "maps", &text, err);

	if (r == 0)
		r = maps_text_parse(text.data, text.n, &t->arena, &t->mappings, err);
	strbuf_done(&text);
	if (r == 0 && !t->mappings.n)
		r = err_set(err, CCORE_EIO, 0, "process %lld has ended", (long long)t->pid);
	return r;
}

static int read_threads(struct target *t, struct ccore_error *err)
{
	struct tid_vec tids = {0};
	bool ok = true;

	(void)proc_tids(t->pid, &tids); // none, when it is gone
	for (uint64_t i = 0; ok && i < tids.n; i++) {
		struct os_thread th = {.tid = tids.data[i], .syscall = -1};
		uint8_t regs[PROC_REGS_BYTES];

		if (proc_stop_regs(tids.data[i], regs))
			os_thread_set_regs(&th, regs);
		ok = vec_push(&t->threads, th);
	}
	vec_done(&tids);
	return ok ? 0 : err_nomem(err);
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/*
 * Whether there is anything to copy. Shared memory holds no Python objects and may be huge;
 * reading a device may do things.
 */
static bool is_copied(const struct mapping *m)
{
	const bool device = starts_with(m->name, "/dev/") && !starts_with(m->name, "/dev/shm/") &&
			    !starts_with(m->name, "/dev/zero");

	return (m->flags & MAPPING_R) && !(m->flags & MAPPING_SHARED) && !device &&
	       !target_is_kernels_own(m->name);
}

static bool is_anonymous(const struct mapping *m)
{
	return m->name[0] != '/' ? strcmp(m->name, "[vdso]") != 0
				 : starts_with(m->name, "/anon_hugepage");
}

static bool open_same(struct opening *o, const struct mapping *m, const char *path)
{
	struct file_map f;
	struct stat st;

	if (file_map_open(path, &f, &st, NULL) < 0)
		return false;
	// Mapped files have their own link in map_files, the same by its nature, whatever device
	// number the file system gives out.
	if ((st.st_dev != m->dev || st.st_ino != m->inode) && !strstr(path, "/map_files/")) {
		file_map_close(&f);
		return false;
	}
	if (file_map_own(&o->t->mem, f, NULL) < 0)
		return false;
	o->file_dev = m->dev;
	o->file_inode = m->inode;
	o->file = f;
	return true;
}

// Whether the file that `m` maps can be read here, and is the very same.
static bool have_file(struct opening *o, const struct mapping *m)
{
	char path[LIM_PATH_BYTES + 64];
	const long long pid = o->t->pid;

	if (!m->inode)
		return false;
	if (o->file.data && o->file_dev == m->dev && o->file_inode == m->inode)
		return true;
	if (open_same(o, m, m->name))
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%lld/root%s", pid, m->name);
	if (open_same(o, m, path))
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%lld/map_files/%llx-%llx", pid,
		       (unsigned long long)m->start, (unsigned long long)m->end);
	return open_same(o, m, path);
}

static int add_file_pages(struct opening *o, const struct mapping *m, struct ccore_error *err)
{
	const uint64_t size = m->end - m->start;
	uint64_t n = 0;

	if (m->offset < o->file.size)
		n = o->file.size - m->offset < size ? o->file.size - m->offset : size;
	return mem_add(&o->t->mem, m->start, n, o->file.data + m->offset, NULL, 0, err);
}

static int copy_mapping(struct opening *o, struct mapping *m, struct ccore_error *err)
{
	enum proc_copy_what what = PROC_COPY_ALL;

	TRY(mem_add(&o->t->mem, m->start, m->end - m->start, NULL, NULL, 0, err));
	if (!is_copied(m))
		return 0;
	if (is_anonymous(m)) {
		what = PROC_COPY_TOUCHED;
	} else if (m->name[0] == '/' && have_file(o, m)) {
		what = PROC_COPY_OWN;
		TRY(add_file_pages(o, m, err));
	}
	return proc_copy(&o->copier, m->start, m->end, what, &m->saved_bytes, err);
}

static int copy_memory(struct opening *o, const struct progress *progress, struct ccore_error *err)
{
	struct target *t = o->t;
	int r = 0;

	o->copier = (struct proc_copier){.pid = t->pid,
					 .mem = &t->mem,
					 .max_bytes = target_max_bytes(o->opts),
					 .progress = *progress};
	proc_copier_open(&o->copier);
	for (uint64_t i = 0; r == 0 && i < t->mappings.n; i++)
		r = copy_mapping(o, &t->mappings.data[i], err);
	proc_copier_close(&o->copier);
	return r;
}

// All that has to happen while the process does not move.
static int take_copy(struct opening *o, const struct progress *progress, struct ccore_error *err)
{
	TRY(read_mappings(o->t, err));
	TRY(read_threads(o->t, err));
	return copy_memory(o, progress, err);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); // there is one
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int stop_and_copy(void *ctx, const struct progress *progress, struct ccore_error *err)
{
	struct opening *o = ctx;
	struct proc_stop stop = {0};
	const uint64_t from = now_ns();
	int r = proc_stop_all(&stop, o->t->pid, progress, err);

	if (r == 0)
		r = take_copy(o, progress, err);
	proc_stop_resume(&stop);
	o->t->stopped_ns = now_ns() - from;
	return r;
}

// What the kernel tells of it at any time. Only what has memory of its own has an auxv.
static int read_identity(struct target *t, struct ccore_error *err)
{
	struct strbuf cmdline = {0}, auxv = {0};
	int r = proc_file_read(t->pid, "auxv", &auxv, err);

	if (r == 0 && !auxv.n)
		r = proc_no_memory(t->pid, err);
	if (r == 0)
		target_read_auxv(t, (const uint8_t *)auxv.data, auxv.n);
	if (r == 0 && proc_file_read(t->pid, "cmdline", &cmdline, NULL) == 0 && cmdline.n) {
		for (uint64_t i = 0; i + 1 < cmdline.n; i++)
			if (!cmdline.data[i])
				cmdline.data[i] = ' ';
		t->command_line = arena_strndup(&t->arena, cmdline.data, cmdline.n);
		r = t->command_line ? 0 : err_nomem(err);
	}
	strbuf_done(&cmdline);
	strbuf_done(&auxv);
	return r;
}

// -- read as it runs

static int64_t read_live(void *ctx, uint64_t addr, void *buf, uint64_t n)
{
	const struct target *t = ctx;

	return addr > INT64_MAX ? -1 : pread(t->live_fd, buf, n, (off_t)addr);
}

// The opened file stays that of the memory which the process has now, whatever it executes later.
static int open_live(struct target *t, struct ccore_error *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%lld/mem", (long long)t->pid); // fits
	t->live_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->live_fd >= 0)
		return 0;
	return err_set(err, CCORE_EIO, 0, "cannot read %s: %s%s", path, strerror(errno),
		       errno == EACCES || errno == EPERM
			       ? " (be its owner or root; containers need CAP_SYS_PTRACE, and "
				 "/proc/sys/kernel/yama/ptrace_scope may forbid it)"
			       : "");
}

static int open_running(struct target *t, const struct target_opts *opts, struct ccore_error *err)
{
	struct mem_source *source;
	uint8_t byte;

	TRY(open_live(t, err));
	TRY(read_identity(t, err));
	TRY(read_mappings(t, err));
	TRY(src_callback_new(&t->mem, read_live, t, target_max_bytes(opts) / 4, &source, err));
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		struct mapping *m = &t->mappings.data[i];

		TRY(mem_add(&t->mem, m->start, m->end - m->start, NULL,
			    is_copied(m) ? source : NULL, m->start, err));
	}
	mappings_infer_shared(&t->mappings);
	TRY(mem_freeze(&t->mem, err));
	// So the mappings are those of the opened memory.
	if (read_live(t, t->mappings.data[0].start, &byte, 1) != 1)
		return err_set(err, CCORE_EIO, 0,
			       "process %lld has just ended, or executed another program",
			       (long long)t->pid);
	return modules_find(t, opts, err);
}

// -- all of it

static int open_process(struct target *t, const struct target_opts *opts, struct ccore_error *err)
{
	struct opening o = {.t = t, .opts = opts};

	TRY(read_identity(t, err));
	if (opts->already_stopped)
		TRY(take_copy(&o, &opts->progress, err));
	else
		TRY(tracer_run(stop_and_copy, &o, &opts->progress, err));
	mappings_infer_shared(&t->mappings);
	TRY(mem_freeze(&t->mem, err));
	return modules_find(t, opts, err);
}

int target_open_pid(struct target *ret, int64_t pid, const struct target_opts *opts,
		    struct ccore_error *err)
{
	int r;

	if (pid <= 0 || pid > INT32_MAX)
		return err_set(err, CCORE_EIO, 0, "%lld is no process id", (long long)pid);
	if (pid == getpid())
		return err_set(err, CCORE_EUNSUPPORTED, 0,
			       "a process cannot be stopped to read itself");
	TRY(target_check_folders(opts, pid, err));
	TRY(target_init(ret, TARGET_PROCESS, opts, err));
	ret->pid = pid;
	ret->mem.unsaved_text = "mapped, but shared or not readable, so it was not copied";
	r = opts->running ? open_running(ret, opts, err) : open_process(ret, opts, err);
	if (r < 0)
		target_done(ret);
	return r;
}
