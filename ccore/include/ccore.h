/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ccore.h - read the Python heap of a core dump or a paused process
 *
 * libccore opens a target (a core file, a process, or memory supplied by the caller),
 * finds the CPython interpreter in it, and answers questions about its objects: how many
 * of which type, what keeps one alive, which memory is shared. Nothing is ever written to
 * the target and no code of the target is run.
 *
 * The shape of a program that uses it:
 *
 *	ccore_open_core(path, &opts, &session, &error);
 *	ccore_run(session, argv, argc, &result, &error);	// as on the command line
 *	ccore_result_render(result, &text, &size, &error);
 *	ccore_result_free(result);
 *	ccore_close(session);
 *
 * Conventions. Functions that can fail return CCORE_OK (0) or a negative enum
 * ccore_status, and say what happened and where in the struct ccore_error that the caller
 * passes (NULL is allowed). Out-parameters are last and untouched on failure. Sizes are
 * bytes, addresses are the target's. Strings are UTF-8 and NUL-terminated. A session may
 * be used from one thread at a time; separate sessions are independent. Results outlive
 * the session that gave them.
 */
#ifndef CCORE_H
#define CCORE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CCORE_API __attribute__((visibility("default")))

/*
 * Errors
 * ------
 */

/** What a failed call returns. The sentences are in ccore_status_text(). */
enum ccore_status {
	CCORE_OK = 0,
	CCORE_EUSAGE = -1,	 /* a command, option or argument that is not understood */
	CCORE_EIO = -2,		 /* a file or process cannot be read */
	CCORE_EFORMAT = -3,	 /* not an ELF core, or damaged beyond use */
	CCORE_ENOPYTHON = -4,	 /* no CPython interpreter in the target */
	CCORE_ELAYOUT = -5,	 /* the interpreter's struct layout is not known */
	CCORE_EFAULT = -6,	 /* the target's memory cannot be read at an address */
	CCORE_ENOMEM = -7,	 /* out of memory, or over the limit set at open */
	CCORE_ECANCELED = -8,	 /* the progress callback said stop */
	CCORE_ENOTFOUND = -9,	 /* no such type, object or path */
	CCORE_EDAMAGED = -10,	 /* the target's data contradicts itself */
	CCORE_EUNSUPPORTED = -11 /* understood, but this version cannot do it */
};

/** What happened, in one sentence for the user. Filled where the failure is found. */
struct ccore_error {
	int32_t code; /* an enum ccore_status */
	uint32_t reserved;
	uint64_t addr; /* the target address concerned, or 0 */
	char text[496];
};

/** One sentence for `status`; never NULL. */
CCORE_API const char *ccore_status_text(int32_t status);

/*
 * The library itself
 * ------------------
 */

/** "MAJOR.MINOR.PATCH" of the library. */
CCORE_API const char *ccore_version(void);

/** A hash of this header; a binding generated from another header has another hash. */
CCORE_API uint64_t ccore_abi_hash(void);

/*
 * Sessions
 * --------
 *
 * A session is one target opened for reading. It is never written to.
 */
struct ccore_session;

/**
 * Called from time to time during long work, on the calling thread: `done` of `total`
 * steps of `what` (`total` 0 when unknown). Returns 1 to go on; all else cancels, and the
 * call under way fails with CCORE_ECANCELED.
 */
typedef int32_t (*ccore_progress_fn)(void *ctx, const char *what, uint64_t done, uint64_t total);

/**
 * Copies `size` bytes of the target at `addr` to `buf`. Returns `size`; anything else is a
 * fault. Called on the calling thread only, never after ccore_close().
 */
typedef int64_t (*ccore_read_fn)(void *ctx, uint64_t addr, void *buf, uint64_t size);

