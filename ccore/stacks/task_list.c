// SPDX-License-Identifier: GPL-2.0-or-later
#include "stacks/task_list.h"

#include "py/attribute.h"
#include "py/awaiting.h"
#include "py/exception.h"
#include "py/greenlet.h"
#include "py/redact.h"
#include "py/trio.h"

#include <inttypes.h>

// Coroutines that wait for each other, and frames of a greenlet.
#define CHAIN_MAX 1000u
#define GREENLET_FRAMES_MAX 100000u

// Running tasks whose thread is looked for: one for each event loop.
#define RUNNING_MAX 100u

// -- frames

static int add_frame(struct task_list *t, struct task_item *item, const struct stack_frame *f,
		     struct ccore_error *err)
{
	item->n++;
	item->hash = hash_u64(item->hash ^ f->code);
	item->hash = hash_u64(item->hash ^ (uint64_t)f->offset);
	return vec_push(&t->frames, *f) ? 0 : err_nomem(err);
}

static bool too_many(struct task_list *t, uint64_t i, uint64_t max, addr_t at)
{
	if (i < max && t->frames.n < LIM_TASK_FRAMES)
		return false;
	damage_note(&t->r->damage, DAMAGE_LIMIT, at);
	return true;
}

static int need_threads(struct task_list *t, struct ccore_error *err)
{
	if (t->has_threads)
		return 0;
	TRY(threads_find(&t->threads, &t->s->heap, err));
	t->has_threads = true;
	return 0;
}

// One for each thread can run; more are damaged.
static bool may_run(struct task_list *t)
{
	return t->running_n++ < t->s->heap.runtime.threads.n && t->running_n <= RUNNING_MAX;
}

// Frames of `thread` from the innermost on to, without it, number `end`.
static int add_stack(struct task_list *t, struct task_item *item, const struct stack *stack,
		     uint64_t end, struct ccore_error *err)
{
	for (uint64_t k = end; k-- > 0;)
		TRY(add_frame(t, item, &stack->frames.data[k], err));
	return 0;
}

// A coroutine that runs: what it has called is on the stack of its thread.
static int add_running(struct task_list *t, struct task_item *item, const struct stack_frame *f,
		       struct ccore_error *err)
{
	int status = add_frame(t, item, f, err);

	item->state = "running";
	item->is_running = true;
	if (status < 0 || !may_run(t))
		return status;
	TRY(need_threads(t, err));
	for (uint64_t i = 0; i < t->threads.all.n && status == 0; i++) {
		struct stack stack;
		uint64_t at = 0;

		TRY(thread_stack(&t->s->heap, &t->threads.all.data[i], &stack, err));
		while (at < stack.frames.n && stack.frames.data[at].addr != f->addr)
			at++;
		if (at < stack.frames.n)
			status = add_stack(t, item, &stack, at, err);
		stack_done(&stack);
	}
	return status;
}

// From the task's coroutine to the innermost that it awaits.
static int add_chain(struct task_list *t, struct task_item *item, addr_t coroutine,
		     struct ccore_error *err)
{
	struct coroutine c;

	for (uint32_t i = 0; coroutine && coroutine_read(t->r, coroutine, &c); i++) {
		if (too_many(t, i, CHAIN_MAX, coroutine))
			break;
		if (c.is_running)
			return add_running(t, item, &c.frame, err);
		TRY(add_frame(t, item, &c.frame, err));
		if (item->kind == TASK_ASYNCIO && awaited_future(t->r, c.awaits) && !item->waiter)
			item->waiter = awaited_future(t->r, c.awaits);
		coroutine = c.awaits;
	}
	return 0;
}

// -- asyncio's and Trio's

static int add_asyncio(struct task_list *t, struct task_item *item, bool with_done,
		       struct ccore_error *err)
{
	struct task task;

	task_read(t->r, item->addr, &task);
	item->state = future_state_name(task.state);
	item->waiter = task.waiter;
	item->has_ended = task.state == FUTURE_CANCELLED || task.state == FUTURE_FINISHED;
	if (!with_done && item->has_ended)
		return 0;
	return add_chain(t, item, task.coroutine, err);
}

static int add_trio(struct task_list *t, struct task_item *item, bool with_done,
		    struct ccore_error *err)
{
	struct trio_task task;
	struct coroutine c;

	trio_task_read(t->r, item->addr, &task);
	item->has_ended = !coroutine_read(t->r, task.coroutine, &c);
	item->state = item->has_ended ? "finished" : task.is_ready ? "ready" : "pending";
	item->waiter = task.awaits;
	item->waits_for_tasks = task.awaits_nursery;
	item->nursery = task.nursery;
	item->parent = task.parent;
	if (!with_done && item->has_ended)
		return 0;
	if (task.is_awaited && !item->has_ended &&
	    !(vec_push(&t->waits, ((struct task_wait){item->addr, task.parent})) &&
	      vec_push(&t->children, ((struct task_wait){item->addr, task.nursery}))))
		return err_nomem(err);
	return add_chain(t, item, task.coroutine, err);
}

// -- greenlets

