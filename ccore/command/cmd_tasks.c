// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"
#include "py/attribute.h"
#include "py/awaiting.h"
#include "py/exception.h"
#include "stacks/stack_table.h"
#include "stacks/task_list.h"

#include <inttypes.h>

// Names shown of what waits, or is waited for.
#define NAMES_SHOWN 5u

struct tasks {
	struct task_list list;
	struct ccore_result *r;
	struct stack_table table;
	uint64_t task, kind, name, state, parent, awaits, awaited_by, count; // columns
};

// -- equal stacks

static bool same_stack(const struct tasks *t, const struct task_item *a, const struct task_item *b)
{
	if (a->kind != b->kind || a->hash != b->hash || a->n != b->n)
		return false;
	for (uint64_t i = 0; i < a->n; i++)
		if (t->list.frames.data[a->first + i].code !=
			    t->list.frames.data[b->first + i].code ||
		    t->list.frames.data[a->first + i].offset !=
			    t->list.frames.data[b->first + i].offset)
			return false;
	return true;
}

static int group(struct tasks *t, struct ccore_error *err)
{
	struct hashmap first = {0}; // hash of a stack -> index + 1 of the first task with it
	int status = 0;

	for (uint64_t i = 0; i < t->list.all.n && status == 0; i++) {
		struct task_item *item = &t->list.all.data[i];
		const uint64_t key = item->hash ? item->hash : 1;
		uint32_t k;

		if (!hashmap_get(&first, key, &k)) {
			if (!hashmap_put(&first, key, (uint32_t)i + 1))
				status = err_nomem(err);
		} else if (same_stack(t, item, &t->list.all.data[k - 1])) {
			t->list.all.data[k - 1].same++;
			item->same = 0;
		}
	}
	hashmap_done(&first);
	return status;
}

// -- showing them

static void add_name(struct tasks *t, uint64_t i, addr_t task, struct strbuf *out)
{
	strbuf_puts(out, i ? ", " : " of ");
	if (is_task(t->list.r, task))
		task_item_name(&t->list, task, out);
	else
		strbuf_printf(out, "future 0x%" PRIx64, task);
}

// What asyncio.gather() returns waits for several.
static void add_gathered(struct tasks *t, addr_t gathering, struct strbuf *out)
{
	const addr_t children = instance_attribute(t->list.r, gathering, "_children");
	uint64_t n;

	(void)sequence_item(t->list.r, children, 0, &n); // its length is wanted
	for (uint64_t i = 0; i < n && i < NAMES_SHOWN; i++)
		add_name(t, i, sequence_item(t->list.r, children, i, NULL), out);
	if (n > NAMES_SHOWN)
		strbuf_printf(out, ", … %" PRIu64 " in all", n);
}

