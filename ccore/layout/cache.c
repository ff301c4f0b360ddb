// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A text file per build-id and search path of debug information: a header with a hash of our
 * tables, one line a row, a checksum. Safe to delete; written to a temporary file and renamed;
 * anything that does not fit is ignored and the file is written anew.
 */
#include "layout/cache.h"

#include "util/cleanup.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define CACHE_FORMAT 2
#define CACHE_BYTES_MAX (1u << 20)

static uint64_t fnv(uint64_t h, const char *s, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 0x100000001b3ull;
	return h;
}

#define FNV_START 0xcbf29ce484222325ull

// A change of any row makes old files unreadable, as it must.
static uint64_t tables_hash(void)
{
	static const char rows[] =
#define STRUCT(id, names, need) "S" #id names ";"
#define STRUCT_IN(id, names, cu, need) "S" #id names cu ";"
#define FIELD(id, struct_id, paths, need) "F" #id #struct_id paths ";"
#define SYMBOL(id, names, cu, need) "Y" #id names #cu ";"
#include "layout/cpython.def"
#define MEMBERS(id, names, structs, cu) "M" #id structs #cu ";"
#define EDGE(id, path, kind, label) "E" #id path ";"
#include "layout/members.def"
#define ROOT(struct_id, path, label) "R" #struct_id path ";"
#include "layout/roots.def"
#define EXTENSION(module, files) "X" module files ";"
#include "layout/extensions.def"
		;
	return fnv(FNV_START, rows, sizeof(rows));
}

static bool cache_path(const struct module *mod, struct strbuf *out)
{
	const char *dir = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (!mod->build_id_n)
		return false;
	if (dir && *dir == '/')
		strbuf_puts(out, dir);
	else if (home && *home == '/')
		strbuf_printf(out, "%s/.cache", home);
	else
		return false;
	strbuf_puts(out, "/necropy");
	return !out->failed;
}

static void add_file_name(struct strbuf *path, const struct module *mod, const char *debug_dirs)
{
	char id[BUILD_ID_HEX_BYTES];

	build_id_hex(mod->build_id, mod->build_id_n, id);
	strbuf_printf(path, "/layout-%s-%08" PRIx32, id,
		      (uint32_t)fnv(FNV_START, debug_dirs, strlen(debug_dirs)));
}

static void add_sizes(struct strbuf *out, char kind, const uint32_t *sizes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (sizes[i])
			strbuf_printf(out, "%c %u %u 0 0 0\n", kind, i, sizes[i]);
}

static void add_fields(struct strbuf *out, char kind, const struct field *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (f[i].found)
			strbuf_printf(out, "%c %u %u %u %u %u\n", kind, i, f[i].off, f[i].size,
				      f[i].bit_off, f[i].bit_size);
}

static void write_rows(const struct layout *l, const struct module *mod, struct strbuf *out)
{
	strbuf_printf(out, "necropy-layout %d %016" PRIx64 "\n", CACHE_FORMAT, tables_hash());
	add_sizes(out, 'S', l->struct_size, STRUCT_N);
	add_sizes(out, 'M', l->members_size, MEMBERS_N);
	add_fields(out, 'F', l->fields, FIELD_N);
	add_fields(out, 'E', l->edges, EDGE_ROW_N);
	add_fields(out, 'R', l->roots, ROOT_ROW_N);
	for (unsigned i = 0; i < SYMBOL_N; i++)
		if (l->symbols[i])
			strbuf_printf(out, "Y %u %" PRIu64 " 0 0 0\n", i,
				      l->symbols[i] - mod->bias);
}

static struct field *field_of(struct layout *l, char kind, unsigned i)
{
	if (kind == 'F')
		return i < FIELD_N ? &l->fields[i] : NULL;
	if (kind == 'E')
		return i < EDGE_ROW_N ? &l->edges[i] : NULL;
	return i < ROOT_ROW_N ? &l->roots[i] : NULL;
}

