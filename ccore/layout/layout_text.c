// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/layout_text.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_FORMAT 1u

static const char *const struct_names[] = {
#define STRUCT(id, names, need) #id,
#include "layout/cpython.def"
};
static const char *const members_names[] = {
#define MEMBERS(id, names, structs, cu) #id,
#include "layout/members.def"
};
static const char *const field_names[] = {
#define FIELD(id, struct_id, path, need) #id,
#include "layout/cpython.def"
};
static const char *const edge_names[] = {
#define EDGE(id, path, kind, label) #id "." path,
#include "layout/members.def"
};
static const char *const root_names[] = {
#define ROOT(struct_id, path, label) #struct_id "." path,
#include "layout/roots.def"
};
static const char *const symbol_names[] = {
#define SYMBOL(id, names, cu, need) #id,
#include "layout/cpython.def"
};

static const struct row_kind {
	const char *const *names;
	uint32_t n;
} kinds[] = {
	{struct_names, STRUCT_N}, {members_names, MEMBERS_N}, {field_names, FIELD_N},
	{edge_names, EDGE_ROW_N}, {root_names, ROOT_ROW_N},   {symbol_names, SYMBOL_N},
};

// -- one row

static bool is_name(const char *wanted, const char *name, uint64_t n)
{
	return strncmp(wanted, name, n) == 0 && !wanted[n];
}

static bool find_row(struct row_finder *f, unsigned kind, const char *name, uint64_t n,
		     uint32_t *ret)
{
	const struct row_kind *k = &kinds[kind];

	for (uint32_t i = 0; i < k->n; i++) {
		const uint32_t at = (f->next[kind] + i) % k->n;

		if (is_name(k->names[at], name, n)) {
			f->next[kind] = at + 1;
			*ret = at;
			return true;
		}
	}
	return false;
}

static bool set_field(struct field *f, const uint64_t *x, uint32_t n)
{
	if (n < 2 || x[0] > UINT32_MAX || x[1] > UINT32_MAX)
		return false;
	*f = (struct field){.found = true, .off = (uint32_t)x[0], .size = (uint32_t)x[1]};
	if (n < 4)
		return true;
	if (x[2] > 63 || x[3] > 63)
		return false;
	f->bit_off = (uint8_t)x[2];
	f->bit_size = (uint8_t)x[3];
	return true;
}

bool layout_row_set(struct layout *l, struct row_finder *f, char kind, const char *name,
		    uint64_t name_n, const uint64_t *x, uint32_t n)
{
	const char *place = kind ? strchr(ROW_KINDS, kind) : NULL;
	uint32_t i;

	if (!place || !n || !find_row(f, (unsigned)(place - ROW_KINDS), name, name_n, &i))
		return false;
	switch (kind) {
	case 'F':
		return set_field(&l->fields[i], x, n);
	case 'E':
		return set_field(&l->edges[i], x, n);
	case 'R':
		return set_field(&l->roots[i], x, n);
	case 'Y':
		l->symbols[i] = x[0];
		return true;
	default:
		if (x[0] > UINT32_MAX)
			return false;
		(kind == 'S' ? l->struct_size : l->members_size)[i] = (uint32_t)x[0];
		return true;
	}
}

// -- writing

static uint64_t write_sizes(struct strbuf *out, char kind, const char *const *names,
			    const uint32_t *sizes, uint32_t n)
{
	uint64_t rows = 0;

	for (uint32_t i = 0; i < n; i++)
		if (sizes[i]) {
			strbuf_printf(out, "%c %s %" PRIu32 "\n", kind, names[i], sizes[i]);
			rows++;
		}
	return rows;
}

static uint64_t write_fields(struct strbuf *out, char kind, const char *const *names,
			     const struct field *f, uint32_t n)
{
	uint64_t rows = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!f[i].found)
			continue;
		strbuf_printf(out, "%c %s %" PRIu32 " %" PRIu32, kind, names[i], f[i].off,
			      f[i].size);
		if (f[i].bit_size)
			strbuf_printf(out, " %u %u", f[i].bit_off, f[i].bit_size);
		strbuf_putc(out, '\n');
		rows++;
	}
	return rows;
}

static uint64_t write_symbols(struct strbuf *out, const struct layout *l)
{
	uint64_t rows = 0;

	for (uint32_t i = 0; i < SYMBOL_N; i++)
		// What was found by its structure is only where it is in that process.
		if (l->symbols[i] && l->module && l->symbol_origin[i] != ORIGIN_STRUCTURE) {
			strbuf_printf(out, "Y %s %" PRIu64 "\n", symbol_names[i],
				      l->symbols[i] - l->module->bias);
			rows++;
		}
	return rows;
}

