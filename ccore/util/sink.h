// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sink: where a command that streams puts an answer that may be larger than memory. The command
 * says what is in a line (struct object_line); the sink knows how lines are written, and where
 * to: a file, a callback of the caller's, or memory. So neither command nor renderer knows the
 * other, and no answer is held as a whole.
 */
#ifndef NECROPY_SINK_H
#define NECROPY_SINK_H

#include "util/strbuf.h"
#include "util/vec.h"

struct ccore_error;

#define SINK_KINDS 5u // kinds of references

/** References of one kind from one object: addresses, in the order they were met. */
struct object_links {
	VEC(uint64_t) to;
};

/** One object, or one root, of an export. Text is the caller's. */
struct object_line {
	uint64_t addr;
	const char *type; // or the kind and name of a root
	bool is_root;
	const char *found; // "gc", "reference" …, of objects
	uint64_t size, refcount;
	bool estimated; // the size
	bool immortal;	// there is no refcount
	bool gc;	// gc.get_objects() returns it
	// By kind, named by kind_names[].
	const char *const *kind_names;
	struct object_links links[SINK_KINDS];
};

struct sink {
	/** Append the line of `o`. Any thread. */
	void (*format)(const struct object_line *o, struct strbuf *out);
	/** Before the first byte; `path` is that of -o, or NULL. */
	int (*begin)(struct sink *s, const char *path, struct ccore_error *err);
	/** Take `n` bytes that follow those before. The calling thread. */
	int (*write)(struct sink *s, const char *data, uint64_t n, struct ccore_error *err);
	/** After the last byte, or after a failure `status`; returns what the whole comes to. */
	int (*end)(struct sink *s, int status, struct ccore_error *err);
};

#endif
