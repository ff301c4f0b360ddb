// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/threads.h"

#include "py/attribute.h"
#include "py/redact.h"
#include "sym/mappings.h"

const struct py_thread *thread_state(const struct heap *h, const struct thread *t)
{
	return t->state == NO_THREAD ? NULL : &h->runtime.threads.data[t->state];
}

const struct os_thread *thread_os(const struct heap *h, const struct thread *t)
{
	return t->os == NO_THREAD ? NULL : &h->target->threads.data[t->os];
}

int64_t thread_tid(const struct heap *h, const struct thread *t)
{
	const struct os_thread *os = thread_os(h, t);
	const struct py_thread *state = thread_state(h, t);

	if (os)
		return os->tid;
	return state && state->native_id <= INT32_MAX ? (int64_t)state->native_id : 0;
}

// -- OS threads and thread states together

// Which OS thread has this thread register, which this number, and which its stack in the mapping
// that starts here; index + 1.
struct os_index {
	const struct target *target;
	struct hashmap by_fs_base, by_tid, by_stack;
};

static bool index_stack(struct os_index *ret, const struct os_thread *os, uint32_t i)
{
	const struct mapping *m =
		os->has_regs ? mappings_find(&ret->target->mappings, os->sp) : NULL;
	uint32_t before;

	if (!m)
		return true;
	// Stacks that lie in one mapping do not tell.
	return hashmap_put(&ret->by_stack, m->start,
			   hashmap_get(&ret->by_stack, m->start, &before) ? NO_THREAD : i);
}

/*
 * pthread_self() is the thread's fs_base. The kernel's own number counts where that register is
 * not known: Python notes it when the thread starts, and after a fork it is the parent's.
 */
static bool index_os_threads(const struct target *t, struct os_index *ret)
{
	for (uint32_t i = 0; i < t->threads.n; i++) {
		const struct os_thread *os = &t->threads.data[i];
		struct hashmap *map = os->fs_base ? &ret->by_fs_base : &ret->by_tid;
		const uint64_t key = os->fs_base ? os->fs_base : (uint64_t)os->tid;
		uint32_t before;

		if (key && !hashmap_get(map, key, &before) && !hashmap_put(map, key, i + 1))
			return false;
		if (!index_stack(ret, os, i + 1))
			return false;
	}
	return true;
}

/*
 * The thread runs it on whose stack its cframe is. What it notes of itself is of the thread that
 * made it: uWSGI makes those of all its threads in the first.
 */
static uint32_t os_thread_of(const struct os_index *index, const struct py_thread *state)
{
	const struct mapping *m =
		state->cframe ? mappings_find(&index->target->mappings, state->cframe) : NULL;
	uint32_t i = 0;

	if ((m && hashmap_get(&index->by_stack, m->start, &i) && i != NO_THREAD) ||
	    hashmap_get(&index->by_fs_base, state->thread_id, &i) ||
	    hashmap_get(&index->by_tid, state->native_id, &i))
		return i - 1;
	return NO_THREAD;
}

// New thread states are put at the head of their list.
static int add_states(struct threads *ret, const struct heap *h, uint8_t *has_state,
		      struct ccore_error *err)
{
	struct os_index index = {.target = h->target};
	bool ok = index_os_threads(h->target, &index);

	for (uint64_t i = h->runtime.threads.n; ok && i-- > 0;) {
		const struct thread t = {
			.state = (uint32_t)i,
			.os = os_thread_of(&index, &h->runtime.threads.data[i]),
			.frame = UINT64_MAX,
		};

		ok = vec_push(&ret->all, t);
		if (t.os != NO_THREAD)
			has_state[t.os] = 1;
	}
	hashmap_done(&index.by_fs_base);
	hashmap_done(&index.by_tid);
	hashmap_done(&index.by_stack);
	return ok ? 0 : err_nomem(err);
}

static int add_others(struct threads *ret, const struct heap *h, const uint8_t *has_state,
		      struct ccore_error *err)
{
	for (uint32_t i = 0; i < h->target->threads.n; i++) {
		const struct thread t = {.state = NO_THREAD, .os = i, .frame = UINT64_MAX};

		if (!has_state[i] && !vec_push(&ret->all, t))
			return err_nomem(err);
	}
	return 0;
}

// Put the crashed thread's states with frames, or those without, at `*n`.
static void put_crashed(struct threads *t, bool with_frames, uint64_t *n)
{
	for (uint64_t i = *n; i < t->all.n; i++) {
		struct thread found = t->all.data[i];

		if (found.os != 0 || (found.frame != UINT64_MAX) != with_frames)
			continue;
		found.crashed = true;
		memmove(&t->all.data[*n + 1], &t->all.data[*n], (i - *n) * sizeof(found));
		t->all.data[(*n)++] = found;
	}
}

// The first OS thread of a core is the one that got the signal. It may have states that it runs
// nothing in: of other interpreters.
static void put_crashed_first(struct threads *t, const struct target *target)
{
	uint64_t n = 0;

	if (target->kind != TARGET_CORE || !target->signal)
		return;
	put_crashed(t, true, &n);
	put_crashed(t, false, &n);
}