// The first of `waits` whose `key` is not less than `addr`.
static uint64_t first_of(const struct task_wait *waits, uint64_t n, bool by_task, addr_t addr)
{
	uint64_t low = 0, high = n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if ((by_task ? waits[middle].task : waits[middle].by) < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// The tasks that a nursery still has.
static void add_children(struct tasks *t, addr_t nursery, struct strbuf *out)
{
	const struct task_wait *all = t->list.children.data;
	const uint64_t n = t->list.children.n;
	const uint64_t first = first_of(all, n, false, nursery);
	uint64_t end = first;

	for (; end < n && all[end].by == nursery; end++)
		if (end - first < NAMES_SHOWN)
			add_name(t, end - first, all[end].task, out);
	if (end - first > NAMES_SHOWN)
		strbuf_printf(out, ", … %" PRIu64 " in all", end - first);
}

static void awaits_text(struct tasks *t, const struct task_item *item, struct strbuf *out)
{
	const struct py_type *type = py_type_of(t->list.r, item->waiter);

	if (!item->waiter || !type)
		return;
	if (is_task(t->list.r, item->waiter)) {
		strbuf_puts(out, "task ");
		task_item_name(&t->list, item->waiter, out);
		return;
	}
	if (type_is_future(type))
		strbuf_printf(out, "%s ", future_state_name(future_state(t->list.r, item->waiter)));
	strbuf_printf(out, "%s 0x%" PRIx64, type->name, item->waiter);
	if (item->waits_for_tasks)
		add_children(t, item->waiter, out);
	else
		add_gathered(t, item->waiter, out);
}

static void awaited_by_text(struct tasks *t, const struct task_item *item, struct strbuf *out)
{
	const struct task_wait *all = t->list.waits.data;
	const uint64_t first = first_of(all, t->list.waits.n, true, item->addr);

	for (uint64_t i = first; i < t->list.waits.n && i - first < NAMES_SHOWN; i++) {
		if (all[i].task != item->addr)
			break;
		strbuf_puts(out, i > first ? ", " : "");
		task_item_name(&t->list, all[i].by, out);
	}
}

static const char *const kind_names[] = {
	[TASK_ASYNCIO] = "asyncio",
	[TASK_TRIO] = "trio",
	[TASK_GREENLET] = "greenlet",
};

static void add_columns(struct tasks *t)
{
	struct table *table = &t->r->table;

	stack_table_init(&t->table, t->list.s, table, false);
	t->task = table_column(table, "task", "", CCORE_ADDR, 0);
	t->kind = table_column(table, "kind", "", CCORE_STR, 0);
	t->name = table_column(table, "name", "", CCORE_STR, 0);
	t->state = table_column(table, "state", "", CCORE_STR, 0);
	t->parent = table_column(table, "parent", "", CCORE_STR, 0);
	t->awaits = table_column(table, "awaits", "", CCORE_STR, 0);
	t->awaited_by = table_column(table, "awaited_by", "", CCORE_STR, 0);
	t->count = table_column(table, "count", "tasks", CCORE_U64, 0);
	table->noun = "tasks";
}

struct texts {
	struct strbuf name, parent, awaits, awaited_by, heading;
};

static void make_texts(struct tasks *t, const struct task_item *item, struct texts *ret)
{
	*ret = (struct texts){0};
	task_item_name(&t->list, item->addr, &ret->name);
	if (item->parent)
		task_item_name(&t->list, item->parent, &ret->parent);
	awaits_text(t, item, &ret->awaits);
	awaited_by_text(t, item, &ret->awaited_by);
	if (item->same > 1)
		strbuf_printf(&ret->heading, "%" PRIu64 " tasks like ", item->same);
	strbuf_puts(&ret->heading, ret->name.data ? ret->name.data : "?");
	if (item->kind != TASK_ASYNCIO)
		strbuf_printf(&ret->heading, ", %s", kind_names[item->kind]);
	strbuf_printf(&ret->heading, ", %s", item->state);
	if (ret->parent.n)
		strbuf_printf(&ret->heading, ", child of %s", ret->parent.data);
	if (ret->awaits.n)
		strbuf_printf(&ret->heading, ", awaits %s", ret->awaits.data);
	if (ret->awaited_by.n)
		strbuf_printf(&ret->heading, ", awaited by %s", ret->awaited_by.data);
	t->r->table.failed |= ret->name.failed | ret->parent.failed | ret->awaits.failed |
			      ret->awaited_by.failed | ret->heading.failed;
}

static void set_task(struct tasks *t, uint64_t row, const struct task_item *item,
		     const struct texts *texts)
{
	struct table *table = &t->r->table;

	table_set_u64(table, row, t->task, item->addr);
	table_set_str(table, row, t->kind, kind_names[item->kind]);
	table_set_str(table, row, t->name, texts->name.data);
	table_set_str(table, row, t->state, item->state);
	table_set_str(table, row, t->parent, texts->parent.n ? texts->parent.data : NULL);
	table_set_str(table, row, t->awaits, texts->awaits.n ? texts->awaits.data : NULL);
	table_set_str(table, row, t->awaited_by,
		      texts->awaited_by.n ? texts->awaited_by.data : NULL);
	table_set_u64(table, row, t->count, item->same);
}

static void show(struct tasks *t, const struct task_item *item)
{
	struct texts texts;

	make_texts(t, item, &texts);
	if (!t->r->table.failed && !item->n) {
		stack_table_add_heading(&t->table, texts.heading.data);
		set_task(t, t->r->table.row_n - 1, item, &texts);
	}
	for (uint64_t i = 0; i < item->n && !t->r->table.failed; i++) {
		stack_table_add(&t->table, NULL,
				&t->list.frames.data[item->first + item->n - 1 - i], i,
				i ? NULL : texts.heading.data);
		if (!t->r->table.failed)
			set_task(t, t->r->table.row_n - 1, item, &texts);
	}
	strbuf_done(&texts.name);
	strbuf_done(&texts.parent);
	strbuf_done(&texts.awaits);
	strbuf_done(&texts.awaited_by);
	strbuf_done(&texts.heading);
}

static void note_number(struct tasks *t)
{
	static const char *const of[] = {[TASK_ASYNCIO] = "of asyncio",
					 [TASK_TRIO] = "of Trio",
					 [TASK_GREENLET] = "greenlets"};
	uint64_t n[sizeof(of) / sizeof(of[0])] = {0};
	struct strbuf text = {0};

	for (uint64_t i = 0; i < t->list.all.n; i++)
		n[t->list.all.data[i].kind]++;
	for (unsigned k = 0; n[TASK_ASYNCIO] < t->list.all.n && k < sizeof(of) / sizeof(of[0]); k++)
		if (n[k])
			strbuf_printf(&text, "%s%" PRIu64 " %s", text.n ? ", " : ": ", n[k], of[k]);
	result_note(t->r, "%" PRIu64 " task%s%s", t->list.all.n, t->list.all.n == 1 ? "" : "s",
		    text.n && !text.failed ? text.data : "");
	strbuf_done(&text);
	if (t->list.unknown_n)
		result_note(t->r,
			    "%" PRIu64 " greenlets do not look like those of any version of "
			    "greenlet that is known: their frames are not shown",
			    t->list.unknown_n);
}

static void show_all(struct tasks *t, uint64_t limit)
{
	uint64_t shown = 0;

	for (uint64_t i = 0; i < t->list.all.n; i++) {
		if (!t->list.all.data[i].same)
			continue;
		if (shown++ < limit)
			show(t, &t->list.all.data[i]);
		else
			t->r->table.left_out += t->list.all.data[i].n ? t->list.all.data[i].n : 1;
	}
	if (shown > limit)
		result_note(t->r, "%" PRIu64 " more %s: -n all shows them", shown - limit,
			    t->list.all.n > shown ? "groups of tasks" : "tasks");
	note_number(t);
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct tasks t = {.r = r};
	int status;

	TRY(task_list_find(&t.list, s, args_flag(a, "--all"), err));
	status = args_flag(a, "--group") ? group(&t, err) : 0;
	if (status == 0) {
		add_columns(&t);
		show_all(&t, a->limit);
		stack_table_done(&t.table, r);
	}
	task_list_done(&t.list);
	return status;
}

const struct command command_tasks = {
	.name = "tasks",
	.summary = "tasks of asyncio and Trio, greenlets: where each waits, and for what",
	.argument = "",
	.details = "Of each task that has not ended: its name and state, the coroutines from the "
		   "innermost to the task's own, each with its line, the future or task it awaits, "
		   "and the tasks that await it, also by way of gather(). So of Trio's tasks, with "
		   "the task whose nursery each is in; and greenlets, gevent's among them, with "
		   "their frames. -n is the number of tasks, or of groups.",
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
