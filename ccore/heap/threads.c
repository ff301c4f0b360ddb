// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/threads.h"

#include "py/attribute.h"

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

/*
 * pthread_self() is the thread's fs_base. The kernel's own number counts where that register is
 * not known: Python notes it when the thread starts, and after a fork it is the parent's.
 */
static uint32_t os_thread_of(const struct target *t, const struct py_thread *state)
{
	for (uint32_t i = 0; i < t->threads.n; i++)
		if (t->threads.data[i].fs_base && t->threads.data[i].fs_base == state->thread_id)
			return i;
	for (uint32_t i = 0; i < t->threads.n; i++)
		if (!t->threads.data[i].fs_base && state->native_id &&
		    (uint64_t)t->threads.data[i].tid == state->native_id)
			return i;
	return NO_THREAD;
}

// New thread states are put at the head of their list.
static int add_states(struct threads *ret, const struct heap *h, uint8_t *has_state,
		      struct ccore_error *err)
{
	for (uint64_t i = h->runtime.threads.n; i-- > 0;) {
		const struct thread t = {
			.state = (uint32_t)i,
			.os = os_thread_of(h->target, &h->runtime.threads.data[i]),
		};

		if (!vec_push(&ret->all, t))
			return err_nomem(err);
		if (t.os != NO_THREAD)
			has_state[t.os] = 1;
	}
	return 0;
}

static int add_others(struct threads *ret, const struct heap *h, const uint8_t *has_state,
		      struct ccore_error *err)
{
	for (uint32_t i = 0; i < h->target->threads.n; i++) {
		const struct thread t = {.state = NO_THREAD, .os = i};

		if (!has_state[i] && !vec_push(&ret->all, t))
			return err_nomem(err);
	}
	return 0;
}

// The first OS thread of a core is the one that got the signal.
static void put_crashed_first(struct threads *t, const struct target *target)
{
	uint64_t n = 0;

	if (target->kind != TARGET_CORE || !target->signal)
		return;
	for (uint64_t i = 0; i < t->all.n; i++) {
		struct thread found = t->all.data[i];

		if (found.os != 0)
			continue;
		found.crashed = true;
		memmove(&t->all.data[n + 1], &t->all.data[n], (i - n) * sizeof(found));
		t->all.data[n++] = found;
	}
}

int threads_find(struct threads *ret, const struct heap *h, struct ccore_error *err)
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
	const struct py_thread *state = thread_state(h, t);
	struct py_reader *r = heap_reader(h);
	addr_t thread, name;

	if (!state)
		return false;
	thread = dict_find_int(
		r,
		module_global(r, h->runtime.interpreters.data[state->interpreter].sysdict,
			      "threading", "_active"),
		(int64_t)state->thread_id);
	name = thread ? instance_attribute(r, thread, "_name") : 0;
	if (thread && !name) // as it is called in 2.7
		name = instance_attribute(r, thread, "_Thread__name");
	return name && text_append(r, name, LIM_NAME_BYTES, out, NULL);
}

// -- stacks

int thread_stack(struct heap *h, const struct thread *t, struct stack *ret, struct ccore_error *err)
{
	struct py_reader *r = heap_reader(h);

	*ret = (struct stack){0};
	for (uint64_t i = 0; i < h->roots.all.n && t->state != NO_THREAD; i++) {
		const struct root *root = &h->roots.all.data[i];
		struct stack_frame f;

		if (root->kind != ROOT_FRAME || root->thread != t->state)
			continue;
		if (!stack_frame_read(r, root->addr, &f)) {
			damage_note(&r->damage, DAMAGE_BAD_FRAME, root->addr);
		} else if (!f.is_partial && !vec_push(&ret->frames, f)) {
			stack_done(ret);
			return err_nomem(err);
		}
	}
	return 0;
}

void stack_done(struct stack *s)
{
	vec_done(&s->frames);
}
