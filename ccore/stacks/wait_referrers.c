// SPDX-License-Identifier: GPL-2.0-or-later
#include "stacks/wait_referrers.h"

#include "py/attribute.h"
#include "py/reach.h"

// References from a variable; objects looked at for one thread or task, and for all.
#define DEPTH 2u
#define OBJECTS_EACH 5000u
#define OBJECTS_ALL 200000u

// Frames of one thread or task, from the innermost on.
#define FRAMES_EACH 100u

struct search {
	struct wait_referrers *found;
	struct session *s;
	struct py_reader *r;
	const struct waits *waits;
	struct hashmap targets;	  // what is waited for
	struct hashmap known;	  // of these, what has been found for this thread or task
	struct hashmap found_any; // of these, what functions' variables have been found for
	bool bodies;		  // those of modules are looked at, else of functions
	struct reach reach;	  // of this thread or task
	uint64_t left;
	struct wait_referrer now; // where the search is
	addr_t name;		  // of the variable, a str; or 0
	bool failed;
};

bool wait_wants_referrers(const struct wait *w)
{
	const bool wanted = w->kind == WAIT_OTHER || w->kind == WAIT_FUTURE || w->kind == WAIT_LOCK;

	return wanted && w->object && !w->owner_n;
}

// What a thread waits for itself it has, of course.
static bool waits_for(const struct search *x, addr_t object)
{
	return x->now.thread != UINT64_MAX && x->waits->all.data[x->now.thread].object == object;
}

static char *path_text(struct search *x, uint32_t step)
{
	struct strbuf text = {0};
	char *copy;

	if (!x->name)
		strbuf_puts(&text, "its");
	else if (!text_append(x->r, x->name, LIM_NAME_BYTES, &text, NULL))
		strbuf_putc(&text, '?');
	reach_path(&x->reach, step, &text);
	copy = text.failed || !text.data ? NULL : strdup(text.data);
	strbuf_done(&text);
	return copy;
}

static bool take_step(void *ctx, uint32_t step)
{
	struct search *x = ctx;
	const addr_t addr = x->reach.steps.data[step].addr;
	uint32_t before;

	if (!hashmap_get(&x->targets, addr, &before) || hashmap_get(&x->known, addr, &before) ||
	    waits_for(x, addr) || (x->bodies && hashmap_get(&x->found_any, addr, &before)))
		return true;
	x->now.object = addr;
	x->now.path = path_text(x, step);
	if (!x->now.path || !hashmap_put(&x->known, addr, 1) ||
	    (!x->bodies && !hashmap_put(&x->found_any, addr, 1)) ||
	    !vec_push(&x->found->all, x->now)) {
		free(x->now.path);
		x->failed = true;
	}
	return !x->failed;
}

static bool take_variable(void *ctx, addr_t name, addr_t value)
{
	struct search *x = ctx;

	x->name = name;
	if (value)
		reach_from(&x->reach, value, take_step, x);
	return !x->failed && !x->reach.failed && !x->reach.is_cut;
}

// A module's body has all there is in the module.
static void look_at_frame(struct search *x, const struct stack_frame *f)
{
	if (!(code_flags(x->r, f->code) & CODE_OPTIMIZED) != x->bodies)
		return;
	x->now.frame = *f;
	x->now.has_frame = true;
	frame_locals_each(x->r, f, take_variable, x);
	frame_globals_each(x->r, f, take_variable, x);
}

static void begin(struct search *x, uint64_t thread, addr_t task)
{
	x->now = (struct wait_referrer){.thread = thread, .task = task};
	x->reach = (struct reach){
		.r = x->r, .depth_max = DEPTH, .objects_max = u64_min(OBJECTS_EACH, x->left)};
	x->known = (struct hashmap){0};
}

static void end(struct search *x)
{
	x->left -= u64_min(x->left, x->reach.seen.n);
	x->found->is_cut |= x->reach.is_cut;
	x->failed |= x->reach.failed;
	reach_done(&x->reach);
	hashmap_done(&x->known);
}

