// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/recording.h"

#include "runtime/gc_stats.h"
#include "sym/open.h"
#include "sym/proc_sample.h"

#include <inttypes.h>

static const struct {
	const char *name, *unit;
} columns[] = {
#define X(id, name, unit) [id] = {name, unit},
	RECORDING_COLUMNS(X)
#undef X
};

const char *recording_name(enum recording_column c)
{
	return columns[c].name;
}

const char *recording_unit(enum recording_column c)
{
	return columns[c].unit;
}

static struct recording_words words_of(struct session *s, uint64_t i)
{
	const struct layout *l = &s->heap.layout;
	const struct runtime *rt = &s->heap.runtime;
	const struct interpreter *in = &rt->interpreters.data[i];
	struct recording_words w = {
		.arenas = pymalloc_arena_counter(rt, heap_reader(&s->heap), i),
	};

	if (!in->owns_gc)
		return w;
	w.long_total = in->gc.long_total;
	w.long_pending = in->gc.long_pending;
	for (unsigned g = 0; g < GC_GENERATIONS && in->gc.generations[g]; g++)
		w.count[g] = in->gc.generations[g] + layout_off(l, F_GEN_COUNT);
	// From 3.15 on they move in a ring.
	for (unsigned g = 0; g < GC_GENERATIONS; g++)
		if (in->gc.stats && layout_has(l, F_STATS_COLLECTIONS) &&
		    !layout_has(l, F_STATS_YOUNG))
			w.collections[g] = in->gc.stats + layout_off(l, F_STATS_COLLECTIONS) +
					   g * (uint64_t)l->struct_size[S_gc_generation_stats];
	return w;
}

int recording_source_open(struct recording_source *src, struct session *s, struct ccore_error *err)
{
	*src = (struct recording_source){.pid = s->target.pid, .words.fd = -1};
	for (uint64_t i = 0; i < s->heap.runtime.interpreters.n; i++) {
		const struct recording_words w = words_of(s, i);

		if (!vec_push(&src->interpreters, w))
			return err_nomem(err);
	}
	return proc_words_open(&src->words, s->target.live_fd, err);
}

void recording_source_done(struct recording_source *src)
{
	proc_words_close(&src->words);
	vec_done(&src->interpreters);
}

// Add the word at `at`, if there is one, to `*sum`; false when it cannot be read.
static bool add_word(const struct recording_source *src, addr_t at, unsigned size, uint64_t *sum)
{
	uint64_t x;

	if (!at)
		return true;
	if (!proc_words_read(&src->words, at, size, &x))
		return false;
	*sum = *sum == TABLE_UNKNOWN ? x : *sum + x;
	return true;
}

static bool add_words(const struct recording_source *src, const struct recording_words *w,
		      uint64_t *values)
{
	for (unsigned g = 0; g < GC_GENERATIONS; g++)
		if (!add_word(src, w->count[g], 4, &values[RECORDING_COUNT0 + g]) ||
		    !add_word(src, w->collections[g], 8, &values[RECORDING_COLLECTIONS0 + g]))
			return false;
	return add_word(src, w->arenas, 8, &values[RECORDING_ARENAS]) &&
	       add_word(src, w->long_total, 8, &values[RECORDING_LONG_LIVED]) &&
	       add_word(src, w->long_pending, 8, &values[RECORDING_LONG_LIVED]);
}

// What the kernel says, between two looks at the memory: so it is of the same program.
static bool is_there(const struct recording_source *src)
{
	for (uint64_t i = 0; i < src->interpreters.n; i++) {
		uint64_t values[RECORDING_COLUMN_N] = {0};

		// A later interpreter may end at any time; the first one is there to the end.
		if (!add_words(src, &src->interpreters.data[i], values))
			return i != 0;
	}
	return true;
}

int recording_sample_take(struct recording_source *src, struct recording_sample *ret)
{
	struct proc_sample now;

	for (unsigned c = 0; c < RECORDING_COLUMN_N; c++)
		ret->values[c] = TABLE_UNKNOWN;
	if (proc_sample_take(src->pid, &now, NULL) < 0 || !is_there(src))
		return 1;
	ret->values[RECORDING_VMSIZE] = now.vmsize;
	ret->values[RECORDING_RSS] = now.rss;
	ret->values[RECORDING_SHR] = now.shr;
	ret->values[RECORDING_PSS] = now.pss;
	ret->values[RECORDING_ATTACHES] = now.attaches;
	ret->values[RECORDING_STOPPED] = 0;
	for (uint64_t i = 0; i < src->interpreters.n; i++)
		(void)add_words(src, &src->interpreters.data[i], ret->values); // it was just there
	return 0;
}

// -- a full count

static void add_lists(const struct gc_objects *gc, uint64_t *values)
{
	for (uint64_t i = 0; i < gc->lists.n; i++) {
		const struct gc_list *list = &gc->lists.data[i];
		const unsigned c = list->generation == GC_PERMANENT
					   ? (unsigned)RECORDING_FROZEN
					   : RECORDING_GENERATION0 + list->generation;

		if (list->generation > GC_PERMANENT)
			continue;
		values[c] = values[c] == TABLE_UNKNOWN ? list->n : values[c] + list->n;
	}
}

int recording_count(struct session *s, struct recording_sample *sample, struct ccore_error *err)
{
	const struct target_opts opts = {
		.debug_dirs = s->target.debug_dirs,
		.sysroot = s->target.sysroot,
		.max_bytes = s->heap.opts.max_bytes,
		.progress = s->progress,
	};
	struct target target;
	struct heap *heap;
	int r;

	TRY(target_open_pid(&target, s->target.pid, &opts, err));
	sample->values[RECORDING_STOPPED] = target.stopped_ns / 1000;
	heap = calloc(1, sizeof(*heap));
	if (!heap) {
		target_done(&target);
		return err_nomem(err);
	}
	r = heap_open(heap, &target, &s->heap.opts, err);
	if (r == 0) {
		r = heap_need_gc(heap, err);
		if (r == 0)
			add_lists(&heap->gc, sample->values);
		heap_close(heap);
	}
	free(heap);
	target_done(&target);
	return r;
}

// -- text

void recording_header(struct strbuf *out)
{
	strbuf_puts(out, "time,elapsed");
	for (unsigned c = 0; c < RECORDING_COLUMN_N; c++) {
		strbuf_putc(out, ',');
		strbuf_puts(out, columns[c].name);
	}
	strbuf_putc(out, '\n');
}

void recording_line(const struct recording_sample *sample, struct strbuf *out)
{
	strbuf_printf(out, "%" PRIu64 ".%03" PRIu64 ",%" PRIu64 ".%03" PRIu64,
		      sample->time_ms / 1000, sample->time_ms % 1000, sample->elapsed_ms / 1000,
		      sample->elapsed_ms % 1000);
	for (unsigned c = 0; c < RECORDING_COLUMN_N; c++) {
		strbuf_putc(out, ',');
		if (sample->values[c] != TABLE_UNKNOWN)
			strbuf_add_u64(out, sample->values[c]);
	}
	strbuf_putc(out, '\n');
}
