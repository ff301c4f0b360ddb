// SPDX-License-Identifier: GPL-2.0-or-later
// ccore_result_*(): what a result holds, and its text.
#include "render/render.h"
#include "util/file.h"

#include <string.h>

void ccore_result_free(struct ccore_result *r)
{
	result_free(r);
}

int32_t ccore_result_complete(const struct ccore_result *r)
{
	return result_is_complete(r);
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

	if (r->streamed.data) {
		*ret = r->streamed.data;
		*ret_n = r->streamed.n;
		return 0;
	}
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

int32_t ccore_result_write(struct ccore_result *r, const char *path, struct ccore_error *err)
{
	const char *text = NULL;
	uint64_t n = 0;
	int error;

	TRY(ccore_result_render(r, 0, 0, &text, &n, err));
	error = file_replace(path, text, n);
	if (error)
		return err_set(err, CCORE_EIO, 0, "cannot write %s: %s", path, strerror(-error));
	return 0;
}
