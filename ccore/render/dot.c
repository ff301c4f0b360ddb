// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Graphviz. Nodes are the result's table (id, addr, type, refcount, repr, role), edges its
 * second one (source, target, label, kind). Colours as objgraph's: modules green, the object
 * red.
 */
#include "render/cell.h"
#include "render/render.h"

#define REPR_WIDTH_MAX 48u
#define LABEL_WIDTH_MAX 40u

struct role_style {
	const char *role, *fill, *line;
};

static const struct role_style role_styles[] = {
	{"module", "#d8f0dc", "#2e7d46"}, {"object", "#fcdcdc", "#c0283a"},
	{"root", "#dce8fb", "#2f66b0"},	  {"more", "#f4f5f7", "#b8bfca"},
	{"", "#ffffff", "#8a94a6"}, // ends the list: all others
};

struct kind_style {
	const char *kind, *attributes;
};

static const struct kind_style kind_styles[] = {
	{"guess", " style=dashed color=\"#8a94a6\""},
	{"weak", " style=dotted color=\"#8a94a6\" arrowhead=empty"},
	{"borrowed", " style=dotted color=\"#8a94a6\" arrowhead=empty"},
	{"", ""}, // ends the list: all others
};

static const char *text_at(const struct table *t, const char *column, uint64_t row)
{
	const struct table_column *c = column_find(t, column);

	return c && c->type == CCORE_STR && c->str[row] ? c->str[row] : "";
}

static uint64_t number_at(const struct table *t, const char *column, uint64_t row)
{
	const struct table_column *c = column_find(t, column);

	return c && c->type != CCORE_STR && !cell_is_null(c, row) ? c->u64[row] : 0;
}

static const struct role_style *find_role(const char *role)
{
	const struct role_style *s = role_styles;

	while (*s->role && strcmp(s->role, role) != 0)
		s++;
	return s;
}

static const char *find_kind(const char *kind)
{
	const struct kind_style *s = kind_styles;

	while (*s->kind && strcmp(s->kind, kind) != 0)
		s++;
	return s->attributes;
}

// `s` cut to `width` code points.
static void add_html_cut(struct strbuf *out, const char *s, uint64_t width)
{
	struct strbuf cut = {0};

	for (uint64_t n = 0; *s; s++) {
		n += (*s & 0xc0) != 0x80;
		if (n > width) {
			strbuf_puts(&cut, "…");
			break;
		}
		strbuf_putc(&cut, *s);
	}
	out->failed |= cut.failed;
	if (cut.n)
		strbuf_add_html(out, cut.data);
	strbuf_done(&cut);
}

static void add_node(struct strbuf *out, const struct table *t, uint64_t row)
{
	const struct role_style *style = find_role(text_at(t, "role", row));
	const char *repr = text_at(t, "repr", row);
	const addr_t addr = number_at(t, "addr", row);
	const uint64_t refcount = number_at(t, "refcount", row);

	strbuf_printf(out, "\tn%llu [fillcolor=\"%s\" color=\"%s\"%s tooltip=",
		      (unsigned long long)number_at(t, "id", row), style->fill, style->line,
		      *style->role ? " penwidth=1.6" : "");
	strbuf_add_dot(out, *repr ? repr : text_at(t, "type", row));
	strbuf_puts(out, " label=<<table border=\"0\" cellspacing=\"0\" cellpadding=\"1\">"
			 "<tr><td><b>");
	add_html_cut(out, text_at(t, "type", row), REPR_WIDTH_MAX);
	strbuf_puts(out, "</b></td></tr>");
	if (*repr) {
		strbuf_puts(out, "<tr><td><font point-size=\"10\">");
		add_html_cut(out, repr, REPR_WIDTH_MAX);
		strbuf_puts(out, "</font></td></tr>");
	}
	if (addr) {
		strbuf_printf(out, "<tr><td><font point-size=\"8\" color=\"#6b7485\">0x%llx",
			      (unsigned long long)addr);
		if (refcount)
			strbuf_printf(out, " · refcount %llu", (unsigned long long)refcount);
		strbuf_puts(out, "</font></td></tr>");
	}
	strbuf_puts(out, "</table>");
	strbuf_puts(out, ">]\n");
}

static void add_edge(struct strbuf *out, const struct table *t, uint64_t row)
{
	const char *kind = text_at(t, "kind", row);
	const char *label = text_at(t, "label", row);

	strbuf_printf(out, "\tn%llu -> n%llu [", (unsigned long long)number_at(t, "source", row),
		      (unsigned long long)number_at(t, "target", row));
	if (*label) {
		strbuf_puts(out, "label=< ");
		add_html_cut(out, label, LABEL_WIDTH_MAX);
		strbuf_puts(out, " >");
	}
	strbuf_puts(out, find_kind(kind));
	strbuf_puts(out, "]\n");
}

void render_dot(const struct ccore_result *r, struct strbuf *out)
{
	const char *font = "fontname=\"DejaVu Sans,Helvetica,Arial,sans-serif\"";

	strbuf_puts(out, "digraph necropy {\n");
	strbuf_puts(out, "\tgraph [pad=0.3 nodesep=0.3 ranksep=0.45]\n");
	strbuf_printf(out,
		      "\tnode [shape=box style=\"rounded,filled\" fontsize=12 %s "
		      "fontcolor=\"#1d2330\" margin=\"0.1,0.04\" height=0.3]\n",
		      font);
	strbuf_printf(out,
		      "\tedge [color=\"#4a5568\" fontsize=10 %s fontcolor=\"#384252\" "
		      "arrowsize=0.7]\n",
		      font);
	for (uint64_t row = 0; row < r->table.row_n; row++)
		add_node(out, &r->table, row);
	for (uint64_t row = 0; row < r->edges.row_n; row++)
		add_edge(out, &r->edges, row);
	strbuf_puts(out, "}\n");
}
