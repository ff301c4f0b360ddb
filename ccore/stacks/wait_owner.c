// SPDX-License-Identifier: GPL-2.0-or-later
// Who can end a wait: noted in the lock, else by the frames of the others.
#include "py/attribute.h"
#include "py/exception.h"
#include "py/frame_locals.h"
#include "stacks/wait_finder.h"

// Locks of which those who call acquire() are looked for.
#define LOCKS_SEARCHED 1000u

static void add_owner(struct wait_finder *f, struct wait *w, struct wait_owner owner)
{
	if (!w->owner_n)
		w->owner = f->w->owners.n;
	if (vec_push(&f->w->owners, owner))
		w->owner_n++;
	else
		f->out_of_memory = true;
}

// Which is certain. A thread that is not there can end nothing.
static void add_noted(struct wait_finder *f, struct wait *w, const struct hashmap *map,
		      uint64_t key, const char *how)
{
	struct wait_owner owner = {.thread = UINT64_MAX, .how = how};
	uint32_t i;

	if (hashmap_get(map, key, &i))
		owner.thread = i - 1;
	add_owner(f, w, owner);
}

static void add_held(struct wait_finder *f, struct wait *w, const struct held *held,
		     const char *how, bool is_guess)
{
	const struct wait_owner owner = {
		.thread = held->thread,
		.how = how,
		.is_guess = is_guess,
		.has_frame = true,
		.frame = f->kept[held->thread].frames.data[held->frame],
	};

	add_owner(f, w, owner);
}

static void take_held(void *ctx, addr_t manager)
{
	static const char *const inner[] = {"_lock", "_Condition__lock"}; // of a Condition
	struct wait_finder *f = ctx;

	f->at.object = manager;
	f->out_of_memory |= !vec_push(&f->held, f->at);
	for (unsigned i = 0; i < 2; i++) {
		f->at.object = instance_attribute(f->r, manager, inner[i]);
		if (f->at.object)
			f->out_of_memory |= !vec_push(&f->held, f->at);
	}
}