// A thread's frames follow each other in the list of roots.
static void find_frames(struct threads *t, const struct heap *h, const uint64_t *by_state)
{
	for (uint64_t i = h->roots.all.n; i-- > 0;) {
		const struct root *root = &h->roots.all.data[i];

		if (root->kind == ROOT_FRAME && root->thread < h->runtime.threads.n &&
		    by_state[root->thread] < t->all.n)
			t->all.data[by_state[root->thread]].frame = i;
	}
}

// As threading.get_ident() would say in it.
static uint64_t thread_ident(const struct heap *h, const struct thread *t)
{
	const struct os_thread *os = thread_os(h, t);

	return os && os->fs_base ? os->fs_base : thread_state(h, t)->thread_id;
}

static bool add_ident(struct hashmap *by_ident, uint64_t ident, uint32_t i)
{
	return !ident || hashmap_put(by_ident, ident, i);
}

// threading._active of each interpreter: {ident: Thread}.
static bool find_objects(struct threads *t, struct heap *h, const uint64_t *by_state)
{
	struct py_reader *r = heap_reader(h);
	const __typeof__(h->runtime.threads) *states = &h->runtime.threads;
	struct hashmap by_ident = {0}; // index + 1 in t->all
	uint64_t k = 0;		       // states of one interpreter follow each other
	bool ok = true;

	for (uint32_t in = 0; ok && in < h->runtime.interpreters.n; in++) {
		const addr_t active = module_global(r, h->runtime.interpreters.data[in].sysdict,
						    "threading", "_active");
		struct dict_iter it;
		struct dict_item item;
		int64_t ident;
		uint32_t i;

		for (; ok && k < states->n && states->data[k].interpreter == in; k++)
			ok = add_ident(&by_ident, thread_ident(h, &t->all.data[by_state[k]]),
				       (uint32_t)by_state[k] + 1);
		if (!active || !dict_iter_init_at(&it, r, active))
			continue;
		it.n = u64_min(it.n, LIM_NAMESPACE);
		while (dict_iter_next(&it, &item))
			if (int_value(r, item.key, &ident) &&
			    hashmap_get(&by_ident, (uint64_t)ident, &i))
				t->all.data[i - 1].object = item.value;
	}
	hashmap_done(&by_ident);
	return ok;
}

static int complete(struct threads *t, struct heap *h, struct ccore_error *err)
{
	uint64_t *by_state = calloc(h->runtime.threads.n + 1, sizeof(*by_state));
	bool ok = by_state;

	for (uint64_t i = 0; ok && i < t->all.n; i++)
		if (t->all.data[i].state != NO_THREAD)
			by_state[t->all.data[i].state] = i;
	if (ok) {
		find_frames(t, h, by_state);
		ok = find_objects(t, h, by_state);
	}
	free(by_state);
	return ok ? 0 : err_nomem(err);
}

int threads_find(struct threads *ret, struct heap *h, struct ccore_error *err)
{
	uint8_t *has_state = calloc(h->target->threads.n + 1, 1);
	int r;

	*ret = (struct threads){0};
	if (!has_state)
		return err_nomem(err);
	r = add_states(ret, h, has_state, err);
	if (r == 0)
		r = add_others(ret, h, has_state, err);
	free(has_state);
	if (r == 0)
		r = complete(ret, h, err);
	if (r < 0)
		threads_done(ret);
	else
		put_crashed_first(ret, h->target);
	return r;
}

void threads_done(struct threads *t)
{
	vec_done(&t->all);
}

// -- names

bool thread_name(struct heap *h, const struct thread *t, struct strbuf *out)
{
	struct py_reader *r = heap_reader(h);
	addr_t name = t->object ? instance_attribute(r, t->object, "_name") : 0;

	if (t->object && !name) // as it is called in 2.7
		name = instance_attribute(r, t->object, "_Thread__name");
	if (name && r->py->redact)
		return redact_str(r, name, out);
	return name && text_append(r, name, LIM_NAME_BYTES, out, NULL);
}

// -- stacks

static bool has_unreadable_frame(struct heap *h, const struct thread *t)
{
	const struct py_thread *state = thread_state(h, t);
	struct stack_frame f;

	return state && state->frame && !stack_frame_read(heap_reader(h), state->frame, &f);
}

int thread_stack(struct heap *h, const struct thread *t, struct stack *ret, struct ccore_error *err)
{
	struct py_reader *r = heap_reader(h);

	*ret = (struct stack){0};
	for (uint64_t i = t->frame; i < h->roots.all.n; i++) {
		const struct root *root = &h->roots.all.data[i];
		struct stack_frame f;

		if (root->kind != ROOT_FRAME || root->thread != t->state)
			break;
		if (!stack_frame_read(r, root->addr, &f)) {
			damage_note(&r->damage, DAMAGE_BAD_FRAME, root->addr);
			continue;
		}
		f.mark = root->mark;
		if (!f.is_partial && !vec_push(&ret->frames, f)) {
			stack_done(ret);
			return err_nomem(err);
		}
	}
	if (!ret->frames.n && stack_frames_are_known(r->layout))
		ret->is_lost = has_unreadable_frame(h, t);
	return 0;
}

void stack_done(struct stack *s)
{
	vec_done(&s->frames);
}
