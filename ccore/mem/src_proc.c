// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A system call to read 8 bytes of another process costs 2.4 us, so nothing is read on demand:
 * what the process has of its own is copied, many runs of pages a call, into one anonymous
 * mapping of ours for each of its mappings.
 */
#include "mem/src_proc.h"

#include "mem/proc_pages.h"
#include "util/checked.h"
#include "util/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define HUGE_BYTES (2u << 20)

// One call moves at most so much, so that a cancel is heeded soon.
#define CALL_BYTES (64ull << 20)
#define CALL_RUNS 512

struct copy {
	addr_t start;
	uint64_t size;
	uint8_t *to; // of `start`
	struct run_vec wanted, lost;
};

static int open_proc(int64_t pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void proc_copier_open(struct proc_copier *c)
{
	c->mem_fd = open_proc(c->pid, "mem");
	c->pagemap_fd = open_proc(c->pid, "pagemap");
}

void proc_copier_close(struct proc_copier *c)
{
	if (c->mem_fd >= 0)
		(void)close(c->mem_fd); // only read
	if (c->pagemap_fd >= 0)
		(void)close(c->pagemap_fd); // only read
}

/** Where in its runs a copy has arrived. */
struct position {
	uint64_t run;
	uint64_t done; // bytes of that run
};

static addr_t position_addr(const struct copy *c, const struct position *at)
{
	return c->wanted.data[at->run].start + at->done;
}

static void advance(const struct copy *c, struct position *at, uint64_t n)
{
	while (n) {
		const uint64_t take = u64_min(n, c->wanted.data[at->run].n - at->done);

		at->done += take;
		n -= take;
		if (at->done == c->wanted.data[at->run].n) {
			at->run++;
			at->done = 0;
		}
	}
}

// Bytes read into place by one call, from `at` on; 0 when the first page cannot be read.
static uint64_t read_runs(struct proc_copier *p, const struct copy *c, struct position at)
{
	struct iovec local[CALL_RUNS], remote[CALL_RUNS];
	uint64_t bytes = 0;
	unsigned n = 0;
	ssize_t got;

	for (; n < CALL_RUNS && at.run < c->wanted.n && bytes < CALL_BYTES; n++) {
		const struct run *r = &c->wanted.data[at.run];
		const uint64_t take = u64_min(r->n - at.done, CALL_BYTES - bytes);

		// NOLINTNEXTLINE(performance-no-int-to-ptr): an address in the other process
		remote[n].iov_base = (void *)(uintptr_t)(r->start + at.done);
		local[n].iov_base = c->to + (r->start + at.done - c->start);
		remote[n].iov_len = local[n].iov_len = take;
		bytes += take;
		at.run++;
		at.done = 0;
	}
	got = process_vm_readv((pid_t)p->pid, local, n, remote, n, 0);
	if (got < 0 && (errno == ENOSYS || errno == EPERM))
		p->no_readv = true;
	return got > 0 ? (uint64_t)got : 0;
}

// The same through /proc/PID/mem, of one run.
static uint64_t read_mem_file(const struct proc_copier *p, const struct copy *c,
			      const struct position *at, uint64_t limit)
{
	const struct run *r = &c->wanted.data[at->run];
	const addr_t addr = position_addr(c, at);
	ssize_t got;

	if (p->mem_fd < 0)
		return 0;
	got = pread(p->mem_fd, c->to + (addr - c->start), u64_min(r->n - at->done, limit),
		    (off_t)addr);
	return got > 0 ? (uint64_t)got : 0;
}

static int read_wanted(struct proc_copier *p, struct copy *c, struct ccore_error *err)
{
	struct position at = {0};

	while (at.run < c->wanted.n) {
		uint64_t got = p->no_readv ? 0 : read_runs(p, c, at);

		if (!got)
			got = read_mem_file(p, c, &at, p->no_readv ? CALL_BYTES : PAGE_BYTES);
		got = u64_align_down(got, PAGE_BYTES);
		if (!got && p->no_readv && p->mem_fd < 0)
			return err_set(err, CCORE_EIO, 0,
				       "not permitted to read the memory of process %lld",
				       (long long)p->pid);
		if (!got) {
			if (!run_vec_add(&c->lost, position_addr(c, &at), PAGE_BYTES))
				return err_nomem(err);
			got = PAGE_BYTES;
		} else {
			p->mem->allocated_bytes += got;
		}
		advance(c, &at, got);
		TRY(progress_report(&p->progress, "copying memory", p->mem->allocated_bytes, 0,
				    err));
	}
	return 0;
}

static int check_limit(const struct proc_copier *p, const struct copy *c, struct ccore_error *err)
{
	struct strbuf sb = {0};

	if (p->mem->allocated_bytes <= p->max_bytes &&
	    c->wanted.bytes <= p->max_bytes - p->mem->allocated_bytes)
		return 0;
	strbuf_add_size(&sb, p->max_bytes);
	(void)err_set(err, CCORE_ENOMEM, c->start,
		      "copying process %lld would take more memory than the limit of %s",
		      (long long)p->pid, sb.failed ? "?" : sb.data);
	strbuf_done(&sb);
	return CCORE_ENOMEM;
}

static void unmap_copy(void *ctx)
{
	struct copy *c = ctx;

	if (c->to)
		(void)munmap(c->to, c->size); // ours, so it cannot fail
	vec_done(&c->wanted);
	vec_done(&c->lost);
	free(c);
}

// No `read`: each of its segments has a base.
static const struct mem_source_ops copy_ops = {"process", NULL, unmap_copy};

static int make_room(struct copy *c, struct ccore_error *err)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	// cppcheck-suppress invalidFunctionArg ; -1 is what anonymous memory wants
	void *to = mmap(NULL, c->size, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (to == MAP_FAILED)
		return err_set(err, CCORE_ENOMEM, c->start, "cannot map %llu bytes: %s",
			       (unsigned long long)c->size, strerror(errno));
	c->to = to;
	// Fewer page faults, where it would not take memory that the process does not use.
	if (c->size >= HUGE_BYTES && c->wanted.bytes >= c->size / 2)
		(void)madvise(to, c->size, MADV_HUGEPAGE); // advice
	return 0;
}

static int add_to_mem(struct mem *m, const struct copy *c, enum proc_copy_what what,
		      struct ccore_error *err)
{
	if (what != PROC_COPY_OWN)
		TRY(mem_add(m, c->start, c->size, c->to, NULL, 0, err));
	for (uint64_t i = 0; what == PROC_COPY_OWN && i < c->wanted.n; i++) {
		const struct run *r = &c->wanted.data[i];

		TRY(mem_add(m, r->start, r->n, c->to + (r->start - c->start), NULL, 0, err));
	}
	for (uint64_t i = 0; i < c->lost.n; i++)
		TRY(mem_add(m, c->lost.data[i].start, c->lost.data[i].n, NULL, NULL, 0, err));
	return 0;
}

int proc_copy(struct proc_copier *p, addr_t start, addr_t end, enum proc_copy_what what,
	      uint64_t *ret, struct ccore_error *err)
{
	const uint64_t before = p->mem->allocated_bytes;
	struct copy *c = calloc(1, sizeof(*c));
	struct mem_source *source;

	if (!c)
		return err_nomem(err);
	c->start = start;
	c->size = end - start;
	TRY(mem_own_source(p->mem, &copy_ops, c, &source, err));
	TRY(proc_pages_find(p->pagemap_fd, start, c->size, what, &p->progress, &c->wanted, err));
	if (!c->wanted.n && what == PROC_COPY_OWN)
		return 0;
	TRY(check_limit(p, c, err));
	TRY(make_room(c, err));
	TRY(read_wanted(p, c, err));
	TRY(add_to_mem(p->mem, c, what, err));
	vec_done(&c->wanted);
	vec_done(&c->lost);
	*ret = p->mem->allocated_bytes - before;
	return 0;
}