void layout_text_write(const struct layout *l, struct strbuf *out)
{
	char id[BUILD_ID_HEX_BYTES];
	uint64_t n;

	strbuf_printf(out, "necropy-layout %u\n", TEXT_FORMAT);
	if (l->version)
		strbuf_printf(out, "version %u.%u.%u 0x%08x\n", l->version >> 24,
			      l->version >> 16 & 0xff, l->version >> 8 & 0xff, l->version);
	if (l->module && l->module->build_id_n) {
		build_id_hex(l->module->build_id, l->module->build_id_n, id);
		strbuf_printf(out, "build-id %s\n", id);
	}
	n = write_sizes(out, 'S', struct_names, l->struct_size, STRUCT_N);
	n += write_sizes(out, 'M', members_names, l->members_size, MEMBERS_N);
	n += write_fields(out, 'F', field_names, l->fields, FIELD_N);
	n += write_fields(out, 'E', edge_names, l->edges, EDGE_ROW_N);
	n += write_fields(out, 'R', root_names, l->roots, ROOT_ROW_N);
	n += write_symbols(out, l);
	strbuf_printf(out, "end %" PRIu64 "\n", n);
}

// -- reading

struct reading {
	struct layout *l;
	struct row_finder finder;
	uint8_t *build_id;
	uint32_t build_id_n;
	uint64_t row_n;
	bool ended;
};

static bool read_number(const char **at, uint64_t *ret)
{
	const char *s = *at;
	uint64_t n = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	*at = s;
	*ret = n;
	return true;
}

static bool read_row(struct reading *r, const char *line)
{
	const char *name = line + 2, *at;
	const uint64_t name_n = strcspn(name, " ");
	uint64_t x[4];
	uint32_t n = 0;

	for (at = name + name_n; *at == ' ' && n < 4; n++) {
		at++;
		if (!read_number(&at, &x[n]))
			return false;
	}
	if (*at || !n || !name_n)
		return false;
	r->row_n++;
	// One that is not known here is of another version of necropy.
	(void)layout_row_set(r->l, &r->finder, line[0], name, name_n, x, n);
	return true;
}

static bool read_build_id(struct reading *r, const char *hex)
{
	uint32_t n = 0;

	for (; hex[0] && hex[1] && n < LIM_BUILD_ID_BYTES; hex += 2, n++) {
		unsigned byte;

		if (sscanf(hex, "%2x", &byte) != 1)
			return false;
		r->build_id[n] = (uint8_t)byte;
	}
	r->build_id_n = n;
	return !*hex;
}

static bool read_line(struct reading *r, const char *line)
{
	static const char version[] = "version ", build_id[] = "build-id ", end[] = "end ";
	uint64_t n;

	if (r->ended)
		return false;
	if (line[0] && line[1] == ' ' && strchr(ROW_KINDS, line[0]))
		return read_row(r, line);
	if (strncmp(line, version, sizeof(version) - 1) == 0) {
		line = strstr(line, " 0x");
		return line && sscanf(line, " 0x%8" SCNx32, &r->l->version) == 1;
	}
	if (strncmp(line, build_id, sizeof(build_id) - 1) == 0)
		return read_build_id(r, line + sizeof(build_id) - 1);
	if (strncmp(line, end, sizeof(end) - 1) != 0)
		return false;
	line += sizeof(end) - 1;
	r->ended = read_number(&line, &n) && !*line && n == r->row_n;
	return r->ended;
}

int layout_text_read(char *text, uint64_t n, struct layout *ret, uint8_t *ret_build_id,
		     uint32_t *ret_build_id_n, struct ccore_error *err)
{
	struct reading r = {.l = ret, .build_id = ret_build_id};
	uint64_t at = 0, line_n = 0;
	unsigned format;

	*ret = (struct layout){0};
	while (at < n) {
		char *line = text + at, *end = memchr(line, '\n', n - at);

		if (!end)
			break;
		*end = '\0';
		at += (uint64_t)(end - line) + 1;
		if (!line_n++) {
			if (sscanf(line, "necropy-layout %u", &format) != 1)
				return err_set(err, CCORE_EFORMAT, 0,
					       "not a layout that `necropy layout` has written");
			if (format != TEXT_FORMAT)
				return err_set(err, CCORE_EUNSUPPORTED, 0,
					       "a layout of format %u; this version of necropy "
					       "reads format %u",
					       format, TEXT_FORMAT);
		} else if (!read_line(&r, line)) {
			return err_set(err, CCORE_EFORMAT, 0, "line %" PRIu64 " is not of a layout",
				       line_n);
		}
	}
	if (!r.ended)
		return err_set(err, CCORE_EFORMAT, 0,
			       line_n ? "its end is missing"
				      : "not a layout that `necropy layout` has written");
	*ret_build_id_n = r.build_id_n;
	return 0;
}
