// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/proc_pages.h"

#include "util/checked.h"

#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_FILE (1ull << 61) // of a file, or shared
#define PAGEMAP_CHUNK 8192u	  // entries read at once

// PAGEMAP_SCAN of linux/fs.h, which is younger than the headers of many systems.
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN_REQUEST _IOWR('f', 16, struct scan_arg)
#define SCAN_FILE (1ull << 2)
#define SCAN_PRESENT (1ull << 3)
#define SCAN_SWAPPED (1ull << 4)
#define SCAN_REGIONS 1024u // found by one call

struct finder {
	int fd;
	addr_t start, end;
	enum proc_copy_what what;
	const struct progress *progress;
	struct run_vec *found;
};

bool run_vec_add(struct run_vec *v, addr_t start, uint64_t n)
{
	struct run *last = v->n ? &v->data[v->n - 1] : NULL;
	const struct run r = {start, n};

	v->bytes += n;
	if (last && last->start + last->n == start) {
		last->n += n;
		return true;
	}
	return vec_push(v, r);
}

static bool is_wanted(uint64_t entry, enum proc_copy_what what)
{
	if (what == PROC_COPY_OWN && (entry & PAGEMAP_FILE))
		return false;
	return entry & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED);
}

// 1: the pages are known; 0: this system does not tell.
static int find_by_entries(const struct finder *f, struct ccore_error *err)
{
	uint64_t entries[PAGEMAP_CHUNK];
	uint64_t page = f->start / PAGE_BYTES;
	const uint64_t end = f->end / PAGE_BYTES;

	while (page < end) {
		const uint64_t n = u64_min(end - page, PAGEMAP_CHUNK);

		if (pread(f->fd, entries, n * 8, (off_t)(page * 8)) != (ssize_t)(n * 8))
			return 0;
		for (uint64_t i = 0; i < n; i++)
			if (is_wanted(entries[i], f->what) &&
			    !run_vec_add(f->found, (page + i) * PAGE_BYTES, PAGE_BYTES))
				return err_nomem(err);
		page += n;
		TRY(progress_report(f->progress, "finding pages", 0, 0, err));
	}
	return 1;
}

/*
 * The same by asking for the runs, since Linux 6.7. It passes over what was never touched in no
 * time: some programs reserve terabytes.
 */
static int find_by_scan(const struct finder *f, struct ccore_error *err)
{
	struct scan_region regions[SCAN_REGIONS];
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = f->start,
		.end = f->end,
		.vec = (uintptr_t)regions,
		.vec_len = SCAN_REGIONS,
		.category_inverted = f->what == PROC_COPY_OWN ? SCAN_FILE : 0,
		.category_mask = f->what == PROC_COPY_OWN ? SCAN_FILE : 0,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED,
	};

	while (arg.start < f->end) {
		const int n = ioctl(f->fd, PAGEMAP_SCAN_REQUEST, &arg);

		if (n < 0 || arg.walk_end <= arg.start || arg.walk_end > f->end)
			return 0;
		for (int i = 0; i < n; i++)
			if (!run_vec_add(f->found, regions[i].start,
					 regions[i].end - regions[i].start))
				return err_nomem(err);
		arg.start = arg.walk_end;
		TRY(progress_report(f->progress, "finding pages", 0, 0, err));
	}
	return 1;
}

static void forget(struct run_vec *v)
{
	v->n = 0;
	v->bytes = 0;
}

int proc_pages_find(int fd, addr_t start, uint64_t size, enum proc_copy_what what,
		    const struct progress *progress, struct run_vec *ret, struct ccore_error *err)
{
	const struct finder f = {fd, start, start + size, what, progress, ret};
	int r = 0;

	forget(ret);
	if (fd >= 0 && what != PROC_COPY_ALL) {
		r = find_by_scan(&f, err);
		if (r == 0) {
			forget(ret);
			r = find_by_entries(&f, err);
		}
	}
	if (r)
		return r < 0 ? r : 0;
	forget(ret);
	return run_vec_add(ret, start, size) ? 0 : err_nomem(err);
}
