// SPDX-License-Identifier: GPL-2.0-or-later
#include "stacks/waits.h"

#include "py/attribute.h"
#include "stacks/wait_finder.h"

#include <inttypes.h>

// Numbers of system calls: futex, and what a stopped one goes on by.
#define SYS_FUTEX 202
#define SYS_RESTART 219

// Frames of all threads among which holders are looked for.
#define FRAMES_KEPT 200000u

// -- what a thread does

static addr_t slept_at(const struct os_thread *os)
{
	enum { RDI = 5 }; // by DWARF's numbers: futex(2)'s first argument

	if (!os || !os->has_regs || (os->syscall != SYS_FUTEX && os->syscall != SYS_RESTART))
		return 0;
	return os->regs[RDI];
}

static void look_at_sleep(struct wait_finder *f, const struct thread *t, const struct stack *stack,
			  struct wait *w)
{
	const struct os_thread *os = thread_os(&f->s->heap, t);
	struct lock lock;

	w->word = slept_at(os);
	if (!w->word)
		return;
	if (w->state.in_mutex) {
		w->kind = WAIT_MUTEX;
	} else if (w->state.in_join ||
		   (t->state != NO_THREAD && (w->object = wait_thread_find(f, os, w->word)))) {
		w->kind = WAIT_THREAD;
	} else if (t->state != NO_THREAD && wait_lock_find(f, os, stack, &w->word, &lock)) {
		w->kind = lock.is_plain || lock.has_owner ? WAIT_LOCK : WAIT_OTHER;
		w->object = w->lock = lock.addr;
	} else if (t->state != NO_THREAD) {
		w->kind = WAIT_ADDRESS;
	}
}

static int look_at_thread(struct wait_finder *f, uint64_t i, struct ccore_error *err)
{
	static const enum wait_kind kinds[] = {
		[WAITING_THREAD] = WAIT_THREAD,	  [WAITING_FUTURE] = WAIT_FUTURE,
		[WAITING_OWNED] = WAIT_LOCK,	  [WAITING_OTHER] = WAIT_OTHER,
		[WAITING_SEMAPHORE] = WAIT_OTHER,
	};
	const struct thread *t = &f->threads->all.data[i];
	const struct os_thread *os = thread_os(&f->s->heap, t);
	struct stack *stack = &f->kept[i];
	struct waiting waiting;
	struct wait w = {0};

	TRY(thread_state_find(&w.state, &f->s->heap, t, f->u, err));
	TRY(thread_stack(&f->s->heap, t, stack, err));
	waiting_find(f->r, stack->frames.data, stack->frames.n, &waiting);
	w.own_frame = waiting.own < stack->frames.n ? waiting.own : 0;
	if (w.state.gil && strcmp(w.state.gil, "waits") == 0) {
		w.kind = WAIT_GIL;
	} else if (!os || !os->has_regs || os->syscall >= 0) {
		w.kind = kinds[waiting.kind];
		w.object = waiting.object;
		if (w.kind == WAIT_NONE)
			look_at_sleep(f, t, stack, &w);
	}
	if (f->kept_n + stack->frames.n > FRAMES_KEPT) {
		f->is_cut = true;
		stack->frames.n = f->kept_n < FRAMES_KEPT ? FRAMES_KEPT - f->kept_n : 0;
	}
	f->kept_n += stack->frames.n;
	return vec_push(&f->w->all, w) ? 0 : err_nomem(err);
}

// -- threads by what names them

static void put(struct wait_finder *f, struct hashmap *map, uint64_t key, uint64_t i)
{
	uint32_t before;

	if (key && !hashmap_get(map, key, &before))
		f->out_of_memory |= !hashmap_put(map, key, (uint32_t)i + 1);
}

