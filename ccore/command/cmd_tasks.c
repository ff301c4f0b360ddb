// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/stack_table.h"
#include "py/attribute.h"
#include "py/awaiting.h"
#include "py/exception.h"

#include <inttypes.h>

// Coroutines that wait for each other; names shown of what waits, or is waited for.
#define CHAIN_MAX 1000u
#define NAMES_SHOWN 5u

// Running tasks whose thread is looked for: one for each event loop.
#define RUNNING_MAX 100u

struct item {
	addr_t addr, waiter;
	enum future_state state;
	bool is_running;
	uint64_t first, n; // in tasks.frames
	uint64_t hash;	   // of its stack
	uint64_t same;	   // with --group: how many have this stack; 0: shown with another
};

// `by` waits for `task`, itself or by way of gather().
struct waits {
	addr_t task, by;
};

struct tasks {
	struct session *s;
	struct ccore_result *r;
	struct py_reader *reader;
	VEC(struct item) all;
	VEC(struct stack_frame) frames; // of each task, outermost first
	VEC(struct waits) waits;
	uint64_t running_n;
	struct stack_table table;
	uint64_t task, name, state, awaits, awaited_by, count; // columns
};

// -- finding them

static bool add_frame(struct tasks *t, struct item *item, const struct stack_frame *f)
{
	item->n++;
	item->hash = hash_u64(item->hash ^ f->code);
	item->hash = hash_u64(item->hash ^ (uint64_t)f->offset);
	return vec_push(&t->frames, *f);
}

// A coroutine that runs: what it has called is on the stack of its thread.
static int add_running(struct tasks *t, struct item *item, const struct stack_frame *f,
		       struct ccore_error *err)
{
	struct threads all;
	int status = add_frame(t, item, f) ? 0 : err_nomem(err);

	// One for each thread can run; more are damaged.
	if (status < 0 || t->running_n++ >= t->s->heap.runtime.threads.n ||
	    t->running_n > RUNNING_MAX)
		return status;
	TRY(threads_find(&all, &t->s->heap, err));
	for (uint64_t i = 0; i < all.all.n && status == 0; i++) {
		struct stack stack;
		uint64_t at = 0;

		status = thread_stack(&t->s->heap, &all.all.data[i], &stack, err);
		if (status < 0)
			break;
		while (at < stack.frames.n && stack.frames.data[at].addr != f->addr)
			at++;
		for (uint64_t k = at; at < stack.frames.n && k-- > 0 && status == 0;)
			if (!add_frame(t, item, &stack.frames.data[k]))
				status = err_nomem(err);
		stack_done(&stack);
	}
	threads_done(&all);
	return status;
}

// From the task's coroutine to the innermost that it awaits.
static int add_chain(struct tasks *t, struct item *item, addr_t coroutine, struct ccore_error *err)
{
	struct coroutine c;

	for (uint32_t i = 0; coroutine && coroutine_read(t->reader, coroutine, &c); i++) {
		if (i == CHAIN_MAX || t->frames.n >= LIM_TASK_FRAMES) {
			damage_note(&t->reader->damage, DAMAGE_LIMIT, coroutine);
			break;
		}
		if (c.is_running) {
			item->is_running = true;
			return add_running(t, item, &c.frame, err);
		}
		if (!add_frame(t, item, &c.frame))
			return err_nomem(err);
		if (awaited_future(t->reader, c.awaits) && !item->waiter)
			item->waiter = awaited_future(t->reader, c.awaits);
		coroutine = c.awaits;
	}
	return 0;
}

static int add_task(struct tasks *t, addr_t addr, bool with_done, struct ccore_error *err)
{
	struct item item = {.addr = addr, .first = t->frames.n, .same = 1};
	struct task task;

	task_read(t->reader, addr, &task);
	item.state = task.state;
	item.waiter = task.waiter;
	if (!with_done && (task.state == FUTURE_CANCELLED || task.state == FUTURE_FINISHED))
		return 0;
	TRY(add_chain(t, &item, task.coroutine, err));
	return vec_push(&t->all, item) ? 0 : err_nomem(err);
}

static int find_tasks(struct tasks *t, bool with_done, struct ccore_error *err)
{
	struct heap *h = &t->s->heap;
	uint8_t *is_task;
	int status = 0;

	TRY(heap_need_nodes(h, err));
	is_task = calloc(h->py.types.n + 1, 1);
	if (!is_task)
		return err_nomem(err);
	for (uint64_t i = 0; i < h->py.types.n; i++)
		is_task[i] = type_is_task(h->py.types.data[i]);
	for (uint64_t id = 0; id < h->node_n && status == 0; id++) {
		if (!is_task[h->node_type[id]] || h->node_flags[id] & NODE_BAD)
			continue;
		status = add_task(t, h->node_addr[id], with_done, err);
		if (status == 0)
			status =
				progress_poll(&t->s->progress, "reading tasks", id, h->node_n, err);
	}
	free(is_task);
	return status;
}