static int look_at_threads(struct search *x, const struct threads *threads, struct ccore_error *err)
{
	for (uint64_t i = 0; i < threads->all.n && !x->failed; i++) {
		struct stack stack;

		TRY(progress_poll(&x->s->progress, "looking for who refers to it", i,
				  threads->all.n, err));
		TRY(thread_stack(&x->s->heap, &threads->all.data[i], &stack, err));
		begin(x, i, 0);
		for (uint64_t k = 0; k < stack.frames.n && k < FRAMES_EACH; k++)
			look_at_frame(x, &stack.frames.data[k]);
		end(x);
		stack_done(&stack);
	}
	return 0;
}

// Where one of these has not been imported there are no such tasks, and all objects need not be
// found.
static bool may_have_tasks(struct session *s)
{
	static const char *const modules[] = {"asyncio.tasks", "trio", "greenlet"};
	const struct runtime *rt = &s->heap.runtime;
	struct py_reader *r = heap_reader(&s->heap);

	for (uint64_t i = 0; i < rt->interpreters.n; i++) {
		const addr_t all = dict_lookup(r, rt->interpreters.data[i].sysdict, "modules");

		for (unsigned k = 0; all && k < sizeof(modules) / sizeof(modules[0]); k++)
			if (dict_lookup(r, all, modules[k]))
				return true;
	}
	return false;
}

static int look_at_tasks(struct search *x, struct ccore_error *err)
{
	struct task_list *tasks = &x->found->tasks;

	if (!may_have_tasks(x->s))
		return 0;
	TRY(task_list_find(tasks, x->s, false, err));
	x->found->has_tasks = true;
	for (uint64_t i = 0; i < tasks->all.n && !x->failed; i++) {
		const struct task_item *item = &tasks->all.data[i];

		TRY(progress_poll(&x->s->progress, "looking for who refers to it", i, tasks->all.n,
				  err));
		begin(x, UINT64_MAX, item->addr);
		// those of one that runs are the thread's
		for (uint64_t k = 0; k < item->n && k < FRAMES_EACH && !item->is_running; k++)
			look_at_frame(x, &tasks->frames.data[item->first + item->n - 1 - k]);
		x->now.has_frame = false;
		(void)take_variable(x, 0, item->addr); // it says only whether to go on
		end(x);
	}
	return 0;
}

static int look_at_all(struct search *x, const struct threads *threads, struct ccore_error *err)
{
	bool ok = true;

	for (uint64_t i = 0; i < x->waits->all.n && ok; i++)
		if (wait_wants_referrers(&x->waits->all.data[i]))
			ok = hashmap_put(&x->targets, x->waits->all.data[i].object, 1);
	if (ok && x->targets.n) {
		TRY(look_at_threads(x, threads, err));
		TRY(look_at_tasks(x, err));
		x->bodies = true;
		TRY(look_at_threads(x, threads, err));
	}
	return ok && !x->failed ? 0 : err_nomem(err);
}

int wait_referrers_find(struct wait_referrers *ret, struct session *s,
			const struct threads *threads, const struct waits *waits,
			struct ccore_error *err)
{
	struct search x = {
		.found = ret,
		.s = s,
		.r = heap_reader(&s->heap),
		.waits = waits,
		.left = OBJECTS_ALL,
	};
	int status;

	*ret = (struct wait_referrers){0};
	status = look_at_all(&x, threads, err);
	hashmap_done(&x.targets);
	hashmap_done(&x.found_any);
	if (status < 0)
		wait_referrers_done(ret);
	return status;
}

void wait_referrers_done(struct wait_referrers *w)
{
	for (uint64_t i = 0; i < w->all.n; i++)
		free(w->all.data[i].path);
	vec_done(&w->all);
	if (w->has_tasks)
		task_list_done(&w->tasks);
}