static int by_object(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static void find_held(struct wait_finder *f)
{
	if (f->has_held)
		return;
	f->has_held = true;
	for (uint64_t i = 0; i < f->threads->all.n; i++)
		for (uint64_t k = 0; k < f->kept[i].frames.n; k++) {
			f->at = (struct held){.thread = i, .frame = k};
			with_blocks_each(f->r, &f->kept[i].frames.data[k], take_held, f);
		}
	if (f->held.n)
		qsort(f->held.data, f->held.n, sizeof(*f->held.data), by_object);
}

// Those whose `with` has been given `object`, each thread once.
static void add_with_blocks(struct wait_finder *f, struct wait *w, addr_t object)
{
	uint64_t low = 0, high;

	find_held(f);
	for (high = f->held.n; low < high;) {
		const uint64_t middle = low + (high - low) / 2;

		if (f->held.data[middle].object < object)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < f->held.n && f->held.data[low].object == object; low++)
		if (!w->owner_n ||
		    f->w->owners.data[f->w->owners.n - 1].thread != f->held.data[low].thread)
			add_held(f, w, &f->held.data[low], "in a with block", true);
}

// All frames may be of one code, or each of its own.
static void find_acquiring(struct wait_finder *f)
{
	struct hashmap known = {0};

	if (f->has_acquiring)
		return;
	f->has_acquiring = true;
	for (uint64_t i = 0; i < f->threads->all.n; i++)
		for (uint64_t k = 0; k < f->kept[i].frames.n; k++) {
			const addr_t code = f->kept[i].frames.data[k].code;
			const struct held at = {.object = code, .thread = i, .frame = k};
			uint32_t acquires;

			if (!hashmap_get(&known, code, &acquires)) {
				acquires = code_acquires(f->r, code);
				f->out_of_memory |= code && !hashmap_put(&known, code, acquires);
			}
			f->out_of_memory |= acquires && !vec_push(&f->acquiring, at);
		}
	hashmap_done(&known);
}

// Who calls acquire() on what it has that lock in: said only where that is one thread.
static void add_acquiring(struct wait_finder *f, struct wait *w, uint64_t self, addr_t lock)
{
	struct held found = {.thread = UINT64_MAX};

	if (f->searched_n++ >= LOCKS_SEARCHED) {
		f->is_cut = true;
		return;
	}
	find_acquiring(f);
	for (uint64_t i = 0; i < f->acquiring.n; i++) {
		const struct held *a = &f->acquiring.data[i];
		const struct wait *other = &f->w->all.data[a->thread];
		const bool waits =
			a->thread == self || (other->kind == WAIT_LOCK && other->object == lock);

		// who waits for it does so in that frame; what called that may have it
		if ((waits && a->frame <= other->own_frame) || a->thread == found.thread ||
		    !frame_has_lock(f->r, &f->kept[a->thread].frames.data[a->frame], lock))
			continue;
		if (found.thread != UINT64_MAX)
			return;
		found = *a;
	}
	if (found.thread != UINT64_MAX)
		add_held(f, w, &found, "which calls acquire()", true);
}

static void find_lock_owner(struct wait_finder *f, uint64_t i, struct wait *w,
			    const struct waiting *waiting)
{
	struct lock lock;
	uint32_t ending;

	if (waiting->kind == WAITING_OWNED) {
		if (waiting->owner)
			add_noted(f, w, &f->by_ident, waiting->owner, "as it notes itself");
	} else if (!lock_read(f->r, w->object, &lock)) {
		return;
	} else if (lock.has_owner) {
		if (lock.owner)
			add_noted(f, w, &f->by_ident, lock.owner, "as it notes itself");
	} else if (hashmap_get(&f->by_end, w->object, &ending)) {
		add_noted(f, w, &f->by_end, w->object, "until it ends");
	} else {
		add_with_blocks(f, w, w->object);
		if (!w->owner_n)
			add_acquiring(f, w, i, w->object);
	}
}

// All that have one must be known before it can be said that none will give it back.
static void find_semaphore_owners(struct wait_finder *f, struct wait *w)
{
	int64_t value;

	add_with_blocks(f, w, w->object);
	w->others_can =
		!int_value(f->r, instance_attribute(f->r, w->object, "_initial_value"), &value) ||
		(uint64_t)value != w->owner_n;
}

// -- concurrent.futures

static void find_work(struct wait_finder *f)
{
	static const char module[] = "concurrent.futures.thread";

	if (f->has_work)
		return;
	f->has_work = true;
	for (uint64_t i = 0; i < f->threads->all.n; i++)
		for (uint64_t k = 0; k < f->kept[i].frames.n; k++) {
			const struct stack_frame *frame = &f->kept[i].frames.data[k];
			struct held held = {.thread = i, .frame = k};

			if (frame_is_in(f->r, frame, module, "run")) {
				held.object = instance_attribute(
					f->r, frame_local(f->r, frame, "self"), "future");
				f->out_of_memory |= held.object && !vec_push(&f->runs, held);
			} else if (frame_is_in(f->r, frame, module, "_worker")) {
				held.object = frame_local(f->r, frame, "work_queue");
				f->out_of_memory |= held.object && !vec_push(&f->pools, held);
			}
		}
}

static bool is_work_of(struct wait_finder *f, addr_t item)
{
	return py_type_of(f->r, item) && instance_attribute(f->r, item, "future") == f->future;
}

// To 3.12 a SimpleQueue has a list.
static bool list_has_work(struct wait_finder *f, addr_t list)
{
	uint64_t n = 0;

	(void)sequence_item(f->r, list, 0, &n); // its length is wanted
	for (uint64_t i = 0; i < n && i < LIM_NAMESPACE; i++)
		if (is_work_of(f, sequence_item(f->r, list, i, NULL)))
			return true;
	return false;
}

static void compare_items(struct edge_buffer *b)
{
	struct wait_finder *f = b->sink.ctx;
	struct edge items[EDGE_BUFFER_N];
	const uint32_t n = b->n;

	memcpy(items, b->items, n * sizeof(*items));
	for (uint32_t i = 0; i < n && !f->found; i++)
		f->found = is_work_of(f, items[i].to) || list_has_work(f, items[i].to);
}

// Whether the work of `future` waits in `queue`: a SimpleQueue, or to 3.6 a Queue.
static bool queue_has(struct wait_finder *f, addr_t queue, addr_t future)
{
	const addr_t inside = instance_attribute(f->r, queue, "queue");
	struct edge_sink before;
	struct py_object o;

	if (!py_object_open(f->r, inside ? inside : queue, &o))
		return false;
	f->future = future;
	f->found = false;
	edge_redirect(&f->r->edges, compare_items, f, false, &before);
	f->r->edges.left = LIM_NAMESPACE;
	py_visit(f->r, &o);
	edge_restore(&f->r->edges, &before);
	return f->found;
}

// The thread that runs it; else, while it waits to be run, the threads that could.
static void find_future_owner(struct wait_finder *f, struct wait *w)
{
	addr_t queue = 0;

	find_work(f);
	for (uint64_t i = 0; i < f->runs.n && !w->owner_n; i++)
		if (f->runs.data[i].object == w->object)
			add_held(f, w, &f->runs.data[i], "which runs it", false);
	for (uint64_t i = 0; i < f->pools.n && !w->owner_n && !queue; i++)
		if ((!i || f->pools.data[i].object != f->pools.data[i - 1].object) &&
		    queue_has(f, f->pools.data[i].object, w->object))
			queue = f->pools.data[i].object;
	for (uint64_t i = 0; i < f->pools.n && queue; i++)
		if (f->pools.data[i].object == queue)
			add_held(f, w, &f->pools.data[i], "a worker of its pool", false);
}

// -- all kinds

static void find_gil_holder(struct wait_finder *f, uint64_t i, struct wait *w)
{
	const uint32_t state = f->threads->all.data[i].state;
	const uint32_t in = f->s->heap.runtime.threads.data[state].interpreter;
	struct wait_owner owner = {.thread = UINT64_MAX, .how = "which holds it"};

	for (uint64_t k = 0; k < f->threads->all.n; k++) {
		const struct py_thread *other = thread_state(&f->s->heap, &f->threads->all.data[k]);
		const char *gil = f->w->all.data[k].state.gil;

		if (other && gil && strcmp(gil, "holds") == 0 &&
		    (other->interpreter == in || owner.thread == UINT64_MAX))
			owner.thread = k;
	}
	if (owner.thread != UINT64_MAX)
		add_owner(f, w, owner);
}

static void find_os_owner(struct wait_finder *f, struct wait *w)
{
	enum { OWNER_OFFSET = 8 }; // of pthread_mutex_t: glibc's __owner, a thread's number
	const bool is_mutex = w->kind == WAIT_MUTEX;
	uint32_t tid = 0;

	if (mem_read_u32(&f->s->target.mem, w->word + (is_mutex ? OWNER_OFFSET : 0), &tid) == 0 &&
	    tid)
		add_noted(f, w, &f->by_tid, tid,
			  is_mutex ? "as the mutex notes" : "which is to end");
}

void wait_owners_find(struct wait_finder *f, uint64_t i)
{
	const struct stack *stack = &f->kept[i];
	struct wait *w = &f->w->all.data[i];
	struct waiting waiting;
	uint32_t thread;

	waiting_find(f->r, stack->frames.data, stack->frames.n, &waiting);
	if (w->kind == WAIT_GIL)
		find_gil_holder(f, i, w);
	else if (w->kind == WAIT_LOCK)
		find_lock_owner(f, i, w, &waiting);
	else if (w->kind == WAIT_FUTURE)
		find_future_owner(f, w);
	else if (w->kind == WAIT_THREAD && w->object &&
		 hashmap_get(&f->by_object, w->object, &thread))
		add_noted(f, w, &f->by_object, w->object, "which is to end");
	else if (w->kind == WAIT_MUTEX || (w->kind == WAIT_THREAD && !w->object))
		find_os_owner(f, w);
	else if (w->kind == WAIT_OTHER && waiting.kind == WAITING_SEMAPHORE)
		find_semaphore_owners(f, w);
}
