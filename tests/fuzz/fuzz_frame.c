// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the stack of a thread (image.h): its state is at HEAP, its C stack begins there, the
 * first word leads to the innermost frame. The frames are walked, searched for, and each word is
 * read as one.
 */
#include "image.h"

#include "py/frame_locals.h"
#include "py/waiting.h"
#include "runtime/frame_search.h"

#define THREAD_ID 7u
#define NAMES_LOOKED_AT 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

// -- one frame

struct look {
	struct py_reader *r;
	struct strbuf text;
	unsigned n;
};

static bool look_at_local(void *ctx, addr_t name, addr_t value)
{
	struct look *look = ctx;

	(void)text_append(look->r, name, 100, &look->text, NULL);
	py_repr(look->r, value, &look->text);
	return look->n++ < NAMES_LOOKED_AT;
}

static void look_at_frame(struct py_reader *r, const struct stack_frame *f)
{
	struct look look = {.r = r};
	struct code_position at;
	struct waiting waiting;

	stack_frame_position(r, f, &at);
	if (at.line < -1 || at.column < -1)
		abort();
	if (stack_frame_fits(r, f) && !stack_frame_fits_partly(r, f))
		abort();
	frame_locals_each(r, f, look_at_local, &look);
	(void)frame_local(r, f, "a");
	waiting_find(r, f, 1, &waiting);
	code_name(r, f->code, &look.text);
	strbuf_done(&look.text);
}

static void look_at_address(struct py_reader *r, addr_t addr)
{
	struct stack_frame f;
	struct py_object o;

	if (stack_frame_read(r, addr, &f))
		look_at_frame(r, &f);
	if (stack_frame_of_object(r, addr, &f))
		look_at_frame(r, &f);
	if (py_object_open(r, addr, &o) && o.type->family == &family_generator) {
		(void)generator_state(r, &o);
		(void)generator_code(r, &o);
	}
}

// -- all of them

static void forget_edges(struct edge_buffer *b)
{
	b->n = 0;
}

static void look_at_roots(struct heap *h)
{
	struct py_reader *r = heap_reader(h);
	struct strbuf text = {0};
	struct edge_sink before;

	edge_redirect(&r->edges, forget_edges, NULL, false, &before);
	for (uint64_t i = 0; i < h->roots.all.n; i++) {
		r->edges.left = 100000;
		root_visit(r, &h->runtime, &h->roots.all.data[i]);
		root_name(r, &h->runtime, &h->roots.all.data[i], &text);
	}
	edge_restore(&r->edges, &before);
	strbuf_done(&text);
}

// A frame is on the stack once, and is not found by a search unless something is damaged.
static void check_roots(struct heap *h)
{
	const struct roots *roots = &h->roots;
	struct hashmap seen = {0};
	uint32_t before, depth = 0;

	for (uint64_t i = 0; i < roots->all.n; i++) {
		const struct root *root = &roots->all.data[i];

		if (root->kind != ROOT_FRAME)
			continue;
		if (hashmap_get(&seen, root->addr, &before) || root->depth != depth++ ||
		    (root->mark != FRAME_LINKED && !heap_reader(h)->damage.count[DAMAGE_BAD_FRAME]))
			abort();
		if (!hashmap_put(&seen, root->addr, 0))
			break;
	}
	hashmap_done(&seen);
}

static void look_at_stack(struct session *s, uint64_t size, unsigned how)
{
	static struct os_thread os = {
		.has_regs = true,
		.tid = THREAD_ID,
		.sp = HEAP,
		.fs_base = THREAD_ID,
		.syscall = -1,
	};
	const struct interpreter in = {.addr = HEAP, .sysdict = HEAP + 128};
	struct py_thread thread = {.addr = HEAP, .thread_id = THREAD_ID, .native_id = THREAD_ID};
	struct heap *h = &s->heap;
	struct py_reader *r = heap_reader(h);
	const struct hashmap none = {0};
	uint64_t left = LIM_FRAME_SEARCH_BYTES;
	struct found_frames found;

	(void)how; // is about the heap
	for (uint64_t off = 0; off < size; off += 8)
		look_at_address(r, HEAP + off);
	s->target.threads.data = &os;
	s->target.threads.n = 1;
	h->runtime.target = &s->target;
	h->runtime.symbols = &h->symbols;
	if (mem_read_u64(&s->target.mem, HEAP, &thread.frame) < 0 ||
	    !vec_push(&h->runtime.interpreters, in) || !vec_push(&h->runtime.threads, thread))
		return;
	if (frames_search(&found, &h->runtime, r, &thread, &none, &left, NULL) == 0)
		vec_done(&found.all);
	memset(&r->damage, 0, sizeof(r->damage));
	if (roots_find(&h->roots, &h->runtime, r, NULL) < 0)
		return;
	check_roots(h);
	look_at_roots(h);
	ASK(s, "bt", "--locals", "--native", "-n", "all");
	ASK(s, "threads");
	ASK(s, "locals");
	ASK(s, "locals", "--frame", "1");
	ASK(s, "print", "a.b[1]['a']");
	ASK(s, "report", "crash");
	ASK(s, "report", "hang");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	image_run(data, size, look_at_stack);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return image_mutate(data, size, max, seed);
}
