// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a CPython heap (image.h): every reader of objects is let loose on every word of it,
 * and the commands on the whole.
 */
#include "image.h"

#include "py/attribute.h"
#include "py/block.h"
#include "py/static_object.h"

#define EDGES_LABELLED 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

// -- one object

struct look {
	struct py_reader *r;
	const struct py_object *o;
	addr_t frame;
	uint64_t labelled;
};

static void label_edges(struct edge_buffer *b)
{
	struct look *look = b->sink.ctx;
	struct strbuf text = {0};
	struct edge some[EDGES_LABELLED];
	uint32_t n = b->n < EDGES_LABELLED ? b->n : EDGES_LABELLED;

	memcpy(some, b->items, n * sizeof(*some));
	for (uint32_t i = 0; i < n && look->labelled++ < EDGES_LABELLED; i++) {
		if (look->o)
			py_edge_label(look->r, look->o, &some[i], &text);
		else if (some[i].label == LABEL_LOCAL)
			iframe_label(look->r, look->frame, some[i].word, &text);
	}
	strbuf_done(&text);
}

// As an allocator's block that begins at `addr`, and as a static object.
static void look_at_block(struct py_reader *r, addr_t addr)
{
	uint8_t bytes[BLOCK_VIEW];
	struct block b = {.addr = addr, .p = bytes, .slack = addr / 8 % 3 * 24};
	struct block_rules rules;
	const struct py_type *type;
	struct py_object o;
	addr_t object;

	b.size = mem_readable(r->py->mem, addr, sizeof(bytes));
	if (!b.size || mem_read(r->py->mem, addr, bytes, b.size) < 0)
		return;
	block_rules_init(&rules, r->py);
	if (block_classify(r, &rules, &b, &object, &type) == BLOCK_OBJECT)
		(void)py_object_open_typed(r, object, type, &o);
	if (py_object_open(r, addr, &o)) {
		const struct static_place place = {.end = addr + b.size};

		(void)static_object_is_proved(r, &o, &place);
	}
}

static void look_at_object(struct py_reader *r, addr_t addr)
{
	struct look look = {.r = r, .frame = addr};
	struct edge_sink before;
	struct py_object o;
	bool flag;

	edge_redirect(&r->edges, label_edges, &look, false, &before);
	r->edges.left = 100000;
	if (layout_has(r->layout, F_F_FRAME)) {
		iframe_visit(r, addr);
		edge_flush(&r->edges);
	}
	if (py_object_open(r, addr, &o)) {
		look.o = &o;
		look.labelled = 0;
		py_visit(r, &o);
		(void)py_sizeof(r, &o, &flag);
		(void)py_refcount(r, &o, &flag);
		(void)py_counted_type(r, o.type, addr);
	}
	edge_restore(&r->edges, &before);
}

// What readers do with an address that another object gave them.
static void look_at_address(struct py_reader *r, addr_t addr)
{
	struct strbuf text = {0};
	struct py_object o;
	uint64_t locals_n, stack_n;

	(void)dict_lookup(r, addr, "a");
	if (py_object_open(r, addr, &o))
		(void)instance_attribute(r, o.addr, "a");
	(void)text_append(r, addr, 100, &text, NULL);
	(void)text_equals(r, addr, "a");
	(void)type_dict(r, addr);
	(void)py_type_get(r, addr);
	if (layout_has(r->layout, F_DK_NENTRIES)) {
		(void)dict_keys_name(r, addr, dict_keys_n(r, addr, 10, addr) - 1);
		(void)dict_keys_sizeof(r, addr);
	}
	if (code_slots(r, addr, &locals_n, &stack_n))
		(void)code_local_name(r, addr, locals_n - 1, &text);
	(void)code_file(r, addr, &text);
	py_repr(r, addr, &text);
	strbuf_done(&text);
}

static void look_at_objects(struct py_reader *r, uint64_t size)
{
	for (uint64_t off = 0; off < size; off += 8) {
		look_at_object(r, HEAP + off);
		look_at_block(r, HEAP + off);
		look_at_address(r, HEAP + off);
	}
}

// -- the whole heap

// When the input holds no interpreter that can be read: one that has GC lists in it.
static void make_runtime(struct heap *h, unsigned how)
{
	struct interpreter in = {
		.addr = HEAP,
		.sysdict = HEAP + 128,
		.owns_gc = true,
		.gc = {.heads = {HEAP, HEAP + 32, HEAP + 256}, .garbage = HEAP + 64},
	};
	struct py_thread thread = {.addr = HEAP, .frame = HEAP + 128};

	if (how & COLLECTING)
		in.gc.collecting = STATIC;
	(void)vec_push(&h->runtime.interpreters, in);
	(void)vec_push(&h->runtime.threads, thread);
}

static void look_at_heap(struct session *s, unsigned how)
{
	// It sleeps in futex(2), at an address of the input.
	static struct os_thread thread = {
		.has_regs = true,
		.sp = HEAP + 8,
		.syscall = 202,
		.regs = {[0] = HEAP, [1] = HEAP + 128, [5] = HEAP + 256},
	};
	struct heap *h = &s->heap;
	struct ccore_error err;
	const uint32_t version = h->layout.version;

	if (how & IN_INPUT) {
		addr_t *symbols = h->layout.symbols;

		symbols[SYM_PyRuntime] = symbols[SYM_PyRuntime] ? HEAP : 0;
		symbols[SYM_INTERP_HEAD] = symbols[SYM_INTERP_HEAD] ? HEAP : 0;
	}
	s->target.threads.data = &thread;
	s->target.threads.n = 1;
	if (runtime_read(&h->runtime, heap_reader(h), &h->layout, 0, &err) < 0 &&
	    layout_set_version(&h->layout, version, &err) == 0)
		make_runtime(h, how);
	h->runtime.target = &s->target;
	h->runtime.symbols = &h->symbols;
	if (h->runtime.interpreters.n &&
	    roots_find(&h->roots, &h->runtime, heap_reader(h), &err) == 0) {
		ASK(s, "info");
		ASK(s, "gc");
		ASK(s, "types");
		ASK(s, "types", "--gc");
		ASK(s, "types", "--unreachable");
		ASK(s, "objects", "*", "--unreachable");
		ASK(s, "objects", "*", "-n", "20");
		ASK(s, "show", "0x100008");
		ASK(s, "show", "0x100080");
		ASK(s, "objects", "*", "--where", "a.b[0]['c']!=1", "--where", "type~*");
		ASK(s, "classes");
		ASK(s, "export", "--roots");
		ASK(s, "backrefs", "0x100080");
		ASK(s, "why", "*", "--to", "any", "-k", "2");
		ASK(s, "bt", "--locals");
		ASK(s, "why", "*", "--to", "static", "-k", "2");
		ASK(s, "why", "*", "--to", "frame", "-k", "2");
		ASK(s, "verify", "-n", "all");
		ASK(s, "threads");
		ASK(s, "locals");
		ASK(s, "tasks", "--all", "--group");
		ASK(s, "print", "a.b[1]['a']");
		ASK(s, "print", "0x100008.a[0].b");
		ASK(s, "report", "crash");
		ASK(s, "report", "hang");
		ASK(s, "graph", "*", "--direction", "both", "--depth", "2");
	}
}

static void look_at_all(struct session *s, uint64_t size, unsigned how)
{
	look_at_objects(heap_reader(&s->heap), size);
	look_at_heap(s, how);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	image_run(data, size, look_at_all);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return image_mutate(data, size, max, seed);
}
