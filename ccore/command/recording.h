// SPDX-License-Identifier: GPL-2.0-or-later
// One sample of a running process, and the file of them that `record` writes and `plot` draws.
#ifndef NECROPY_RECORDING_H
#define NECROPY_RECORDING_H

#include "mem/proc_words.h"
#include "session/session.h"

// name in the file, unit
#define RECORDING_COLUMNS(X)                               \
	X(RECORDING_VMSIZE, "vmsize", "bytes")             \
	X(RECORDING_RSS, "rss", "bytes")                   \
	X(RECORDING_SHR, "shr", "bytes")                   \
	X(RECORDING_PSS, "pss", "bytes")                   \
	X(RECORDING_ATTACHES, "attaches", "")              \
	X(RECORDING_ARENAS, "arenas", "")                  \
	X(RECORDING_COUNT0, "count0", "")                  \
	X(RECORDING_COUNT1, "count1", "")                  \
	X(RECORDING_COUNT2, "count2", "")                  \
	X(RECORDING_COLLECTIONS0, "collections0", "")      \
	X(RECORDING_COLLECTIONS1, "collections1", "")      \
	X(RECORDING_COLLECTIONS2, "collections2", "")      \
	X(RECORDING_LONG_LIVED, "long_lived", "")          \
	X(RECORDING_GENERATION0, "generation0", "objects") \
	X(RECORDING_GENERATION1, "generation1", "objects") \
	X(RECORDING_GENERATION2, "generation2", "objects") \
	X(RECORDING_FROZEN, "frozen", "objects")           \
	X(RECORDING_STOPPED, "stopped_us", "")

enum recording_column {
#define X(id, name, unit) id,
	RECORDING_COLUMNS(X)
#undef X
		RECORDING_COLUMN_N
};

const char *recording_name(enum recording_column c);
const char *recording_unit(enum recording_column c);

/** TABLE_UNKNOWN where not known. */
struct recording_sample {
	uint64_t time_ms, elapsed_ms; // since 1970, and since the first sample
	uint64_t values[RECORDING_COLUMN_N];
};

/** The words of one interpreter's collector and allocator; 0 where there is none. */
struct recording_words {
	addr_t count[GC_GENERATIONS], collections[GC_GENERATIONS], long_total, long_pending, arenas;
};

struct recording_source {
	int64_t pid;
	struct proc_words words;
	VEC(struct recording_words) interpreters;
};

/** From the interpreters that `s` has found. recording_source_done() is needed in any case. */
int recording_source_open(struct recording_source *src, struct session *s, struct ccore_error *err);
void recording_source_done(struct recording_source *src);

/**
 * Take one sample, without stopping the process: all but the generations' lengths. Returns 0;
 * 1: the process has ended, or executes another program.
 */
int recording_sample_take(struct recording_source *src, struct recording_sample *ret);

/** Stop the process once more, and count the objects of each generation. */
int recording_count(struct session *s, struct recording_sample *sample, struct ccore_error *err);

/** Append the line of names, or the line of `sample`. */
void recording_header(struct strbuf *out);
void recording_line(const struct recording_sample *sample, struct strbuf *out);

#endif
