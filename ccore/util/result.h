// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * struct ccore_result: the answer of one command, ready to be rendered. It knows nothing of
 * the session: what the answer rests on (target, damage) has been copied into it.
 */
#ifndef NECROPY_RESULT_H
#define NECROPY_RESULT_H

#include "util/damage.h"
#include "util/strbuf.h"
#include "util/table.h"
#include "util/vec.h"

enum output_format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_CSV,
	FORMAT_DOT,
	FORMAT_SVG,
	FORMAT_PNG
};

// What the "target" block of the JSON document says. Strings live in the result's arena.
struct result_target {
	const char *kind;   // "core", "process" or "memory"
	const char *path;   // of the core, or NULL
	uint64_t pid;	    // 0: not known
	const char *python; // "3.11.2", or NULL
	bool free_threaded;
	const char *build_id; // of the module that holds the interpreter, hex, or NULL
	const char *layout;   // "dwarf", "cache" …: where the layout came from
	bool gc_in_progress,
		gc_is_known; // whether a collection was running, and whether that is known
};

struct ccore_result {
	const char *command; // static text
	struct table table;
	// A picture has its nodes in `table` (columns id, addr, type, refcount, repr, role) and its
	// edges here (source, target, label, kind; the first two are node ids); else no columns.
	struct table edges;
	struct result_target target;
	struct damage damage;
	bool incomplete; // something was missing that `damage` does not count
	VEC(const char *) notes;
	struct arena arena;

	enum output_format format;
	bool exact_bytes;   // --bytes
	const char *output; // -o FILE, or NULL
	struct strbuf rendered;
	struct strbuf streamed; // what a command streamed, where memory was the place for it
};

/** Free `r` and all it owns; NULL is allowed. */
void result_free(struct ccore_result *r);

/** Whether the answer rests on all of the target. */
static inline bool result_is_complete(const struct ccore_result *r)
{
	return !r->incomplete && !damage_any(&r->damage);
}

/** Add a sentence to the notes. */
void result_note(struct ccore_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
