// SPDX-License-Identifier: GPL-2.0-or-later
// The options of the tool itself: how the target is opened, and help.
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int usage_error(struct ccore_error *err, const char *fmt, ...)
{
	va_list ap;

	*err = (struct ccore_error){.code = CCORE_EUSAGE};
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap); // cut text is still a sentence
	va_end(ap);
	return CCORE_EUSAGE;
}

// Decimal digits; what follows them in `*end`. False when there are none, or too many.
static bool parse_digits(const char *s, uint64_t *ret, const char **end)
{
	uint64_t n = 0;

	for (*end = s; **end >= '0' && **end <= '9'; ++*end)
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(**end - '0'), &n))
			return false;
	*ret = n;
	return *end != s;
}

static int set_exe(struct line *line, const char *value, struct ccore_error *err)
{
	(void)err; // any text will do
	line->opts.exe = value;
	return 0;
}

static int set_debug_dir(struct line *line, const char *value, struct ccore_error *err)
{
	(void)err;
	line->opts.debug_dirs = value;
	return 0;
}

static int set_layout(struct line *line, const char *value, struct ccore_error *err)
{
	(void)err;
	line->opts.layout = value;
	return 0;
}

static int set_debuginfod(struct line *line, const char *value, struct ccore_error *err)
{
	(void)value, (void)err; // a flag
	line->opts.flags |= CCORE_OPEN_DEBUGINFOD;
	return 0;
}

static int set_tmp_dir(struct line *line, const char *value, struct ccore_error *err)
{
	(void)err;
	line->opts.tmp_dir = value;
	return 0;
}

static int set_sysroot(struct line *line, const char *value, struct ccore_error *err)
{
	(void)err;
	line->opts.sysroot = value;
	return 0;
}

static int set_maps(struct line *line, const char *value, struct ccore_error *err)
{
	(void)err;
	line->opts.maps = value;
	return 0;
}

static int set_max_memory(struct line *line, const char *value, struct ccore_error *err)
{
	static const char units[] = "KMGT";
	const char *end, *unit;
	uint64_t n, factor = 1;
	bool ok = parse_digits(value, &n, &end);

	unit = ok && *end ? strchr(units, *end) : NULL;
	if (unit) {
		factor <<= 10 * (unit - units + 1);
		end++;
	}
	ok = ok && (!*end || (unit && !strcmp(end, "iB")));
	if (!ok || !n || __builtin_mul_overflow(n, factor, &n))
		return usage_error(err, "--max-memory %.100s: must be a size such as 512M or 4G",
				   value);
	line->opts.max_bytes = n;
	return 0;
}

static int set_threads(struct line *line, const char *value, struct ccore_error *err)
{
	const char *end;
	uint64_t n;

	if (!parse_digits(value, &n, &end) || *end || !n || n > 1024)
		return usage_error(err, "--threads %.100s: must be a number from 1 to 1024", value);
	line->opts.threads = (uint32_t)n;
	return 0;
}

static int set_redact(struct line *line, const char *value, struct ccore_error *err)
{
	(void)value, (void)err; // a flag
	line->opts.flags |= CCORE_OPEN_REDACT;
	return 0;
}

static int set_isolate(struct line *line, const char *value, struct ccore_error *err)
{
	(void)value, (void)err; // a flag
	line->isolate = true;
	return 0;
}

static int set_no_cache(struct line *line, const char *value, struct ccore_error *err)
{
	(void)value, (void)err; // a flag
	line->opts.flags |= CCORE_OPEN_NO_CACHE;
	return 0;
}

static int set_no_progress(struct line *line, const char *value, struct ccore_error *err)
{
	(void)value, (void)err; // a flag
	line->no_progress = true;
	return 0;
}

static int set_help(struct line *line, const char *value, struct ccore_error *err)
{
	(void)value, (void)err; // a flag
	line->help = true;
	return 0;
}

static int set_version(struct line *line, const char *value, struct ccore_error *err)
{
	(void)value, (void)err; // a flag
	line->version = true;
	return 0;
}

const struct tool_option tool_options[] = {
	{"--exe", "FILE", "the interpreter's binary, if not found by name", set_exe},
	{"--debug-dir", "DIR", "where separate debug files are (default: /usr/lib/debug)",
	 set_debug_dir},
	{"--debuginfod", NULL, "fetch programs and debug information from $DEBUGINFOD_URLS",
	 set_debuginfod},
	{"--layout", "FILE", "the struct layout, from a file that `necropy layout` has written",
	 set_layout},
	{"--sysroot", "DIR", "look up the target's files below DIR: a container's root",
	 set_sysroot},
	{"--maps", "FILE", "a saved copy of the process's /proc/PID/maps", set_maps},
	{"--tmp-dir", "DIR", "where a compressed core is decompressed (default: $TMPDIR, /var/tmp)",
	 set_tmp_dir},
	{"--max-memory", "SIZE", "use no more than SIZE (default: 75 % of RAM)", set_max_memory},
	{"--threads", "N", "threads to work with (default: one per processor, at most 8)",
	 set_threads},
	{"--redact", NULL, "show type, length and a hash in place of values", set_redact},
	{"--isolate", NULL, "read the target in a process that can do nothing else", set_isolate},
	{"--no-cache", NULL, "neither read nor write the cache of struct layouts", set_no_cache},
	{"--no-progress", NULL, "do not show progress", set_no_progress},
	{"--help", NULL, "this help", set_help},
	{"--version", NULL, "the version", set_version},
	{0},
};
