// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/render.h"

static int render_picture(const struct ccore_result *r, struct strbuf *out, struct ccore_error *err)
{
	struct strbuf dot = {0};
	int ret;

	if (r->format == FORMAT_SVG && icicle_can_draw(r)) {
		render_icicle(r, out);
		return 0;
	}
	if (!r->edges.column_n)
		return err_set(err, CCORE_EUSAGE, 0, "the answer of %s is not a picture",
			       r->command);
	render_dot(r, r->format == FORMAT_DOT ? out : &dot);
	if (r->format == FORMAT_DOT)
		return 0;
	ret = picture_draw(&dot, r->format == FORMAT_SVG ? "svg" : "png", out, err);
	strbuf_done(&dot);
	return ret;
}

int render_result(const struct ccore_result *r, const struct render_opts *opts, struct strbuf *out,
		  struct ccore_error *err)
{
	switch (r->format) {
	case FORMAT_TEXT:
		render_text(r, opts, out);
		break;
	case FORMAT_JSON:
		render_json(r, out);
		break;
	case FORMAT_JSONL:
		render_jsonl(r, out);
		break;
	case FORMAT_CSV:
		render_csv(r, out);
		break;
	case FORMAT_DOT:
	case FORMAT_SVG:
	case FORMAT_PNG:
		TRY(render_picture(r, out, err));
		break;
	}
	return out->failed ? err_nomem(err) : 0;
}