// The outermost frame is the last of a list that is followed from the innermost.
static int add_suspended(struct task_list *t, struct task_item *item, addr_t frame,
			 struct ccore_error *err)
{
	struct stack stack = {0};
	struct stack_frame f;
	bool ok = stack_frame_of_object(t->r, frame, &f);
	addr_t at = frame;
	int status = 0;

	while (ok && status == 0 && !too_many(t, stack.frames.n, GREENLET_FRAMES_MAX, at)) {
		if (!f.is_shim && !f.is_partial && !vec_push(&stack.frames, f))
			status = err_nomem(err);
		at = f.previous;
		if (!at)
			break;
		ok = stack_frame_read(t->r, at, &f);
	}
	if (!ok)
		damage_note(&t->r->damage, DAMAGE_BAD_FRAME, at);
	if (status == 0)
		status = add_stack(t, item, &stack, stack.frames.n, err);
	stack_done(&stack);
	return status;
}

static bool same_mapping(const struct mapping_vec *maps, addr_t a, addr_t b)
{
	for (uint64_t i = 0; i < maps->n; i++)
		if (maps->data[i].start <= a && a < maps->data[i].end)
			return maps->data[i].start <= b && b < maps->data[i].end;
	return !maps->n;
}

// A greenlet that runs has the inner part of its thread's stack, up to `stop`; a thread's own has
// all of it, and that is the thread of when only one runs Python.
static bool runs_in(struct task_list *t, const struct greenlet *g, const struct thread *thread)
{
	const struct os_thread *os = thread_os(&t->s->heap, thread);

	if (g->is_main)
		return thread->state != NO_THREAD && t->s->heap.runtime.threads.n == 1;
	return thread->state != NO_THREAD && os && os->has_regs && os->sp < g->stack_stop &&
	       same_mapping(&t->s->target.mappings, os->sp, g->stack_stop);
}

// Whether it is known where each thread is on its stack.
static bool knows_stacks(const struct task_list *t)
{
	for (uint64_t i = 0; i < t->threads.all.n; i++) {
		const struct os_thread *os = thread_os(&t->s->heap, &t->threads.all.data[i]);

		if (t->threads.all.data[i].state != NO_THREAD && (!os || !os->has_regs))
			return false;
	}
	return true;
}

// One that is suspended in C code, without a Python frame, looks as if it ran. Where two do in one
// thread, either may.
static bool claim(struct task_list *t, struct task_item *item, uint32_t thread, bool *ret_ok)
{
	uint32_t other;

	if (!hashmap_get(&t->runs, thread + 1, &other)) {
		*ret_ok = hashmap_put(&t->runs, thread + 1, (uint32_t)t->all.n + 1);
		return true;
	}
	item->state = "active";
	t->all.data[other - 1].state = "active";
	t->all.data[other - 1].n = 0;
	return false;
}

static int add_of_thread(struct task_list *t, struct task_item *item, const struct greenlet *g,
			 struct ccore_error *err)
{
	struct stack stack;
	uint32_t i = 0;
	bool ok = true;
	int status;

	item->is_running = true;
	TRY(need_threads(t, err));
	while (i < t->threads.all.n && !runs_in(t, g, &t->threads.all.data[i]))
		i++;
	if (i == t->threads.all.n && !g->is_main && knows_stacks(t))
		item->state = "suspended"; // in C code, without a Python frame
	if (i == t->threads.all.n || !claim(t, item, i, &ok))
		return 0;
	if (!ok)
		return err_nomem(err);
	TRY(thread_stack(&t->s->heap, &t->threads.all.data[i], &stack, err));
	status = add_stack(t, item, &stack, stack.frames.n, err);
	stack_done(&stack);
	return status;
}

static int add_greenlet(struct task_list *t, struct task_item *item, bool with_done,
			struct ccore_error *err)
{
	static const char *const names[] = {
		[GREENLET_CREATED] = "created", [GREENLET_SUSPENDED] = "suspended",
		[GREENLET_RUNNING] = "running", [GREENLET_FINISHED] = "finished",
		[GREENLET_UNKNOWN] = "unknown",
	};
	struct greenlet g;

	greenlet_read(t->r, item->addr, &g);
	item->state = names[g.state];
	item->has_ended = g.state == GREENLET_FINISHED;
	if (!with_done && item->has_ended)
		return 0;
	if (g.state == GREENLET_UNKNOWN) {
		t->unknown_n++;
		damage_note(&t->r->damage, DAMAGE_BAD_FRAME, item->addr);
	}
	return g.state == GREENLET_SUSPENDED ? add_suspended(t, item, g.frame, err)
	       : g.state == GREENLET_RUNNING ? add_of_thread(t, item, &g, err)
					     : 0;
}

// -- all of them

static const struct {
	bool (*is_of_type)(const struct py_type *type);
	int (*add)(struct task_list *t, struct task_item *item, bool with_done,
		   struct ccore_error *err);
} kinds[] = {
	[TASK_ASYNCIO] = {type_is_task, add_asyncio},
	[TASK_TRIO] = {type_is_trio_task, add_trio},
	[TASK_GREENLET] = {type_is_greenlet, add_greenlet},
};

