// SPDX-License-Identifier: GPL-2.0-or-later
// report crash: what was being raised or handled, with causes, groups, notes and tracebacks.
#include "command/report.h"
#include "heap/exceptions.h"
#include "py/attribute.h"
#include "py/exception.h"

#include <inttypes.h>

// What is shown of a chain of exceptions, of a traceback's two ends, of notes and groups.
#define CHAIN_SHOWN 10u
#define ENTRIES_SHOWN_FIRST 3u
#define ENTRIES_SHOWN_LAST 7u
#define ITEMS_SHOWN 5u

static uint64_t traceback_length(struct py_reader *r, addr_t tb)
{
	struct traceback_entry e;
	uint64_t n = 0;

	for (; n < LIM_TRACEBACK && traceback_read(r, tb, &e); n++)
		tb = e.next;
	if (n == LIM_TRACEBACK)
		damage_note(&r->damage, DAMAGE_LIMIT, tb);
	return n;
}

static void add_traceback(struct report *p, addr_t tb)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	const uint64_t n = traceback_length(r, tb);
	struct traceback_entry e;

	for (uint64_t i = 0; i < n && traceback_read(r, tb, &e); i++) {
		const bool is_left_out = i >= ENTRIES_SHOWN_FIRST && n - i > ENTRIES_SHOWN_LAST;

		if (!is_left_out)
			report_add_place(p, i + 1 == n ? "  raised in" : "  through", tb, e.code,
					 &e.at);
		else if (i == ENTRIES_SHOWN_FIRST)
			report_add(p, "  …", 0, "%" PRIu64 " more",
				   n - ENTRIES_SHOWN_FIRST - ENTRIES_SHOWN_LAST);
		tb = e.next;
	}
}

static void add_texts(struct report *p, const char *key, addr_t sequence)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	uint64_t n = 0;

	(void)sequence_item(r, sequence, 0, &n); // its length is wanted
	for (uint64_t i = 0; i < n && i < ITEMS_SHOWN; i++) {
		const addr_t item = sequence_item(r, sequence, i, NULL);
		struct strbuf text = {0};

		if (!exception_text(r, item, &text))
			py_repr(r, item, &text);
		report_add(p, key, item, "%s", text.failed ? "?" : text.data);
		strbuf_done(&text);
	}
	if (n > ITEMS_SHOWN)
		report_add(p, key, 0, "… %" PRIu64 " more", n - ITEMS_SHOWN);
}

static bool is_memory_error(const char *text)
{
	return strncmp(text, "MemoryError", strlen("MemoryError")) == 0;
}

int report_exception(struct report *p, const char *key, const char *mark, addr_t exception,
		     addr_t traceback, struct ccore_error *err)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	struct hashmap seen = {0};
	uint32_t before;
	int status = 0;

	for (uint32_t i = 0; exception && !hashmap_get(&seen, exception, &before); i++) {
		struct exception_links to;
		struct strbuf text = {0};

		if (i == CHAIN_SHOWN) {
			report_add(p, key, exception, "… and more, from here on");
			break;
		}
		if (!hashmap_put(&seen, exception, 1)) {
			status = err_nomem(err);
			break;
		}
		if (!exception_links(r, exception, &to) || !exception_text(r, exception, &text))
			break;
		report_add(p, key, exception, "%s%s", mark, text.failed ? "?" : text.data);
		p->out_of_memory |= !text.failed && is_memory_error(text.data);
		strbuf_done(&text);
		add_traceback(p, to.traceback ? to.traceback : traceback);
		add_texts(p, "  note", to.notes);
		add_texts(p, "  of group", to.group);
		traceback = 0;
		mark = "";
		key = to.cause ? "caused by" : "while handling";
		exception = to.cause ? to.cause : to.context;
	}
	hashmap_done(&seen);
	return status;
}

// Raised in C, where the exception is made only when Python code looks at it.
static int add_unmade(struct report *p, const char *key, const struct thread_exception *e)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	const struct py_type *type = py_type_get(r, e->type);
	struct strbuf text = {0};

	strbuf_puts(&text, type ? type->name : "?");
	p->out_of_memory |= type && is_memory_error(type->name);
	if (e->value) {
		strbuf_puts(&text, " of ");
		py_repr(r, e->value, &text);
	}
	report_add(p, key, e->type, "%s", text.failed ? "?" : text.data);
	strbuf_done(&text);
	add_traceback(p, e->traceback);
	return 0;
}

// All that one thread raises or handles. What an exception's own chain shows comes once.
static int add_thread(struct report *p, const struct thread *t, struct ccore_error *err)
{
	const struct py_thread *state = thread_state(&p->s->heap, t);
	struct thread_exceptions found;
	struct strbuf name = {0};
	int status = 0;

	if (!state)
		return 0;
	TRY(exceptions_find(&found, &p->s->heap, state, err));
	thread_text(p->s, t, &name);
	for (uint64_t i = 0; i < found.all.n && status == 0; i++) {
		const struct thread_exception *e = &found.all.data[i];
		const char *key = e->is_raised ? "raising" : "handling";

		if (i && found.all.data[i - 1].value == e->value)
			continue;
		if (!p->exceptions_left) {
			result_note(p->r, "only so many exceptions are shown: there are more");
			break;
		}
		p->exceptions_left--;
		if (i == 0)
			report_add(p, "exceptions of", state->addr, "%s",
				   name.failed ? "?" : name.data);
		status = e->type ? add_unmade(p, key, e)
				 : report_exception(p, key, "", e->value, e->traceback, err);
	}
	strbuf_done(&name);
	exceptions_done(&found);
	return status;
}

// What an interpreter has printed last, and keeps for a debugger.
static int add_last(struct report *p, const struct interpreter *in, struct ccore_error *err)
{
	struct py_reader *r = heap_reader(&p->s->heap);
	const addr_t value = dict_lookup(r, in->sysdict, "last_value");

	if (!value || !is_exception(r, value))
		return 0;
	return report_exception(p, "sys.last_value", "", value,
				dict_lookup(r, in->sysdict, "last_traceback"), err);
}

// What the process had mapped then says how it came to that: a limit, or no more to be had.
static void add_memory(struct report *p)
{
	const struct mapping_vec *maps = &p->s->target.mappings;
	struct strbuf size = {0};
	uint64_t bytes = 0;

	if (!p->out_of_memory)
		return;
	for (uint64_t i = 0; i < maps->n; i++)
		bytes += maps->data[i].end - maps->data[i].start;
	strbuf_add_size(&size, bytes);
	report_add(p, "it looks like", 0, "memory had run out, with %s mapped",
		   size.failed ? "?" : size.data);
	strbuf_done(&size);
}

int report_exceptions(struct report *p, struct ccore_error *err)
{
	const struct runtime *rt = &p->s->heap.runtime;

	for (uint64_t i = 0; i < p->threads.all.n && p->exceptions_left; i++)
		TRY(add_thread(p, &p->threads.all.data[i], err));
	for (uint64_t i = 0; i < rt->interpreters.n; i++)
		TRY(add_last(p, &rt->interpreters.data[i], err));
	TRY(report_unraisable(p, err));
	add_memory(p);
	return 0;
}
