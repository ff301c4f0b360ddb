// SPDX-License-Identifier: GPL-2.0-or-later
// report crash: the signal, who sent it, and what the C library said.
#include "command/report.h"
#include "py/redact.h"
#include "sym/symbols.h"

#include <inttypes.h>

// What malloc says is always the same; a failed assertion, and what else there is, quotes source.
static bool is_of_malloc(const char *text)
{
	static const char *const beginnings[] = {
		"malloc",    "free():",	       "realloc():", "calloc():",    "munmap_chunk():",
		"mremap_ch", "tcache_thread_", "corrupted ", "double free ", "sysmalloc",
	};

	for (unsigned i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static void add_words(struct report *p, addr_t message, const char *words)
{
	struct strbuf text = {0};

	if (p->s->heap.py.redact && !is_of_malloc(words))
		redact_text(&p->s->heap.py, "text", words, &text);
	else
		strbuf_puts(&text, words);
	report_add(p, "libc said", message, "%s", text.failed ? "?" : text.data);
	strbuf_done(&text);
}

// glibc keeps what it says before it aborts: "free(): invalid pointer", a failed assertion.
static void add_last_words(struct report *p)
{
	const struct target *t = &p->s->target;

	for (uint64_t i = 0; i < t->modules.n; i++) {
		struct sym_request words = {.names = "__abort_msg"};
		char text[LIM_NAME_BYTES];
		addr_t message;

		if (!strstr(t->modules.data[i].name, "libc.so") &&
		    !strstr(t->modules.data[i].name, "libc-"))
			continue;
		if (symbols_find(t, &t->modules.data[i], &words, 1, true, NULL) < 0 ||
		    !words.found ||
		    mem_read_u64(&t->mem, words.value + t->modules.data[i].bias, &message) < 0 ||
		    !message || mem_read_cstr(&t->mem, message + 4, text, sizeof(text)) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		add_words(p, message, text);
		return;
	}
}

static void add_sender(struct report *p)
{
	const struct target *t = &p->s->target;

	if (t->signal_origin == SIGNAL_FROM_KERNEL)
		report_add(p, "sent by", 0, "the kernel: a key at the terminal, or a limit");
	else if (t->signal_origin == SIGNAL_SENT && !t->signal_sender)
		report_add(p, "sent by", 0, "a timer, or a process that is not told");
	else if (t->signal_origin == SIGNAL_SENT)
		report_add(p, "sent by", 0, "process %" PRId32 "%s", t->signal_sender,
			   t->signal_sender == t->pid ? ", this one" : "");
}

int report_signal(struct report *p, struct ccore_error *err)
{
	const struct target *t = &p->s->target;
	const char *name = t->signal ? sigabbrev_np(t->signal) : NULL;

	if (!t->signal) {
		report_add(p, "signal", 0, "%s",
			   t->notes_lost && !t->threads.n
				   ? "not known: the core's notes are missing, which say it"
				   : "none: it was not a crash that this was taken at");
		return 0;
	}
	report_add(p, "signal", 0, "%s%s (%s)", name ? "SIG" : "", name ? name : "",
		   strsignal(t->signal));
	add_sender(p);
	TRY(report_address(p, err));
	add_last_words(p);
	return 0;
}
