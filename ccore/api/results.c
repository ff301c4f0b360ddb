// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/render.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void ccore_result_free(struct ccore_result *r)
{
	result_free(r);
}

int32_t ccore_result_complete(const struct ccore_result *r)
{
	return !r->incomplete && !damage_any(&r->damage);
}

uint64_t ccore_result_row_n(const struct ccore_result *r)
{
	return r->table.row_n;
}

uint64_t ccore_result_all_n(const struct ccore_result *r)
{
	return r->table.all_n;
}

uint64_t ccore_result_column_n(const struct ccore_result *r)
{
	return r->table.column_n;
}

int32_t ccore_result_column(const struct ccore_result *r, uint64_t i, struct ccore_column *ret)
{
	const struct table_column *c = &r->table.columns[i];

	if (i >= r->table.column_n)
		return CCORE_EUSAGE;
	*ret = (struct ccore_column){
		.name = c->name,
		.unit = c->unit,
		.type = c->type,
		.data = c->u64,
	};
	return 0;
}

const char *ccore_result_note(const struct ccore_result *r, uint64_t i)
{
	return i < r->notes.n ? r->notes.data[i] : NULL;
}

int32_t ccore_result_render(struct ccore_result *r, uint32_t width, uint32_t flags,
			    const char **ret, uint64_t *ret_n, struct ccore_error *err)
{
	const struct render_opts opts = {.width = width, .color = flags & CCORE_RENDER_COLOR};

	strbuf_done(&r->rendered);
	TRY(render_result(r, &opts, &r->rendered, err));
	strbuf_puts(&r->rendered, ""); // an empty answer is text too
	if (r->rendered.failed)
		return err_nomem(err);
	*ret = r->rendered.data;
	*ret_n = r->rendered.n;
	return 0;
}

const char *ccore_result_output(const struct ccore_result *r)
{
	return r->output;
}

static int write_all(int fd, const char *data, uint64_t n)
{
	while (n) {
		const ssize_t written = write(fd, data, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return -1;
		data += written;
		n -= (uint64_t)written;
	}
	return 0;
}

static int cannot_write(struct ccore_error *err, const char *path)
{
	return err_set(err, CCORE_EIO, 0, "cannot write %s: %s", path, strerror(errno));
}

// mkstemp() makes files that only their owner reads; the answer gets the usual permissions.
static int open_temporary(char *path)
{
	const mode_t mask = umask(0);
	const int fd = mkstemp(path);

	umask(mask);
	if (fd >= 0 && fchmod(fd, 0666 & ~mask) < 0) {
		(void)close(fd); // the first error is the one to report
		return -1;
	}
	return fd;
}

int32_t ccore_result_write(struct ccore_result *r, const char *path, struct ccore_error *err)
{
	const char *text = NULL;
	uint64_t n = 0;
	struct strbuf temporary = {0};
	int fd, status = 0;

	TRY(ccore_result_render(r, 0, 0, &text, &n, err));
	strbuf_printf(&temporary, "%s.XXXXXX", path);
	if (temporary.failed)
		return err_nomem(err);
	fd = open_temporary(temporary.data);
	if (fd < 0) {
		status = cannot_write(err, path);
	} else {
		status = write_all(fd, text, n) < 0 ? cannot_write(err, path) : 0;
		if (close(fd) < 0 && status == 0)
			status = cannot_write(err, path);
		if (status == 0 && rename(temporary.data, path) < 0)
			status = cannot_write(err, path);
		if (status < 0)
			(void)unlink(temporary.data); // the error is reported already
	}
	strbuf_done(&temporary);
	return status;
}
