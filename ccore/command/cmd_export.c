// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole graph as lines. Threads take pieces of the nodes, and each makes the lines of its
 * piece in a buffer; when a round of pieces is done the buffers are written in the order of the
 * nodes. So the bytes do not depend on the number of threads, and what is held at any time is
 * one round: it grows with the largest object, not with their number.
 */
#include "command/command.h"
#include "session/session.h"
#include "util/parallel.h"
#include "util/sink.h"

#include <stdatomic.h>

#define PIECE 1024u	      // nodes of a buffer
#define ROUND 64u	      // pieces written at once
#define KEEP_BYTES (1u << 20) // of a buffer, from one round to the next

// What one thread works with, and has written.
struct scribe {
	struct object_line line;
	struct strbuf name; // of a root
	uint64_t object_n, link_n;
	bool failed; // memory ran out
};

struct export
{
	struct session *s;
	const struct sink *sink;
	struct ccore_error *err;
	uint64_t first, end; // nodes of the round
	_Atomic uint64_t next;
	_Atomic bool canceled;
	struct strbuf pieces[ROUND];
	struct scribe scribes[PARALLEL_MAX];
	uint64_t bytes;
};

static void take_edges(struct edge_buffer *b)
{
	struct scribe *w = b->sink.ctx;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct edge *e = &b->items[i];

		if (!vec_push(&w->line.links[e->kind].to, e->to))
			w->failed = true;
	}
}

// A word that leads to no object is no guess.
static void drop_wrong_guesses(const struct heap *h, struct object_links *guesses)
{
	uint64_t n = 0;
	uint32_t id;

	for (uint64_t i = 0; i < guesses->to.n; i++)
		if (heap_node(h, guesses->to.data[i], &id))
			guesses->to.data[n++] = guesses->to.data[i];
	guesses->to.n = n;
}

static void describe_object(struct session *s, struct py_reader *r, uint32_t id,
			    struct object_line *line)
{
	struct heap *h = &s->heap;
	struct py_object o;

	line->is_root = false;
	line->type = heap_node_type(h, id)->name;
	line->found = heap_node_found(h, id);
	line->gc = h->node_flags[id] & NODE_GC;
	line->size = line->refcount = 0;
	line->immortal = line->estimated = true; // should it have become unreadable
	if (!py_object_open(r, line->addr, &o))
		return;
	line->size = py_sizeof(r, &o, &line->estimated);
	line->refcount = py_refcount(r, &o, &line->immortal);
}

static void describe_root(struct session *s, struct py_reader *r, uint32_t id, struct scribe *w)
{
	struct heap *h = &s->heap;

	w->name.n = 0;
	root_name(r, &h->runtime, &h->roots.all.data[id - h->node_n], &w->name);
	w->failed |= w->name.failed;
	w->line.is_root = true;
	w->line.type = w->name.failed ? "" : w->name.data;
}

static void write_node(struct export *x, uint32_t thread, uint32_t id, struct strbuf *out)
{
	struct scribe *w = &x->scribes[thread];
	struct heap *h = &x->s->heap;
	struct py_reader *r = &h->readers[thread];

	for (unsigned k = 0; k < SINK_KINDS; k++)
		w->line.links[k].to.n = 0;
	w->line.addr = node_address(x->s, id);
	if (id < h->node_n)
		describe_object(x->s, r, id, &w->line);
	else
		describe_root(x->s, r, id, w);
	references_visit(h, r, id, take_edges, w);
	drop_wrong_guesses(h, &w->line.links[EDGE_GUESS]);
	x->sink->format(&w->line, out);
	w->object_n += id < h->node_n;
	for (unsigned k = 0; k < SINK_KINDS; k++)
		w->link_n += w->line.links[k].to.n;
}

// Sizes first: what is visited would be forgotten.
static void prefetch(struct heap *h, struct py_reader *r, uint64_t id, uint64_t end)
{
	if (id < h->node_n && !(h->node_flags[id] & NODE_BAD) &&
	    py_wants_size_prefetch(r, heap_node_type(h, id), h->node_addr[id]))
		py_prefetch_sizes(r, h->node_addr + id, u64_min(end, h->node_n) - id);
	references_prefetch(h, r, (uint32_t)id, end);
}

static void write_piece(struct export *x, uint32_t thread, uint64_t piece)
{
	struct heap *h = &x->s->heap;
	const uint64_t first = x->first + piece * PIECE;
	const uint64_t end = u64_min(first + PIECE, x->end);

	for (uint64_t id = first; id < end; id++) {
		if (id + 8 < end && id + 8 < h->node_n)
			__builtin_prefetch(
				mem_lens_span(&h->readers[thread].lens, h->node_addr[id + 8], 24));
		prefetch(h, &h->readers[thread], id, end);
		if (id >= h->node_n || !(h->node_flags[id] & NODE_BAD))
			write_node(x, thread, (uint32_t)id, &x->pieces[piece]);
	}
}