// -- who waits for whom

static int add_waits(struct tasks *t, const struct item *item, struct ccore_error *err)
{
	struct waits w = {.task = item->waiter, .by = item->addr};
	addr_t children;
	uint64_t n;

	if (!item->waiter)
		return 0;
	if (!vec_push(&t->waits, w))
		return err_nomem(err);
	children = instance_attribute(t->reader, item->waiter, "_children");
	(void)sequence_item(t->reader, children, 0, &n); // its length is wanted
	for (uint64_t i = 0; i < n && t->waits.n < LIM_AWAITED; i++) {
		w.task = sequence_item(t->reader, children, i, NULL);
		if (!vec_push(&t->waits, w))
			return err_nomem(err);
	}
	if (t->waits.n >= LIM_AWAITED)
		damage_note(&t->reader->damage, DAMAGE_LIMIT, item->waiter);
	return 0;
}

static int by_awaited(const void *a, const void *b)
{
	const struct waits *x = a, *y = b;

	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

static int find_waits(struct tasks *t, struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->all.n; i++)
		TRY(add_waits(t, &t->all.data[i], err));
	if (t->waits.n)
		qsort(t->waits.data, t->waits.n, sizeof(*t->waits.data), by_awaited);
	return 0;
}

// -- equal stacks

static bool same_stack(const struct tasks *t, const struct item *a, const struct item *b)
{
	if (a->hash != b->hash || a->n != b->n)
		return false;
	for (uint64_t i = 0; i < a->n; i++)
		if (t->frames.data[a->first + i].code != t->frames.data[b->first + i].code ||
		    t->frames.data[a->first + i].offset != t->frames.data[b->first + i].offset)
			return false;
	return true;
}

static int group(struct tasks *t, struct ccore_error *err)
{
	struct hashmap first = {0}; // hash of a stack -> index + 1 of the first task with it
	int status = 0;

	for (uint64_t i = 0; i < t->all.n && status == 0; i++) {
		struct item *item = &t->all.data[i];
		const uint64_t key = item->hash ? item->hash : 1;
		uint32_t k;

		if (!hashmap_get(&first, key, &k)) {
			if (!hashmap_put(&first, key, (uint32_t)i + 1))
				status = err_nomem(err);
		} else if (same_stack(t, item, &t->all.data[k - 1])) {
			t->all.data[k - 1].same++;
			item->same = 0;
		}
	}
	hashmap_done(&first);
	return status;
}

// -- showing them

// What asyncio.gather() returns waits for several.
static void add_children(struct tasks *t, addr_t gathering, struct strbuf *out)
{
	const addr_t children = instance_attribute(t->reader, gathering, "_children");
	uint64_t n;

	(void)sequence_item(t->reader, children, 0, &n); // its length is wanted
	for (uint64_t i = 0; i < n && i < NAMES_SHOWN; i++) {
		const addr_t child = sequence_item(t->reader, children, i, NULL);

		strbuf_puts(out, i ? ", " : " of ");
		if (type_is_task(py_type_of(t->reader, child)))
			task_name(t->reader, child, out);
		else
			strbuf_printf(out, "future 0x%" PRIx64, child);
	}
	if (n > NAMES_SHOWN)
		strbuf_printf(out, ", … %" PRIu64 " in all", n);
}

static void awaits_text(struct tasks *t, const struct item *item, struct strbuf *out)
{
	const struct py_type *type = py_type_of(t->reader, item->waiter);

	if (!item->waiter || !type)
		return;
	if (type_is_task(type)) {
		strbuf_puts(out, "task ");
		task_name(t->reader, item->waiter, out);
		return;
	}
	strbuf_printf(out, "%s %s 0x%" PRIx64,
		      future_state_name(future_state(t->reader, item->waiter)), type->name,
		      item->waiter);
	add_children(t, item->waiter, out);
}

static void awaited_by_text(struct tasks *t, const struct item *item, struct strbuf *out)
{
	uint64_t low = 0, high = t->waits.n, n = 0;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (t->waits.data[middle].task < item->addr)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint64_t i = low; i < t->waits.n && n < NAMES_SHOWN; i++) {
		if (t->waits.data[i].task != item->addr)
			break;
		strbuf_puts(out, n++ ? ", " : "");
		task_name(t->reader, t->waits.data[i].by, out);
	}
}

static const char *state_text(const struct item *item)
{
	return item->is_running ? "running" : future_state_name(item->state);
}

static void add_columns(struct tasks *t)
{
	struct table *table = &t->r->table;

	stack_table_init(&t->table, t->s, table, false);
	t->task = table_column(table, "task", "", CCORE_ADDR, 0);
	t->name = table_column(table, "name", "", CCORE_STR, 0);
	t->state = table_column(table, "state", "", CCORE_STR, 0);
	t->awaits = table_column(table, "awaits", "", CCORE_STR, 0);
	t->awaited_by = table_column(table, "awaited_by", "", CCORE_STR, 0);
	t->count = table_column(table, "count", "tasks", CCORE_U64, 0);
	table->noun = "tasks";
}