/** Bits of ccore_open_opts.flags. */
enum ccore_open_flags {
	CCORE_OPEN_STOPPED = 1,	 /* the caller holds the process stopped: do not ptrace it */
	CCORE_OPEN_NO_CACHE = 2, /* neither read nor write the layout cache */
	CCORE_OPEN_REDACT = 4,	 /* show type, length and a hash in place of values */
	CCORE_OPEN_RUNNING = 8,	 /* neither stop nor copy a process: only `record` can use that */
	CCORE_OPEN_PROGRAM = 16, /* ccore_open_core() takes an interpreter's binary, for "layout" */
	CCORE_OPEN_DEBUGINFOD = 32 /* fetch debug information from $DEBUGINFOD_URLS */
};

/**
 * Choices made when a session is opened. Set `size` to sizeof(struct ccore_open_opts) and
 * the rest to zero for the defaults; fields are only ever added at the end.
 */
struct ccore_open_opts {
	uint64_t size;
	const char *exe;	    /* interpreter binary; NULL to find it by name and build-id */
	const char *debug_dirs;	    /* ':'-separated, replaces the default; NULL: /usr/lib/debug */
	const char *sysroot;	    /* folder in which the target's files are looked up, or NULL */
	const char *maps;	    /* saved copy of /proc/PID/maps; NULL: CORE.maps when present */
	uint64_t max_bytes;	    /* memory the library may allocate; 0: 75 % of RAM */
	uint32_t threads;	    /* for parallel work; 0: one per processor, at most 8 */
	uint32_t flags;		    /* enum ccore_open_flags */
	ccore_progress_fn progress; /* may be NULL */
	void *progress_ctx;
	const char *tmp_dir; /* for decompressed cores; NULL: $TMPDIR, else /var/tmp */
	const char *layout;  /* file that the command "layout" has written, to be used; or NULL */
};

/**
 * Open the core file at `path`.
 *
 * The file is mapped read-only and must not shrink while the session is open. One compressed
 * with zstd, xz, gzip or lz4 is decompressed into a temporary file without a name. Pages it did
 * not save are taken from the files they were mapped from when those are present with the
 * same build-id; other reads of them fail.
 *
 * Returns CCORE_OK and stores a session in `*ret`, to be closed with ccore_close().
 * On failure `*ret` is untouched and `*err` (may be NULL) tells what and where:
 *
 *   CCORE_EIO        `path` cannot be read
 *   CCORE_EFORMAT    not an ELF core, or its headers are damaged
 *   CCORE_ENOPYTHON  no interpreter found in it
 *   CCORE_ELAYOUT    no debug information for the interpreter; the text names the package
 */
CCORE_API int32_t ccore_open_core(const char *path, const struct ccore_open_opts *opts,
				  struct ccore_session **ret, struct ccore_error *err);

/** As ccore_open_core(), for `size` bytes of a core file at `data`, which stay the caller's. */
CCORE_API int32_t ccore_open_core_mem(const void *data, uint64_t size,
				      const struct ccore_open_opts *opts,
				      struct ccore_session **ret, struct ccore_error *err);

/**
 * Open the process `pid`. All its threads are stopped while its memory is copied, then
 * resumed, also when the copy fails; with CCORE_OPEN_STOPPED the caller has stopped it.
 *
 *   CCORE_EIO        no such process, or no permission to trace it
 *   CCORE_ENOPYTHON, CCORE_ELAYOUT   as ccore_open_core()
 */
CCORE_API int32_t ccore_open_pid(int64_t pid, const struct ccore_open_opts *opts,
				 struct ccore_session **ret, struct ccore_error *err);

/**
 * Open memory that the caller reads for us: a remote target, an emulator, another format.
 * `maps` lists what is mapped, in the format of /proc/PID/maps. `read` and `ctx` must stay
 * valid until ccore_close().
 */
CCORE_API int32_t ccore_open_callback(const char *maps, ccore_read_fn read, void *ctx,
				      const struct ccore_open_opts *opts,
				      struct ccore_session **ret, struct ccore_error *err);

