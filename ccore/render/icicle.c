// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tree of sizes as an icicle, written as SVG: the root above, below each box those it is made
 * of, as wide as they are large. The rows of the table are its leaves: COLUMN_PATH says where
 * each is, the first column of bytes how large. Groups lie together.
 */
#include "render/cell.h"
#include "render/render.h"

#include <stdlib.h>

#define WIDTH 1200u
#define BOX_HEIGHT 22u
#define TITLE_HEIGHT 26u
#define LETTER_WIDTH 7u // about, at the size that the text has
#define DEPTH_MAX 16u	// deeper boxes are not drawn: they are in those above
#define NARROW 200u	// thousandths of a pixel: narrower boxes are not drawn either

struct picture {
	const struct ccore_result *result;
	const struct table_column *path, *size;
	uint64_t total;
	struct strbuf *out;
};

// A group while its leaves come: what its path is, where it began.
struct box {
	const char *path;
	uint64_t n; // letters of it
	uint64_t start;
};

static uint64_t scaled(const struct picture *p, uint64_t bytes)
{
	// Thousandths of a pixel. Sizes are of an address space: 2^47 at most, times a million.
	return p->total ? (uint64_t)((unsigned __int128)bytes * WIDTH * 1000 / p->total) : 0;
}

static const char *last_part(const char *path, uint64_t n)
{
	while (n && path[n - 1] != '\n')
		n--;
	return path + n;
}

static const char *color(const char *path)
{
	static const char *const colors[] = {"#8dd3c7", "#fdb462", "#80b1d3", "#fb8072",
					     "#bebada", "#b3de69", "#fccde5", "#d9d9d9",
					     "#ffed6f", "#bc80bd", "#ccebc5", "#ffffb3"};
	uint32_t h = 2166136261u;

	// All below one of the first row have its colour.
	for (; *path && *path != '\n'; path++)
		h = (h ^ (uint8_t)*path) * 16777619u;
	return colors[h % (sizeof(colors) / sizeof(colors[0]))];
}

// `n` bytes of `s`, at most `width` letters of them.
static void add_label(struct strbuf *out, const char *s, uint64_t n, uint64_t width)
{
	uint64_t bytes = 0, letters = 0;
	char *part;

	while (bytes < n && letters < width) {
		bytes++;
		while (bytes < n && (s[bytes] & 0xc0) == 0x80)
			bytes++;
		letters++;
	}
	part = strndup(s, bytes);
	if (part)
		strbuf_add_html(out, part);
	out->failed |= !part;
	free(part);
	if (bytes < n)
		strbuf_puts(out, "…");
}

static void add_path(struct strbuf *out, const struct box *b)
{
	for (uint64_t at = 0; at < b->n;) {
		const char *end = memchr(b->path + at, '\n', b->n - at);
		const uint64_t n = end ? (uint64_t)(end - b->path) - at : b->n - at;

		strbuf_puts(out, at ? " / " : "");
		add_label(out, b->path + at, n, n);
		at += n + 1;
	}
}

static void add_thousandths(struct strbuf *out, uint64_t n)
{
	strbuf_printf(out, "%llu.%03llu", (unsigned long long)(n / 1000),
		      (unsigned long long)(n % 1000));
}

static void add_box(const struct picture *p, const struct box *b, uint32_t depth, uint64_t end)
{
	const uint64_t x = scaled(p, b->start), width = scaled(p, end) - x;
	const char *label = last_part(b->path, b->n);
	const uint64_t room = width / 1000 / LETTER_WIDTH;
	const uint64_t tenths = scaled(p, end - b->start) / WIDTH;
	struct strbuf *out = p->out;

	if (width < NARROW)
		return;
	strbuf_puts(out, "<g><rect x=\"");
	add_thousandths(out, x);
	strbuf_printf(out, "\" y=\"%u\" width=\"", TITLE_HEIGHT + depth * BOX_HEIGHT);
	add_thousandths(out, width);
	strbuf_printf(out, "\" height=\"%u\" fill=\"%s\"/><title>", BOX_HEIGHT, color(b->path));
	add_path(out, b);
	strbuf_puts(out, ": ");
	strbuf_add_size(out, end - b->start);
	strbuf_printf(out, ", %llu.%llu %%</title>", (unsigned long long)(tenths / 10),
		      (unsigned long long)(tenths % 10));
	if (room >= 3) {
		strbuf_puts(out, "<text x=\"");
		add_thousandths(out, x + 3000);
		strbuf_printf(out, "\" y=\"%u\">", TITLE_HEIGHT + depth * BOX_HEIGHT + 15);
		add_label(out, label, b->n - (uint64_t)(label - b->path), room - 1);
		strbuf_puts(out, "</text>");
	}
	strbuf_puts(out, "</g>\n");
}

