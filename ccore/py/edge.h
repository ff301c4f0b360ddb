// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * edge: one reference from an object to another, its kind and its label. Labels are cheap to
 * emit (a kind and a word) and are turned into text only for edges that are shown.
 */
#ifndef NECROPY_EDGE_H
#define NECROPY_EDGE_H

#include "util/error.h"

#include <stdbool.h>

enum edge_kind {
	EDGE_VISIT,    // tp_traverse reports it: gc.get_referents() has it
	EDGE_OWN,      // owned, but not visited
	EDGE_WEAK,     // not owned, and known to the referent
	EDGE_BORROWED, // not owned
	EDGE_GUESS     // a word that looks like a reference
};

/** What the label's word means. */
enum label_kind {
	LABEL_TEXT,	  // const char *, lives as long as the session: ".__dict__"
	LABEL_INDEX,	  // position: "[3]"
	LABEL_KEY,	  // address of the key object: "['key']", of a value
	LABEL_KEY_ITSELF, // address of the key table when that is shared, else 0: "key of"
	LABEL_ATTR_SLOT,  // index in the type's shared keys: ".name"
	LABEL_LOCAL,	  // slot in a frame: "local x", resolved by the frame's code
	LABEL_ELEMENT,	  // no word: an element of a set
	LABEL_OFFSET	  // byte offset in an object nothing else is known of: "+0x18"
};

struct edge {
	addr_t to;
	uint64_t word; // see enum label_kind
	uint8_t kind;  // enum edge_kind
	uint8_t label; // enum label_kind
	// Not one of the references that the object's refcount is made of: it repeats one that
	// another edge stands for, or many hold it together.
	bool uncounted;
};

#define EDGE_BUFFER_N 1024u

struct edge_buffer;

/** Where a buffer's edges go. */
struct edge_sink {
	// Takes items[0..n); called when the buffer is full and, unless `hold`, at the end of an
	// object. With `hold` edges of many objects come at once, and its owner flushes the rest.
	void (*flush)(struct edge_buffer *b);
	void *ctx;
	bool hold;
};

struct edge_buffer {
	struct edge_sink sink;
	uint64_t left;	// words that may still be read for edges: readers stop visiting at 0
	bool uncounted; // what is emitted now is
	uint32_t n;
	struct edge items[EDGE_BUFFER_N];
};

/** Send what comes to `flush`; how it was before is kept in `*before`. */
static inline void edge_redirect(struct edge_buffer *b, void (*flush)(struct edge_buffer *b),
				 void *ctx, bool hold, struct edge_sink *before)
{
	*before = b->sink;
	b->sink = (struct edge_sink){.flush = flush, .ctx = ctx, .hold = hold};
	b->n = 0;
}

static inline void edge_restore(struct edge_buffer *b, const struct edge_sink *before)
{
	b->sink = *before;
	b->n = 0;
}

static inline void edge_flush(struct edge_buffer *b)
{
	if (b->n)
		b->sink.flush(b);
	b->left -= b->left < b->n ? b->left : b->n;
	b->n = 0;
}

/** A place for a reference that holds none. */
static inline void edge_skip(struct edge_buffer *b)
{
	b->left -= b->left != 0;
}

static inline void edge_emit(struct edge_buffer *b, addr_t to, enum edge_kind kind,
			     enum label_kind label, uint64_t word)
{
	if (!to) {
		edge_skip(b);
		return;
	}
	if (b->n == EDGE_BUFFER_N)
		edge_flush(b);
	b->items[b->n++] = (struct edge){
		.to = to,
		.word = word,
		.kind = (uint8_t)kind,
		.label = (uint8_t)label,
		.uncounted = b->uncounted,
	};
}

static inline void edge_emit_text(struct edge_buffer *b, addr_t to, enum edge_kind kind,
				  const char *label)
{
	edge_emit(b, to, kind, LABEL_TEXT, (uint64_t)(uintptr_t)label);
}

/** "visit", "own" … */
const char *edge_kind_name(enum edge_kind kind);

static inline bool edge_is_strong(const struct edge *e)
{
	return e->kind == EDGE_VISIT || e->kind == EDGE_OWN;
}

#endif