static bool read_row(struct layout *l, const struct module *mod, const char *line)
{
	uint64_t a;
	unsigned i, size, bit_off, bit_size;
	struct field *f;
	char kind;

	if (sscanf(line, "%c %u %" SCNu64 " %u %u %u", &kind, &i, &a, &size, &bit_off, &bit_size) !=
	    6)
		return false;
	switch (kind) {
	case 'S':
	case 'M':
		if (i >= (kind == 'S' ? (unsigned)STRUCT_N : (unsigned)MEMBERS_N) || a > UINT32_MAX)
			return false;
		(kind == 'S' ? l->struct_size : l->members_size)[i] = (uint32_t)a;
		return true;
	case 'F':
	case 'E':
	case 'R':
		f = field_of(l, kind, i);
		if (!f || a > UINT32_MAX)
			return false;
		*f = (struct field){
			.found = true,
			.off = (uint32_t)a,
			.size = size,
			.bit_off = (uint8_t)bit_off,
			.bit_size = (uint8_t)bit_size,
		};
		return true;
	case 'Y':
		if (i >= SYMBOL_N)
			return false;
		l->symbols[i] = a + mod->bias;
		return true;
	default:
		return false;
	}
}

// The whole file in `out`, or false.
static bool read_file(const char *path, struct strbuf *out)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[16384];

	if (fd < 0)
		return false;
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			return n == 0 && out->n;
		strbuf_add(out, buf, (uint64_t)n);
		if (out->failed || out->n > CACHE_BYTES_MAX)
			return false;
	}
}

// The last line is the checksum of those before it.
static bool checksum_fits(const struct strbuf *text, uint64_t *ret_rows_n)
{
	static const char tag[] = "checksum ";
	uint64_t n = text->n, sum;

	if (n < sizeof(tag) + 17 || text->data[n - 1] != '\n')
		return false;
	n -= sizeof(tag) - 1 + 17;
	if (memcmp(text->data + n, tag, sizeof(tag) - 1) != 0 ||
	    sscanf(text->data + n + sizeof(tag) - 1, "%16" SCNx64, &sum) != 1)
		return false;
	*ret_rows_n = n;
	return sum == fnv(FNV_START, text->data, n);
}

static bool parse(struct layout *l, const struct module *mod, struct strbuf *text)
{
	uint64_t rows_n, hash;
	int format;
	char *line, *end;

	if (!checksum_fits(text, &rows_n) ||
	    sscanf(text->data, "necropy-layout %d %16" SCNx64 "\n", &format, &hash) != 2 ||
	    format != CACHE_FORMAT || hash != tables_hash())
		return false;
	text->data[rows_n] = '\0';
	line = strchr(text->data, '\n') + 1;
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			return false;
		*end = '\0';
		if (!read_row(l, mod, line))
			return false;
	}
	return true;
}

bool cache_read(struct layout *ret, const struct module *mod, const char *debug_dirs)
{
	struct strbuf path = {0}, text = {0};
	struct layout l = {.origin = ORIGIN_DWARF, .from_cache = true, .module = mod};
	bool ok = false;

	if (cache_path(mod, &path)) {
		add_file_name(&path, mod, debug_dirs);
		ok = !path.failed && read_file(path.data, &text) && parse(&l, mod, &text);
	}
	strbuf_done(&path);
	strbuf_done(&text);
	if (ok)
		*ret = l;
	return ok;
}

void cache_write(const struct layout *l, const struct module *mod, const char *debug_dirs)
{
	struct strbuf path = {0}, text = {0};

	if (cache_path(mod, &path)) {
		char *slash = strrchr(path.data, '/');

		*slash = '\0';
		(void)mkdir(path.data, 0700); // exists, or the next fails too
		*slash = '/';
		(void)mkdir(path.data, 0700); // exists, or the open fails
		add_file_name(&path, mod, debug_dirs);
		write_rows(l, mod, &text);
		if (!text.failed)
			strbuf_printf(&text, "checksum %016" PRIx64 "\n",
				      fnv(FNV_START, text.data, text.n));
		if (!path.failed && !text.failed)
			// The cache only saves time: a failure is no one's concern.
			(void)file_replace(path.data, text.data, text.n);
	}
	strbuf_done(&path);
	strbuf_done(&text);
}