/** Close `s` and free all it owns. NULL is allowed. Results already returned stay valid. */
CCORE_API void ccore_close(struct ccore_session *s);

/*
 * Commands
 * --------
 *
 * One list of commands serves the command line, gdb and this interface. Each describes its
 * own options; help texts and completion come from there.
 */

/** How many commands there are. Their indices go from 0, in the order help shows them. */
CCORE_API uint64_t ccore_command_n(void);

/** Name of command `i`, or NULL past the end. */
CCORE_API const char *ccore_command_name(uint64_t i);

/** One line on what command `i` answers, under 70 characters; NULL past the end. */
CCORE_API const char *ccore_command_summary(uint64_t i);

/** The whole help of command `i`: usage, options, example; NULL past the end. */
CCORE_API const char *ccore_command_help(uint64_t i);

/**
 * What command `i` takes as argument: "", "TYPE", "ADDR", "ADDR|TYPE" …; one that may be left out
 * is in brackets, as in "[THREAD]"; NULL past the end.
 */
CCORE_API const char *ccore_command_argument(uint64_t i);

/**
 * Option `j` of command `i`, with its dashes ("--by"): its own ones, then those that every
 * command has; NULL past the end.
 */
CCORE_API const char *ccore_command_option(uint64_t i, uint64_t j);

/** What follows option `j` of command `i` ("N", "TYPE"), "" for a flag; NULL past the end. */
CCORE_API const char *ccore_command_option_metavar(uint64_t i, uint64_t j);

/** Permitted values of option `j` of command `i`, '|'-separated, "" if free or a flag. */
CCORE_API const char *ccore_command_option_values(uint64_t i, uint64_t j);

/**
 * 1 when command `i` streams: its answer may be larger than memory, and ccore_run_to() gives it
 * while it is made. Else 0.
 */
CCORE_API int32_t ccore_command_streams(uint64_t i);

/**
 * Check a command line that ccore_run() shall be given, before a target is opened for it.
 *
 *   CCORE_EUSAGE   no such command or option, or an argument is missing or too many
 */
CCORE_API int32_t ccore_check(const char *const *argv, uint64_t argc, struct ccore_error *err);

/** The FILE of -o in a command line, a word of `argv` or the end of one; NULL without. */
CCORE_API const char *ccore_line_output(const char *const *argv, uint64_t argc);

/** The format that a command line asks for: "text", "json", "jsonl", "csv", "dot", "svg", "png". */
CCORE_API const char *ccore_line_format(const char *const *argv, uint64_t argc);

struct ccore_result;

/**
 * Run one command: `argv[0]` is its name, the rest its arguments and options just as on
 * the command line (without the target).
 *
 *   CCORE_EUSAGE, CCORE_ENOTFOUND   the user's mistake; the text says what would be right
 *   CCORE_ECANCELED                 the progress callback said stop
 *
 * Damage in the target does not fail a command: see ccore_result_complete().
 */
CCORE_API int32_t ccore_run(struct ccore_session *s, const char *const *argv, uint64_t argc,
			    struct ccore_result **ret, struct ccore_error *err);

/** Takes `size` bytes of an answer. Returns 1 to go on; all else cancels, as progress does. */
typedef int32_t (*ccore_write_fn)(void *ctx, const void *data, uint64_t size);

/**
 * As ccore_run(), of a command that streams: its answer goes to the FILE of -o, by way of a
 * temporary file beside it and a rename, or else to `write`, called on the calling thread with
 * the pieces in order. What was written before a failure stays written; a file then does not
 * appear. `*ret` is a summary: one row that says how much it was.
 *
 * ccore_run() runs these commands too. Without -o it keeps the whole answer in memory, at most
 * ccore_open_opts.max_bytes, for ccore_result_render().
 *
 *   CCORE_EUSAGE   as ccore_run(), and when the command does not stream
 */
