// SPDX-License-Identifier: GPL-2.0-or-later
// Results as bytes: text for people, JSON and CSV for machines, DOT for graphviz.
#ifndef NECROPY_RENDER_H
#define NECROPY_RENDER_H

#include "util/result.h"
#include "util/sink.h"

struct render_opts {
	uint32_t width; // of the terminal, 0: unlimited
	bool color;
};

/** Append `r` in its format to `out`. PNG, and SVG but for trees, are drawn by graphviz. */
int render_result(const struct ccore_result *r, const struct render_opts *opts, struct strbuf *out,
		  struct ccore_error *err);

/** One format each; out->failed says that memory was out. */
void render_text(const struct ccore_result *r, const struct render_opts *opts, struct strbuf *out);
void render_json(const struct ccore_result *r, struct strbuf *out);
void render_jsonl(const struct ccore_result *r, struct strbuf *out);

/** One object of an export as a line of JSON. */
void render_object_line(const struct object_line *o, struct strbuf *out);

void render_csv(const struct ccore_result *r, struct strbuf *out);
void render_dot(const struct ccore_result *r, struct strbuf *out);

/** Whether `r` is a tree of sizes, and this tree as a picture in SVG. */
bool icicle_can_draw(const struct ccore_result *r);
void render_icicle(const struct ccore_result *r, struct strbuf *out);

/** Draw `dot` as "svg" or "png" with graphviz's dot; CCORE_EIO when it is not installed. */
int picture_draw(const struct strbuf *dot, const char *format, struct strbuf *out,
		 struct ccore_error *err);

#endif
