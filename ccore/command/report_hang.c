// SPDX-License-Identifier: GPL-2.0-or-later
// report hang: which threads wait for what and for whom, and which of them for ever.
#include "command/report.h"
#include "stacks/wait_referrers.h"
#include "stacks/waits.h"

#include <inttypes.h>

// Threads of one deadlock, and others that wait, of which all is said; owners of one wait.
#define DEADLOCK_SHOWN 20u
#define WAITING_SHOWN 100u
#define OWNERS_SHOWN 5u
#define REFERRERS_SHOWN 5u

struct hang {
	struct report *p;
	struct waits waits;
	struct wait_referrers referrers;
	uint64_t shown;
};

static void add_thread_name(struct hang *h, const char *key, uint64_t i)
{
	const struct thread *t = &h->p->threads.all.data[i];
	const struct py_thread *state = thread_state(&h->p->s->heap, t);
	struct strbuf text = {0};

	thread_text(h->p->s, t, &text);
	report_add(h->p, key, state ? state->addr : 0, "%s", text.failed ? "?" : text.data);
	strbuf_done(&text);
}

// "~ Thread 12 "b", in a with block": ~ marks what is not known but likely.
static void owner_text(struct hang *h, const struct wait_owner *o, struct strbuf *out)
{
	if (o->is_guess)
		strbuf_puts(out, "~ ");
	if (o->thread == UINT64_MAX)
		strbuf_puts(out, "a thread that is gone: it has ended, or was not forked with the "
				 "process");
	else
		thread_text(h->p->s, &h->p->threads.all.data[o->thread], out);
	strbuf_printf(out, ", %s", o->how);
}

static void add_owner(struct hang *h, const struct wait_owner *o)
{
	struct py_reader *r = heap_reader(&h->p->s->heap);
	struct strbuf text = {0};
	struct code_position at;

	owner_text(h, o, &text);
	report_add(h->p, "  held by", 0, "%s", text.failed ? "?" : text.data);
	strbuf_done(&text);
	if (!o->has_frame)
		return;
	stack_frame_position(r, &o->frame, &at);
	report_add_place(h->p, "  in", o->frame.addr, o->frame.code, &at);
}

static void add_referrer(struct hang *h, const struct wait_referrer *f)
{
	struct py_reader *r = heap_reader(&h->p->s->heap);
	struct strbuf text = {0};
	struct code_position at;

	if (f->task) {
		strbuf_puts(&text, "task ");
		task_item_name(&h->referrers.tasks, f->task, &text);
	} else {
		thread_text(h->p->s, &h->p->threads.all.data[f->thread], &text);
	}
	report_add(h->p, "  refers to it", f->task, "%s: %s", text.failed ? "?" : text.data,
		   f->path);
	strbuf_done(&text);
	if (!f->has_frame)
		return;
	stack_frame_position(r, &f->frame, &at);
	report_add_place(h->p, "  in", f->frame.addr, f->frame.code, &at);
}

// Nothing notes who will set an Event: who could are those that have it.
static void add_referrers(struct hang *h, const struct wait *w)
{
	uint64_t n = 0;

	if (!wait_wants_referrers(w))
		return;
	for (uint64_t i = 0; i < h->referrers.all.n; i++)
		if (h->referrers.all.data[i].object == w->object && n++ < REFERRERS_SHOWN)
			add_referrer(h, &h->referrers.all.data[i]);
	if (n > REFERRERS_SHOWN)
		report_add(h->p, "  refers to it", 0, "… %" PRIu64 " more", n - REFERRERS_SHOWN);
	if (!n)
		report_add(h->p, "  refers to it", 0,
			   "no variable of a thread or task that does not wait for it itself%s",
			   h->referrers.is_cut ? ", as far as was looked" : "");
}

static void add_wait(struct hang *h, uint64_t i)
{
	const struct wait *w = &h->waits.all.data[i];
	struct strbuf text = {0};

	wait_text(h->p->s, &h->p->threads, &h->waits, w, &text);
	report_add(h->p, "  waits for", w->object ? w->object : w->word, "%s",
		   text.failed ? "?" : text.data);
	strbuf_done(&text);
	for (uint64_t k = 0; k < w->owner_n && k < OWNERS_SHOWN; k++)
		add_owner(h, &h->waits.owners.data[w->owner + k]);
	if (w->owner_n > OWNERS_SHOWN)
		report_add(h->p, "  held by", 0, "… %" PRIu64 " more", w->owner_n - OWNERS_SHOWN);
	add_referrers(h, w);
}

static int add_with_stack(struct hang *h, uint64_t i, struct ccore_error *err)
{
	const struct thread *t = &h->p->threads.all.data[i];
	struct stack stack;

	add_thread_name(h, "thread", i);
	add_wait(h, i);
	TRY(thread_stack(&h->p->s->heap, t, &stack, err));
	report_add_frames(h->p, &stack);
	stack_done(&stack);
	return 0;
}

static bool has_guess(const struct waits *w, const struct wait *wait)
{
	for (uint64_t k = 0; k < wait->owner_n; k++)
		if (w->owners.data[wait->owner + k].is_guess)
			return true;
	return false;
}