CCORE_API int32_t ccore_run_to(struct ccore_session *s, const char *const *argv, uint64_t argc,
			       ccore_write_fn write, void *ctx, struct ccore_result **ret,
			       struct ccore_error *err);

/*
 * Results
 * -------
 *
 * A result is a table of typed columns, with totals, notes and a record of what could not
 * be read. It belongs to the caller.
 */

/** Free `r`. NULL is allowed. */
CCORE_API void ccore_result_free(struct ccore_result *r);

/** 1 when the answer rests on all of the target, 0 when something was missing or damaged. */
CCORE_API int32_t ccore_result_complete(const struct ccore_result *r);

enum ccore_column_type {
	CCORE_U64 = 1,	/* uint64_t */
	CCORE_ADDR = 2, /* uint64_t, a target address */
	CCORE_STR = 3	/* const char *, NULL where not known */
};

/** One column: `data` is an array of ccore_result_row_n() elements, owned by the result. */
struct ccore_column {
	const char *name;
	const char *unit; /* "", "objects", "bytes" */
	uint32_t type;	  /* enum ccore_column_type */
	uint32_t reserved;
	const void *data;
};

/** Rows in the result (as limited by -n), and rows there were before the limit. */
CCORE_API uint64_t ccore_result_row_n(const struct ccore_result *r);
CCORE_API uint64_t ccore_result_all_n(const struct ccore_result *r);

CCORE_API uint64_t ccore_result_column_n(const struct ccore_result *r);

/** Fill `*ret` with column `i`; CCORE_EUSAGE past the end. */
CCORE_API int32_t ccore_result_column(const struct ccore_result *r, uint64_t i,
				      struct ccore_column *ret);

/** Note `i` (a sentence), or NULL past the end. */
CCORE_API const char *ccore_result_note(const struct ccore_result *r, uint64_t i);

/** What the session may want to keep of terminal output. Bits of the flags of rendering. */
enum ccore_render_flags {
	CCORE_RENDER_COLOR = 1 /* ANSI colour in text */
};

/**
 * The result as bytes, in the format the command's options asked for (--json, --csv,
 * --format dot …; text otherwise). `*ret` stays valid until the result is freed or
 * rendered again; it is NUL-terminated, `*ret_n` does not count the NUL. `width` is the
 * terminal's, 0 for unlimited; `flags` are of enum ccore_render_flags.
 */
CCORE_API int32_t ccore_result_render(struct ccore_result *r, uint32_t width, uint32_t flags,
				      const char **ret, uint64_t *ret_n, struct ccore_error *err);

/**
 * The file that -o named, or NULL. The caller hands it to ccore_result_write(). NULL also where
 * a command that streams has written it already.
 */
CCORE_API const char *ccore_result_output(const struct ccore_result *r);

/**
 * Render to the file at `path`, by way of a temporary file beside it and a rename. Pictures
 * (--format svg, png) are drawn by graphviz's `dot`, which must be installed.
 */
CCORE_API int32_t ccore_result_write(struct ccore_result *r, const char *path,
				     struct ccore_error *err);

/*
 * Debuggers
 * ---------
 */

/**
 * The way back out of code that no unwind table is for, where it leads straight to its return, as
 * the trampolines do that CPython makes for perf. `code` has `n` bytes (32 are enough) from the
 * instruction on that runs, or is returned to; of x86-64. Returns 1, and in `*ret_return` where
 * above the stack pointer the return address is; in `*ret_rbp` where the caller's rbp is, or -1
 * when that is still in its register. Else 0.
 */
CCORE_API int32_t ccore_way_back(const void *code, uint64_t n, int64_t *ret_return,
				 int64_t *ret_rbp);

/** sizeof() of the public structs by index (error, open_opts, column): a binding's check. */
CCORE_API uint64_t ccore_sizeof(uint64_t i);

#ifdef __cplusplus
}
#endif

#endif