#define KIND_N (sizeof(kinds) / sizeof(kinds[0]))

static unsigned kind_of(const struct py_type *type)
{
	unsigned kind = 0;

	while (kind < KIND_N && !kinds[kind].is_of_type(type))
		kind++;
	return kind;
}

bool is_task(struct py_reader *r, addr_t addr)
{
	const struct py_type *type = addr ? py_type_of(r, addr) : NULL;

	return type && kind_of(type) < KIND_N;
}

static int add_one(struct task_list *t, addr_t addr, unsigned kind, bool with_done,
		   struct ccore_error *err)
{
	struct task_item item = {
		.addr = addr,
		.kind = (enum task_kind)kind,
		.first = t->frames.n,
		.hash = kind,
		.same = 1,
	};

	TRY(kinds[kind].add(t, &item, with_done, err));
	if (!with_done && item.has_ended)
		return 0;
	return vec_push(&t->all, item) ? 0 : err_nomem(err);
}

static int find_all(struct task_list *t, bool with_done, struct ccore_error *err)
{
	struct heap *h = &t->s->heap;
	uint8_t *kind;
	int status = 0;

	TRY(heap_need_nodes(h, err));
	kind = calloc(h->py.types.n + 1, 1);
	if (!kind)
		return err_nomem(err);
	for (uint64_t i = 0; i < h->py.types.n; i++)
		kind[i] = (uint8_t)kind_of(h->py.types.data[i]);
	for (uint64_t id = 0; id < h->node_n && status == 0; id++) {
		const unsigned found = kind[h->node_type[id]];

		if (found == KIND_N || h->node_flags[id] & NODE_BAD)
			continue;
		status = add_one(t, h->node_addr[id], found, with_done, err);
		if (status == 0)
			status =
				progress_poll(&t->s->progress, "reading tasks", id, h->node_n, err);
	}
	free(kind);
	return status;
}

// -- who waits for whom

static int add_waits(struct task_list *t, const struct task_item *item, struct ccore_error *err)
{
	struct task_wait w = {.task = item->waiter, .by = item->addr};
	addr_t children;
	uint64_t n;

	if (!item->waiter || item->kind != TASK_ASYNCIO)
		return 0;
	if (!vec_push(&t->waits, w))
		return err_nomem(err);
	children = instance_attribute(t->r, item->waiter, "_children");
	(void)sequence_item(t->r, children, 0, &n); // its length is wanted
	for (uint64_t i = 0; i < n && t->waits.n < LIM_AWAITED; i++) {
		w.task = sequence_item(t->r, children, i, NULL);
		if (!vec_push(&t->waits, w))
			return err_nomem(err);
	}
	if (t->waits.n >= LIM_AWAITED)
		damage_note(&t->r->damage, DAMAGE_LIMIT, item->waiter);
	return 0;
}

static int compare(addr_t a, addr_t b, addr_t then_a, addr_t then_b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return then_a < then_b ? -1 : then_a > then_b;
}

static int by_task(const void *a, const void *b)
{
	const struct task_wait *x = a, *y = b;

	return compare(x->task, y->task, x->by, y->by);
}

static int by_waiting(const void *a, const void *b)
{
	const struct task_wait *x = a, *y = b;

	return compare(x->by, y->by, x->task, y->task);
}

int task_list_find(struct task_list *ret, struct session *s, bool with_done,
		   struct ccore_error *err)
{
	int status;

	*ret = (struct task_list){.s = s, .r = heap_reader(&s->heap)};
	status = find_all(ret, with_done, err);
	for (uint64_t i = 0; i < ret->all.n && status == 0; i++)
		status = add_waits(ret, &ret->all.data[i], err);
	if (status < 0) {
		task_list_done(ret);
		return status;
	}
	if (ret->waits.n)
		qsort(ret->waits.data, ret->waits.n, sizeof(*ret->waits.data), by_task);
	if (ret->children.n)
		qsort(ret->children.data, ret->children.n, sizeof(*ret->children.data), by_waiting);
	return 0;
}

void task_list_done(struct task_list *t)
{
	vec_done(&t->all);
	vec_done(&t->frames);
	vec_done(&t->waits);
	vec_done(&t->children);
	hashmap_done(&t->runs);
	threads_done(&t->threads);
}

// -- names

static bool append_text(struct py_reader *r, addr_t name, struct strbuf *out)
{
	const uint64_t before = out->n;

	return name && name != r->py->none &&
	       (r->py->redact ? redact_str(r, name, out)
			      : text_append(r, name, LIM_NAME_BYTES, out, NULL)) &&
	       out->n > before;
}

void task_item_name(struct task_list *t, addr_t addr, struct strbuf *out)
{
	const struct py_type *type = py_type_of(t->r, addr);

	if (type_is_task(type)) {
		task_name(t->r, addr, out);
		return;
	}
	// gevent gives a Greenlet its name when it is first asked for
	if (!append_text(t->r, instance_attribute(t->r, addr, "name"), out))
		strbuf_printf(out, "%s 0x%" PRIx64, type ? type->name : "?", addr);
}