// The lengths of the beginnings of `path` that are groups, and its own; how many they are.
static uint32_t split(const char *path, uint64_t ends[DEPTH_MAX])
{
	uint32_t n = 0;

	for (const char *p = path; n < DEPTH_MAX; p++) {
		p = strchrnul(p, '\n');
		ends[n++] = (uint64_t)(p - path);
		if (!*p)
			break;
	}
	return n;
}

static void add_boxes(const struct picture *p, uint32_t *ret_depth)
{
	const struct table *t = &p->result->table;
	struct box open[DEPTH_MAX];
	uint64_t ends[DEPTH_MAX], at = 0;
	uint32_t open_n = 0;

	*ret_depth = 1;
	for (uint64_t row = 0; row < t->row_n; row++) {
		const char *path = p->path->str[row];
		uint32_t n, same = 0;

		if (table_is_group(t, row) || !path)
			continue;
		n = split(path, ends);
		while (same < open_n && same < n && open[same].n == ends[same] &&
		       memcmp(open[same].path, path, ends[same]) == 0)
			same++;
		while (open_n > same) {
			open_n--;
			add_box(p, &open[open_n], open_n + 1, at);
		}
		for (; open_n < n; open_n++)
			open[open_n] = (struct box){path, ends[open_n], at};
		if (n + 1 > *ret_depth)
			*ret_depth = n + 1;
		at += p->size->u64[row];
	}
	while (open_n) {
		open_n--;
		add_box(p, &open[open_n], open_n + 1, at);
	}
}

static void add_heading(const struct picture *p)
{
	const struct result_target *t = &p->result->target;
	struct strbuf *out = p->out;

	strbuf_printf(out, "<text x=\"3\" y=\"17\">%s of ", p->result->command);
	if (t->path)
		strbuf_add_html(out, t->path);
	else
		strbuf_printf(out, "process %llu", (unsigned long long)t->pid);
	strbuf_puts(out, ": ");
	strbuf_add_size(out, p->total);
	strbuf_puts(out, "</text>\n");
	strbuf_printf(out,
		      "<rect x=\"0\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"#eeeeee\"/>"
		      "<text x=\"3\" y=\"%u\">all</text>\n",
		      TITLE_HEIGHT, WIDTH, BOX_HEIGHT, TITLE_HEIGHT + 15);
}

// A tree has sizes.
bool icicle_can_draw(const struct ccore_result *r)
{
	for (uint64_t c = 0; c < r->table.column_n; c++)
		if (r->table.columns[c].flags & COLUMN_PATH)
			return true;
	return false;
}

void render_icicle(const struct ccore_result *r, struct strbuf *out)
{
	struct strbuf boxes = {0};
	struct picture p = {.result = r, .out = &boxes};
	uint32_t depth;

	for (uint64_t c = 0; c < r->table.column_n; c++) {
		const struct table_column *column = &r->table.columns[c];

		if (column->flags & COLUMN_PATH && !p.path)
			p.path = column;
		if (column_is_bytes(column) && !p.size)
			p.size = column;
	}
	if (!p.path || !p.size)
		return;
	for (uint64_t row = 0; row < r->table.row_n; row++)
		p.total += table_is_group(&r->table, row) ? 0 : p.size->u64[row];
	add_heading(&p);
	add_boxes(&p, &depth);
	strbuf_printf(out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		      "viewBox=\"0 0 %u %u\">\n"
		      "<style>rect { stroke: white; stroke-width: 0.5 } "
		      "text { font: 12px sans-serif }</style>\n",
		      WIDTH, TITLE_HEIGHT + depth * BOX_HEIGHT, WIDTH,
		      TITLE_HEIGHT + depth * BOX_HEIGHT);
	if (boxes.n)
		strbuf_add(out, boxes.data, boxes.n);
	strbuf_puts(out, "</svg>\n");
	out->failed |= boxes.failed;
	strbuf_done(&boxes);
}