static void index_threads(struct wait_finder *f)
{
	for (uint64_t i = 0; i < f->threads->all.n; i++) {
		const struct thread *t = &f->threads->all.data[i];
		const struct py_thread *state = thread_state(&f->s->heap, t);

		put(f, &f->by_tid, (uint64_t)thread_tid(&f->s->heap, t), i);
		put(f, &f->by_ident, state ? state->thread_id : 0, i);
		put(f, &f->by_object, t->object, i);
		// to 3.12: a lock that is released when the thread has ended
		if (t->object)
			put(f, &f->by_end, instance_attribute(f->r, t->object, "_tstate_lock"), i);
	}
}

// -- all of it

static int find_all(struct wait_finder *f, struct ccore_error *err)
{
	const uint64_t n = f->threads->all.n;

	for (uint64_t i = 0; i < n; i++) {
		TRY(look_at_thread(f, i, err));
		TRY(progress_poll(&f->s->progress, "reading stacks", i, n, err));
	}
	index_threads(f);
	for (uint64_t i = 0; i < n && !f->out_of_memory; i++) {
		wait_owners_find(f, i);
		TRY(progress_poll(&f->s->progress, "looking for who has what", i, n, err));
	}
	if (f->is_cut)
		damage_note(&f->r->damage, DAMAGE_LIMIT, 0);
	return f->out_of_memory ? err_nomem(err) : waits_find_stuck(f->w, err);
}

int waits_find(struct waits *ret, struct session *s, const struct threads *threads,
	       struct unwinder *u, struct ccore_error *err)
{
	struct wait_finder f = {
		.s = s, .r = heap_reader(&s->heap), .threads = threads, .u = u, .w = ret};
	int status;

	*ret = (struct waits){0};
	f.kept = calloc(threads->all.n + 1, sizeof(*f.kept));
	if (!f.kept)
		return err_nomem(err);
	status = find_all(&f, err);
	for (uint64_t i = 0; i < threads->all.n; i++)
		stack_done(&f.kept[i]);
	free(f.kept);
	hashmap_done(&f.by_ident);
	hashmap_done(&f.by_tid);
	hashmap_done(&f.by_object);
	hashmap_done(&f.by_end);
	vec_done(&f.held);
	vec_done(&f.acquiring);
	vec_done(&f.runs);
	vec_done(&f.pools);
	if (status < 0)
		waits_done(ret);
	return status;
}

void waits_done(struct waits *w)
{
	vec_done(&w->all);
	vec_done(&w->owners);
}

// -- as text

static void object_text(struct py_reader *r, addr_t object, struct strbuf *out)
{
	const struct py_type *type = object ? py_type_of(r, object) : NULL;

	if (type)
		type = py_counted_type(r, type, object);
	strbuf_puts(out, type ? type->name : "something");
	if (object)
		strbuf_printf(out, " 0x%" PRIx64, object);
}

void wait_text(struct session *s, const struct threads *threads, const struct waits *waits,
	       const struct wait *w, struct strbuf *out)
{
	struct py_reader *r = heap_reader(&s->heap);
	addr_t name;

	switch (w->kind) {
	case WAIT_NONE:
		break;
	case WAIT_GIL:
		strbuf_puts(out, "the GIL");
		break;
	case WAIT_MUTEX:
		strbuf_printf(out, "mutex of C code 0x%" PRIx64, w->word);
		break;
	case WAIT_ADDRESS:
		strbuf_printf(out, "futex 0x%" PRIx64, w->word);
		break;
	case WAIT_THREAD:
		if (w->owner_n && waits->owners.data[w->owner].thread != UINT64_MAX) {
			strbuf_puts(out, "the end of ");
			thread_text(s, &threads->all.data[waits->owners.data[w->owner].thread],
				    out);
			break;
		}
		object_text(r, w->object, out);
		break;
	case WAIT_LOCK:
	case WAIT_FUTURE:
	case WAIT_OTHER:
		object_text(r, w->object, out);
		name = instance_attribute(r, w->object, "name"); // of a module's lock
		if (name && w->kind == WAIT_LOCK) {
			strbuf_puts(out, " ");
			py_repr(r, name, out);
		}
		break;
	}
}
