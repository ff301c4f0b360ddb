// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * command: one file of this folder is one command of the user interface. It describes its
 * argument and options once; the command line, gdb's help and completion are made from that.
 */
#ifndef NECROPY_COMMAND_H
#define NECROPY_COMMAND_H

#include "util/progress.h"
#include "util/result.h"

struct session;
struct args;
struct sink;

/** An option: a flag when `metavar` is NULL. */
struct param {
	const char *name; // "--by", "-k"
	// "N", "TYPE" …; NULL for a flag. "TYPE..." may be given more than once: args_each()
	const char *metavar;
	const char *values;   // permitted values, '|'-separated, or NULL
	const char *fallback; // value when not given, or NULL
	const char *help;     // one line
};

enum { COMMAND_PARAMS_MAX = 16, ARGS_REPEATS_MAX = 32 };

struct command {
	const char *name;
	const char *summary; // one line, under 70 characters
	// "", "TYPE", "ADDR" or "ADDR|TYPE"; needed unless "" or in brackets: "[THREAD]"
	const char *argument;
	const char *details; // some sentences, for help; may be NULL
	const char *example; // a command line, as after "pm", and its real output
	bool reads_program;  // the target may be an interpreter's binary that does not run
	bool streams_text;   // lines of its own, not of JSON
	bool is_whole;	     // all rows are shown unless -n says otherwise
	bool writes_output;  // the file of -o itself; the answer goes elsewhere
	struct param params[COMMAND_PARAMS_MAX]; // ends with a NULL name
	int (*run)(struct session *s, const struct args *args, struct ccore_result *r,
		   struct ccore_error *err);
	/**
	 * Instead of `run`, of a command that streams: lines go to `sink` as they are made, and
	 * `r` becomes a summary of them.
	 */
	int (*stream)(struct session *s, const struct args *args, struct sink *sink,
		      struct ccore_result *r, struct ccore_error *err);
};

/** A parsed command line. Text belongs to the caller's argv. */
struct args {
	const struct command *command;
	const char *argument;			// NULL when the command has none
	const char *values[COMMAND_PARAMS_MAX]; // by param; flags have "" when given
	// Values of params that repeat, in order.
	struct {
		uint64_t param;
		const char *value;
	} repeats[ARGS_REPEATS_MAX];
	uint64_t repeat_n;
	uint64_t limit; // -n; UINT64_MAX for all
	bool has_limit; // -n was given
	enum output_format format;
	bool exact_bytes;
	const char *output;
};

// The order is the one help shows.
extern const struct command *const commands[];
extern const uint64_t command_n;

/** Options of every command; a NULL name ends them. */
extern const struct param common_params[];

/** Option `j` of `c`: its own ones, then the common ones; NULL past the end. */
const struct param *command_param(const struct command *c, uint64_t j);

/** The command called `name`; CCORE_EUSAGE with near names when there is none. */
int command_find(const char *name, const struct command **ret, struct ccore_error *err);

/**
 * Parse argv[1..] for `c`: its own options and the common ones. An option "--format" of the
 * command's own chooses the output format; when not given, the suffix of -o's FILE does if it
 * is one of the option's values, else its fallback.
 */
int args_parse(const struct command *c, const char *const *argv, uint64_t argc, struct args *ret,
	       struct ccore_error *err);

/** As --format and the options that choose one say it: "text", "json" … */
const char *output_format_name(enum output_format format);

/** Value of option `name` (with dashes): what was given, else its fallback, else NULL. */
const char *args_str(const struct args *a, const char *name);
bool args_flag(const struct args *a, const char *name);

/** Value `i` of an option that repeats, or NULL past the last. */
const char *args_each(const struct args *a, const char *name, uint64_t i);

/** As args_str(), as a number; CCORE_EUSAGE when it is none. */
int args_u64(const struct args *a, const char *name, uint64_t *ret, struct ccore_error *err);

/** The help of `c` as text. */
void command_help(const struct command *c, struct strbuf *out);

#endif