static int add_deadlock(struct hang *h, uint32_t number, struct ccore_error *err)
{
	uint64_t n = 0, shown = 0;
	bool is_guess = false;

	for (uint64_t i = 0; i < h->waits.all.n; i++)
		if (h->waits.all.data[i].deadlock == number) {
			n++;
			is_guess |= has_guess(&h->waits, &h->waits.all.data[i]);
		}
	if (n == 1)
		report_add(h->p, "deadlock", 0, "%sa thread waits for what it has itself",
			   is_guess ? "~ " : "");
	else
		report_add(h->p, "deadlock", 0, "%s%" PRIu64 " threads wait for each other",
			   is_guess ? "~ " : "", n);
	for (uint64_t i = 0; i < h->waits.all.n && shown < DEADLOCK_SHOWN; i++) {
		if (h->waits.all.data[i].deadlock != number)
			continue;
		TRY(add_with_stack(h, i, err));
		shown++;
	}
	if (shown < n)
		report_add(h->p, "…", 0, "%" PRIu64 " more threads", n - shown);
	return 0;
}

static void add_place(struct hang *h, uint64_t i, struct ccore_error *err)
{
	struct py_reader *r = heap_reader(&h->p->s->heap);
	const uint64_t own = h->waits.all.data[i].own_frame;
	struct code_position at;
	struct stack stack;

	if (thread_stack(&h->p->s->heap, &h->p->threads.all.data[i], &stack, err) < 0)
		return;
	if (own < stack.frames.n) {
		stack_frame_position(r, &stack.frames.data[own], &at);
		report_add_place(h->p, "  in", stack.frames.data[own].addr,
				 stack.frames.data[own].code, &at);
	}
	stack_done(&stack);
}

// Those that are in no deadlock: first the ones that will not go on either.
static void add_others(struct hang *h, bool stuck, const char *key, struct ccore_error *err)
{
	for (uint64_t i = 0; i < h->waits.all.n; i++) {
		const struct wait *w = &h->waits.all.data[i];

		if (w->kind == WAIT_NONE || w->deadlock || w->is_stuck != stuck)
			continue;
		if (h->shown++ >= WAITING_SHOWN)
			continue;
		add_thread_name(h, key, i);
		add_wait(h, i);
		add_place(h, i, err);
	}
}

static void add_summary(struct hang *h)
{
	uint64_t waiting = 0, gil = 0, stuck = 0;

	for (uint64_t i = 0; i < h->waits.all.n; i++) {
		const struct wait *w = &h->waits.all.data[i];

		waiting += w->kind != WAIT_NONE && w->kind != WAIT_GIL;
		gil += w->kind == WAIT_GIL;
		stuck += w->is_stuck;
	}
	report_add(h->p, "threads", 0,
		   "%" PRIu64 ", of which %" PRIu64 " wait for what others do, %" PRIu64
		   " for the GIL; %" PRIu64 " can not go on",
		   h->waits.all.n, waiting, gil, stuck);
	report_add(h->p, "deadlocks", 0, "%" PRIu32, h->waits.deadlock_n);
}

static void add_gil(struct hang *h)
{
	for (uint64_t i = 0; i < h->waits.all.n; i++) {
		const struct thread_state *st = &h->waits.all.data[i].state;

		if (!st->gil || strcmp(st->gil, "holds") != 0)
			continue;
		add_thread_name(h, "GIL held by", i);
		if (st->state)
			report_add(h->p, "  which", 0, "%s%s%s", st->state, st->detail ? " " : "",
				   st->detail ? st->detail : "");
	}
}

static void add_next(struct hang *h)
{
	uint64_t i = 0;
	char command[96];

	while (i < h->waits.all.n && !h->waits.all.data[i].is_stuck)
		i++;
	i = i < h->waits.all.n ? i : 0;
	if (i < h->waits.all.n && thread_tid(&h->p->s->heap, &h->p->threads.all.data[i]))
		(void)snprintf(command, sizeof(command), "bt %" PRId64 " --locals",
			       thread_tid(&h->p->s->heap,
					  &h->p->threads.all.data[i])); // fits any number
	else
		(void)snprintf(command, sizeof(command), "bt --locals"); // fits
	report_add_next(h->p, command, "with the variables of each frame");
	report_add_next(h->p, "threads", "each thread on a line, with what it waits for");
	report_add_next(h->p, "tasks", "where tasks and greenlets wait");
}

int report_hang(struct report *p, struct ccore_error *err)
{
	struct hang h = {.p = p};
	int status = waits_find(&h.waits, p->s, &p->threads, p->unwinder, err);

	if (status < 0)
		return status;
	status = wait_referrers_find(&h.referrers, p->s, &p->threads, &h.waits, err);
	if (status < 0) {
		waits_done(&h.waits);
		return status;
	}
	add_summary(&h);
	for (uint32_t i = 1; i <= h.waits.deadlock_n && status == 0; i++)
		status = add_deadlock(&h, i, err);
	add_others(&h, true, "stuck", err);
	add_gil(&h);
	add_others(&h, false, "waiting", err);
	if (h.shown > WAITING_SHOWN)
		report_add(p, "…", 0, "%" PRIu64 " more threads that wait: threads -n all",
			   h.shown - WAITING_SHOWN);
	add_next(&h);
	wait_referrers_done(&h.referrers);
	waits_done(&h.waits);
	return status;
}