static int write_pieces(void *ctx, uint32_t thread)
{
	struct export *x = ctx;
	const uint64_t n = (x->end - x->first + PIECE - 1) / PIECE;
	uint64_t piece;

	while (!atomic_load(&x->canceled) && (piece = atomic_fetch_add(&x->next, 1)) < n) {
		write_piece(x, thread, piece);
		// The callback belongs to the calling thread.
		if (thread == 0 &&
		    progress_report(&x->s->progress, "writing objects", x->first + piece * PIECE,
				    x->s->heap.node_n, x->err) < 0)
			atomic_store(&x->canceled, true);
	}
	return x->scribes[thread].failed ? CCORE_ENOMEM : 0;
}

static int write_round(struct export *x, struct sink *sink)
{
	const int status = parallel_run(x->s->heap.thread_n, write_pieces, x);

	if (atomic_load(&x->canceled))
		return CCORE_ECANCELED;
	if (status < 0)
		return err_nomem(x->err);
	for (unsigned i = 0; i < ROUND; i++) {
		struct strbuf *piece = &x->pieces[i];

		if (piece->failed)
			return err_nomem(x->err);
		if (!piece->n)
			continue;
		TRY(sink->write(sink, piece->data, piece->n, x->err));
		x->bytes += piece->n;
		piece->n = 0;
		if (piece->cap > KEEP_BYTES)
			strbuf_done(piece);
	}
	return 0;
}

static int write_nodes(struct export *x, struct sink *sink, uint64_t n)
{
	for (x->first = 0; x->first < n; x->first = x->end) {
		x->end = u64_min(x->first + PIECE * ROUND, n);
		atomic_store(&x->next, 0);
		TRY(write_round(x, sink));
	}
	return 0;
}

static void summarize(const struct export *x, const char *path, struct table *t)
{
	const uint64_t objects = table_column(t, "objects", "", CCORE_U64, 0);
	const uint64_t references = table_column(t, "references", "", CCORE_U64, 0);
	const uint64_t size = table_column(t, "size", "bytes", CCORE_U64, 0);
	const uint64_t file = table_column(t, "file", "", CCORE_STR, 0);
	const uint64_t row = table_row(t);
	uint64_t object_n = 0, link_n = 0;

	for (uint32_t i = 0; i < PARALLEL_MAX; i++) {
		object_n += x->scribes[i].object_n;
		link_n += x->scribes[i].link_n;
	}
	t->noun = "exports";
	table_set_u64(t, row, objects, object_n);
	table_set_u64(t, row, references, link_n);
	table_set_u64(t, row, size, x->bytes);
	table_set_str(t, row, file, path);
}

static void export_done(struct export *x)
{
	for (unsigned i = 0; i < ROUND; i++)
		strbuf_done(&x->pieces[i]);
	for (uint32_t i = 0; i < PARALLEL_MAX; i++) {
		strbuf_done(&x->scribes[i].name);
		for (unsigned k = 0; k < SINK_KINDS; k++)
			vec_done(&x->scribes[i].line.links[k].to);
	}
}

static int stream(struct session *s, const struct args *a, struct sink *sink,
		  struct ccore_result *r, struct ccore_error *err)
{
	const char *kind_names[SINK_KINDS];
	struct export x = {.s = s, .sink = sink, .err = err};
	struct heap *h = &s->heap;
	struct damage before[PARALLEL_MAX];
	int status;

	TRY(heap_need_nodes(h, err));
	for (unsigned k = 0; k < SINK_KINDS; k++)
		kind_names[k] = edge_kind_name((enum edge_kind)k);
	// The same objects are read a second time: what is wrong with them has been counted.
	for (uint32_t i = 0; i < h->thread_n; i++) {
		before[i] = h->readers[i].damage;
		x.scribes[i].line.kind_names = kind_names;
	}
	heap_limit_edges(h);
	status = write_nodes(&x, sink, h->node_n + (args_flag(a, "--roots") ? h->roots.all.n : 0));
	for (uint32_t i = 0; i < h->thread_n; i++)
		h->readers[i].damage = before[i];
	if (status == 0)
		summarize(&x, a->output, &r->table);
	export_done(&x);
	return status;
}

const struct command command_export = {
	.name = "export",
	.summary = "write the whole graph: one object a line, with its references",
	.argument = "",
	.details = "Lines are JSON, in the order of addresses. Memory does not grow with their "
		   "number. Lists of addresses by kind: visit is what gc.get_referents() returns, "
		   "own is held but not visited, weak and borrowed keep nothing alive, guess is "
		   "a word that looks like a reference. An address without a line of its own is "
		   "no object that could be read. -n does not limit it.",
	.example = "export -o heap.jsonl\n"
		   "objects  references      size  file\n"
		   "  35151      152633  11.1 MiB  heap.jsonl\n",
	.params =
		{
			{"--format", "FORMAT", "jsonl", "jsonl", "what to write"},
			{"--roots", NULL, NULL, NULL,
			 "after the objects, a line for each frame, thread and interpreter"},
		},
	.stream = stream,
};