struct texts {
	struct strbuf name, awaits, awaited_by, heading;
};

static void make_texts(struct tasks *t, const struct item *item, struct texts *ret)
{
	*ret = (struct texts){0};
	task_name(t->reader, item->addr, &ret->name);
	awaits_text(t, item, &ret->awaits);
	awaited_by_text(t, item, &ret->awaited_by);
	if (item->same > 1)
		strbuf_printf(&ret->heading, "%" PRIu64 " tasks like ", item->same);
	strbuf_printf(&ret->heading, "%s, %s", ret->name.data ? ret->name.data : "?",
		      state_text(item));
	if (ret->awaits.n)
		strbuf_printf(&ret->heading, ", awaits %s", ret->awaits.data);
	if (ret->awaited_by.n)
		strbuf_printf(&ret->heading, ", awaited by %s", ret->awaited_by.data);
	t->r->table.failed |= ret->name.failed | ret->awaits.failed | ret->awaited_by.failed |
			      ret->heading.failed;
}

static void set_task(struct tasks *t, uint64_t row, const struct item *item,
		     const struct texts *texts)
{
	struct table *table = &t->r->table;

	table_set_u64(table, row, t->task, item->addr);
	table_set_str(table, row, t->name, texts->name.data);
	table_set_str(table, row, t->state, state_text(item));
	table_set_str(table, row, t->awaits, texts->awaits.n ? texts->awaits.data : NULL);
	table_set_str(table, row, t->awaited_by,
		      texts->awaited_by.n ? texts->awaited_by.data : NULL);
	table_set_u64(table, row, t->count, item->same);
}

static void show(struct tasks *t, const struct item *item)
{
	struct texts texts;

	make_texts(t, item, &texts);
	if (!t->r->table.failed && !item->n) {
		stack_table_add_heading(&t->table, texts.heading.data);
		set_task(t, t->r->table.row_n - 1, item, &texts);
	}
	for (uint64_t i = 0; i < item->n && !t->r->table.failed; i++) {
		stack_table_add(&t->table, NULL, &t->frames.data[item->first + item->n - 1 - i], i,
				i ? NULL : texts.heading.data);
		if (!t->r->table.failed)
			set_task(t, t->r->table.row_n - 1, item, &texts);
	}
	strbuf_done(&texts.name);
	strbuf_done(&texts.awaits);
	strbuf_done(&texts.awaited_by);
	strbuf_done(&texts.heading);
}

static void show_all(struct tasks *t, uint64_t limit)
{
	uint64_t shown = 0;

	for (uint64_t i = 0; i < t->all.n; i++) {
		if (!t->all.data[i].same)
			continue;
		if (shown++ < limit)
			show(t, &t->all.data[i]);
		else
			t->r->table.left_out += t->all.data[i].n ? t->all.data[i].n : 1;
	}
	if (shown > limit)
		result_note(t->r, "%" PRIu64 " more %s: -n all shows them", shown - limit,
			    t->all.n > shown ? "groups of tasks" : "tasks");
	result_note(t->r, "%" PRIu64 " task%s", t->all.n, t->all.n == 1 ? "" : "s");
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct tasks t = {.s = s, .r = r, .reader = heap_reader(&s->heap)};
	int status = find_tasks(&t, args_flag(a, "--all"), err);

	if (status == 0)
		status = find_waits(&t, err);
	if (status == 0 && args_flag(a, "--group"))
		status = group(&t, err);
	if (status == 0) {
		add_columns(&t);
		show_all(&t, a->limit);
		stack_table_done(&t.table, r);
	}
	vec_done(&t.all);
	vec_done(&t.frames);
	vec_done(&t.waits);
	return status;
}

const struct command command_tasks = {
	.name = "tasks",
	.summary = "asyncio's tasks: where each waits, for what, and who waits for it",
	.argument = "",
	.details =
		"Of each task that has not ended: its name and state, the coroutines from the "
		"innermost to the task's own, each with its line, the future or task it awaits, "
		"and the tasks that await it, also by way of gather(). -n is the number of tasks, "
		"or of groups.",
	.example = "tasks\n"
		   "Task-2, pending, awaits pending _asyncio.Future 0x7f3a5b0, awaited by main\n"
		   "  #0  sleep  /usr/lib/python3.11/asyncio/tasks.py:639\n"
		   "        return await future\n"
		   "  #1  worker  /srv/app.py:12\n"
		   "        await asyncio.sleep(60)\n",
	.params =
		{
			{"--group", NULL, NULL, NULL,
			 "tasks with equal stacks once, with their number"},
			{"--all", NULL, NULL, NULL, "also those that have ended"},
		},
	.run = run,
};
