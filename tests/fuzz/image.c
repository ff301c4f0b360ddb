// SPDX-License-Identifier: GPL-2.0-or-later
#include "image.h"

#include "layout/validate.h"
#include "render/render.h"
#include "thin_layout.h"

#include <inttypes.h>
#include <stdio.h>

#define TYPE_BYTES 0x400u // from one type object to the next
#define NAMES (STATIC + 0x1d000u)
#define KEYS (STATIC + 0x10000u)  // shared keys of class C
#define STRS (STATIC + 0x11000u)  // str objects "a", "b"
#define SLOTS (STATIC + 0x12000u) // tp_members of class S
#define ROOM (STATIC + 0x13000u)  // the interpreter's variables: pointers to HEAP
#define FUNCTION (STATIC + 0x1f000u)

// libFuzzer's; not there when driver.c runs the corpus.
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

// -- layouts

static const char *const layout_names[] = {"2.7",  "3.6",  "3.10", "3.11",   "3.12",
					   "3.13", "3.14", "3.15", "debian", "3.13t"};
#define LAYOUT_N (sizeof(layout_names) / sizeof(layout_names[0]))

static struct layout layouts[LAYOUT_N];

static const char *const struct_names[] = {
#define STRUCT(id, names, need) #id,
#include "layout/cpython.def"
};
static const char *const field_names[] = {
#define FIELD(id, struct_id, path, need) #id,
#include "layout/cpython.def"
};
static const enum struct_id field_structs[] = {
#define FIELD(id, struct_id, path, need) S_##struct_id,
#include "layout/cpython.def"
};
static const char *const symbol_names[] = {
#define SYMBOL(id, names, cu, need) #id,
#include "layout/cpython.def"
};
static const char *const members_names[] = {
#define MEMBERS(id, names, structs, cu) #id,
#include "layout/members.def"
};
static const char *const edge_names[] = {
#define EDGE(id, path, kind, label) #id "." path,
#include "layout/members.def"
};
static const char *const root_names[] = {
#define ROOT(struct_id, path, label) #struct_id "." path,
#include "layout/roots.def"
};

// The index of `name`, or -1: a row that is no longer there.
static int find_name(const char *const *names, uint64_t n, const char *name)
{
	for (uint64_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

#define FIND(names, name) find_name(names, sizeof(names) / sizeof((names)[0]), name)

static void set_row(struct layout *l, char kind, const char *name, const unsigned *x)
{
	const struct field f = {
		.found = true,
		.off = x[0],
		.size = x[1],
		.bit_off = (uint8_t)x[2],
		.bit_size = (uint8_t)x[3],
	};
	int i;

	if (kind == 'V')
		l->version = x[0];
	else if (kind == 'S' && (i = FIND(struct_names, name)) >= 0)
		l->struct_size[i] = x[0];
	else if (kind == 'M' && (i = FIND(members_names, name)) >= 0)
		l->members_size[i] = x[0];
	else if (kind == 'F' && (i = FIND(field_names, name)) >= 0)
		l->fields[i] = f;
	else if (kind == 'E' && (i = FIND(edge_names, name)) >= 0)
		l->edges[i] = f;
	else if (kind == 'R' && (i = FIND(root_names, name)) >= 0)
		l->roots[i] = f;
	else if (kind == 'Y' && (i = FIND(symbol_names, name)) >= 0)
		l->symbols[i] = ROOM + (unsigned)i * 256;
}

static const struct module interpreter = {
	.name = "/usr/bin/python",
	.start = STATIC,
	.end = STATIC + STATIC_BYTES,
};

/*
 * The states of interpreters and threads are up to 400 KB large: their members are moved
 * together, so that the input can hold them. make_seeds.py does the same.
 */
static void squeeze(struct layout *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FIELD_N; i++)
		if (field_structs[i] == S_PyInterpreterState || field_structs[i] == S_runtime ||
		    field_structs[i] == S_PyThreadState)
			l->fields[i].off = n++ * 8;
	for (unsigned i = 0; i < ROOT_ROW_N; i++)
		l->roots[i].off = i % n * 8;
}

static void read_layout(struct layout *l, const char *name)
{
	struct ccore_error err;
	char path[4096], line[256], row[128];
	unsigned x[4];
	char kind;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%.*s/layouts/%s",
		       (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
	f = fopen(path, "r");
	if (!f) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%c %127s %u %u %u %u", &kind, row, &x[0], &x[1], &x[2], &x[3]) ==
		    6)
			set_row(l, kind, row, x);
	(void)fclose(f); // it was only read
	l->origin = ORIGIN_DWARF;
	l->module = &interpreter;
	if (validate_layout(l, &err) < 0 || layout_set_version(l, l->version, &err) < 0) {
		(void)fprintf(stderr, "%s: %s: run make_layouts.py\n", path, err.text);
		exit(1);
	}
	l->symbols[SYM_SUBTYPE_DEALLOC] = FUNCTION;
	squeeze(l);
}

// -- the image of the interpreter

struct type_seed {
	const char *name;
	const char *structure; // that tp_basicsize is of; PyObject, or unknown here: 8 words more
	unsigned itemsize;
	unsigned flag; // TPFLAG_… of its own, or 0
	const char *base;
};

#define T(name, structure, itemsize, flag, base)       \
	{                                              \
		name, #structure, itemsize, flag, base \
	}

// "object" and "type" first. make_seeds.py knows a type by its place here.
static const struct type_seed type_seeds[] = {
	T("object", PyObject, 0, 0, NULL),
	T("type", PyHeapTypeObject, 40, TPFLAG_TYPE, "object"),
	T("dict", PyDictObject, 0, TPFLAG_DICT, "object"),
	T("list", PyListObject, 0, TPFLAG_LIST, "object"),
	T("tuple", PyVarObject, 8, TPFLAG_TUPLE, "object"),
	T("set", PySetObject, 0, 0, "object"),
	T("str", PyUnicodeObject, 0, TPFLAG_UNICODE, "object"),
	T("bytes", PyVarObject, 1, TPFLAG_BYTES, "object"),
	T("bytearray", PyByteArrayObject, 0, 0, "object"),
	T("int", PyVarObject, 4, TPFLAG_LONG, "object"),
	T("bool", PyVarObject, 4, TPFLAG_LONG, "int"),
	T("float", PyFloatObject, 0, 0, "object"),
	T("NoneType", PyObject, 0, 0, "object"),
	T("code", PyCodeObject, 1, 0, "object"),
	T("frame", PyFrameObject, 1, 0, "object"),
	T("generator", PyGenObject, 1, 0, "object"),
	T("module", PyModuleObject, 0, 0, "object"),
	T("function", PyFunctionObject, 0, 0, "object"),
	T("builtin_function_or_method", PyCFunctionObject, 0, 0, "object"),
	T("method", PyMethodObject, 0, 0, "object"),
	T("BaseException", PyBaseExceptionObject, 0, TPFLAG_BASE_EXC, "object"),
	T("weakref", PyWeakReference, 0, 0, "object"),
	T("traceback", PyTracebackObject, 0, 0, "object"),
	T("cell", PyCellObject, 0, 0, "object"),
	T("unicode", PyUnicodeObject, 0, TPFLAG_UNICODE, "object"),
	T("long", PyVarObject, 4, TPFLAG_LONG, "object"),
	T("instance", PyInstanceObject, 0, 0, "object"),
	T("classobj", PyClassObject, 0, 0, "object"),
	T("collections.deque", dequeobject, 0, 0, "object"),
	T("collections.OrderedDict", odictobject, 0, TPFLAG_DICT, "dict"),
	T("functools._lru_cache_wrapper", lru_cache_object, 0, 0, "object"),
	T("_io.BufferedReader", buffered, 0, 0, "object"),
	T("ext.Opaque", PyObject, 0, 0, "object"),
	T("C", PyObject, 0, TPFLAG_HEAPTYPE, "object"),
	T("S", PyObject, 0, TPFLAG_HEAPTYPE, "object"),
	T("V", PyVarObject, 8, TPFLAG_HEAPTYPE, "tuple"), // its dict is after its items
	T("", PyObject, 0, 0, "object"),
	T("_asyncio.Task", TaskObj, 0, 0, "object"),
	T("_asyncio.FutureIter", futureiterobject, 0, 0, "object"),
	T("asyncio.tasks.Task", PyObject, 0, TPFLAG_HEAPTYPE, "object"),
	T("coroutine", PyGenObject, 1, 0, "object"),
	T("OSError", PyOSErrorObject, 0, TPFLAG_BASE_EXC, "BaseException"),
	T("BaseExceptionGroup", PyBaseExceptionGroupObject, 0, TPFLAG_BASE_EXC, "BaseException"),
	T("structseq", PyVarObject, 8, TPFLAG_TUPLE, "tuple"),
	T("hamt_bitmap_node", PyVarObject, 8, 0, "object"),
	T("hamt_array_node", PyHamtNode_Array, 0, 0, "object"),
	T("hamt_collision_node", PyVarObject, 8, 0, "object"),
	T("itertools._tee_dataobject", teedata, 0, 0, "object"),
	T("itertools.combinations", combinations, 0, 0, "object"),
	T("itertools.permutations", permutations, 0, 0, "object"),
	T("itertools.product", product, 0, 0, "object"),
	T("_io.BytesIO", bytesio, 0, 0, "object"),
	T("array.array", arrayobject, 0, 0, "object"),
	T("datetime.datetime", datetime, 0, 0, "object"),
	T("datetime.time", time, 0, 0, "object"),
	T("xml.etree.ElementTree.Element", element, 0, 0, "object"),
	T("_elementtree._element_iterator", element_iterator, 0, 0, "object"),
	T("_queue.SimpleQueue", simple_queue, 0, 0, "object"),
	T("sqlite3.Connection", sqlite_connection, 0, 0, "object"),
	T("_struct.Struct", struct, 0, 0, "object"),
	T("_thread.lock", lockobject, 0, 0, "object"),
	T("_thread.RLock", rlockobject, 0, 0, "object"),
};
#define TYPE_N (sizeof(type_seeds) / sizeof(type_seeds[0]))

static uint8_t image[LAYOUT_N][STATIC_BYTES];

struct painter {
	const struct layout *l;
	uint8_t *image;
};

static void put(struct painter *p, addr_t at, uint64_t value, unsigned size)
{
	memcpy(p->image + (at - STATIC), &value, size < 8 ? size : 8);
}

static void put_field(struct painter *p, addr_t base, enum field_id f, uint64_t value)
{
	const struct field *fd = &p->l->fields[f];
	uint64_t x = 0;

	if (!fd->found)
		return;
	if (fd->bit_size) {
		memcpy(&x, p->image + (base - STATIC) + fd->off, fd->size < 8 ? fd->size : 8);
		value = x | value << fd->bit_off;
	}
	put(p, base + fd->off, value, fd->size);
}

static addr_t type_addr(const char *name)
{
	for (uint64_t i = 0; name && i < TYPE_N; i++)
		if (strcmp(type_seeds[i].name, name) == 0)
			return STATIC + i * TYPE_BYTES;
	return 0;
}

static void paint_str(struct painter *p, addr_t at, const char *text)
{
	const bool old = !layout_has(p->l, F_STR_LENGTH);
	const uint64_t n = strlen(text);
	addr_t data = at + p->l->struct_size[S_PyASCIIObject];

	put_field(p, at, F_OB_TYPE, type_addr("str"));
	if (old) {
		put_field(p, at, F_OB_SIZE, n);
		data = at + layout_off(p->l, F_BYTES_SVAL);
	}
	put_field(p, at, F_STR_LENGTH, n);
	put_field(p, at, F_STR_KIND, 1);
	put_field(p, at, F_STR_COMPACT, 1);
	put_field(p, at, F_STR_ASCII, 1);
	put_field(p, at, F_STR_READY, 1);
	memcpy(p->image + (data - STATIC), text, n);
}

static void paint_keys(struct painter *p)
{
	const struct layout *l = p->l;
	const bool unicode = layout_has(l, F_UENTRY_KEY);
	const uint32_t stride = l->struct_size[unicode ? S_PyDictUnicodeEntry : S_PyDictKeyEntry];

	paint_str(p, STRS, "a");
	paint_str(p, STRS + 128, "b");
	if (!layout_has(l, F_DK_NENTRIES))
		return;
	put_field(p, KEYS, F_DK_REFCNT, 1);
	put_field(p, KEYS, F_DK_SIZE, 8);
	put_field(p, KEYS, F_DK_LOG2_SIZE, 3);
	put_field(p, KEYS, F_DK_LOG2_INDEX_BYTES, 3);
	put_field(p, KEYS, F_DK_KIND, 2);
	put_field(p, KEYS, F_DK_NENTRIES, 2);
	for (unsigned i = 0; i < 2; i++)
		put(p,
		    KEYS + layout_off(l, F_DK_INDICES) + 8 + i * stride +
			    layout_off(l, unicode ? F_UENTRY_KEY : F_ENTRY_KEY),
		    STRS + i * 128, 8);
}

static void paint_slots(struct painter *p)
{
	for (unsigned i = 0; i < 2; i++) {
		const addr_t at = SLOTS + i * p->l->struct_size[S_PyMemberDef];

		put_field(p, at, F_MEMBER_NAME, NAMES);
		put_field(p, at, F_MEMBER_TYPE, 16); // T_OBJECT_EX
		put_field(p, at, F_MEMBER_OFFSET, 16 + i * 8);
	}
}

static uint64_t flags_of(const struct layout *l, const struct type_seed *t)
{
	uint64_t flags = 1u << TPFLAG_HAVE_GC;

	if (t->flag)
		flags |= 1ull << t->flag;
	if (strcmp(t->name, "C") == 0)
		flags |= (uint64_t)l->facts[FACT_FLAG_MANAGED_DICT] |
			 (uint64_t)l->facts[FACT_FLAG_INLINE_VALUES];
	return flags;
}

static void paint_type(struct painter *p, uint64_t i)
{
	const struct type_seed *t = &type_seeds[i];
	const struct layout *l = p->l;
	const addr_t at = STATIC + i * TYPE_BYTES, name = NAMES + i * 64;
	const bool heap = t->flag == TPFLAG_HEAPTYPE;
	const int structure = FIND(struct_names, t->structure);
	uint64_t basicsize = structure < 0 ? 0 : l->struct_size[structure];
	int64_t dictoffset = 0;

	if (!basicsize || (structure == S_PyObject && i))
		basicsize = l->struct_size[S_PyObject] + 64;
	if (strcmp(t->name, "C") == 0)
		dictoffset = l->facts[FACT_MANAGED] == MANAGED_NONE ? 16 : -1;
	if (strcmp(t->name, "V") == 0)
		dictoffset = -8;
	(void)snprintf((char *)p->image + (name - STATIC), 64, "%s", t->name);
	put_field(p, at, F_OB_REFCNT, 1);
	put_field(p, at, F_OB_REF_LOCAL, 1);
	put_field(p, at, F_OB_TYPE, type_addr("type"));
	put_field(p, at, F_TP_NAME, name);
	put_field(p, at, F_TP_BASICSIZE, basicsize);
	put_field(p, at, F_TP_ITEMSIZE, t->itemsize);
	put_field(p, at, F_TP_FLAGS, flags_of(l, t));
	put_field(p, at, F_TP_BASE, type_addr(t->base));
	put_field(p, at, F_TP_TRAVERSE, FUNCTION);
	if (strcmp(t->name, "structseq") == 0) // which the class dict tells
		put_field(p, at, F_TP_DICT, HEAP);
	put_field(p, at, F_TP_DICTOFFSET, (uint64_t)dictoffset);
	if (!heap)
		return;
	put_field(p, at, F_TP_DEALLOC, FUNCTION);
	put_field(p, at, F_HT_NAME, STRS);
	put_field(p, at, F_HT_QUALNAME, STRS);
	put_field(p, at, F_HT_CACHED_KEYS, KEYS);
	if (strcmp(t->name, "S") == 0)
		put_field(p, at, F_TP_MEMBERS, SLOTS);
}

// A tp_traverse that visits each of four words that is not zero.
static void paint_function(struct painter *p)
{
	static const uint8_t begin[] = {
		0x53, 0x41, 0x54, 0x41, 0x55,	    // push %rbx; push %r12; push %r13
		0x48, 0x89, 0xfb, 0x49, 0x89, 0xf4, // mov %rdi,%rbx; mov %rsi,%r12
		0x49, 0x89, 0xd5,		    // mov %rdx,%r13
	};
	static const uint8_t word[] = {
		0x48, 0x8b, 0x7b, 0x10,		    // mov 0x10(%rbx),%rdi
		0x48, 0x85, 0xff, 0x74, 0x06,	    // test %rdi,%rdi; je behind
		0x4c, 0x89, 0xee, 0x41, 0xff, 0xd4, // mov %r13,%rsi; call *%r12
	};
	static const uint8_t end[] = {
		0x31, 0xc0, 0x41, 0x5d, // xor %eax,%eax; pop %r13
		0x41, 0x5c, 0x5b, 0xc3, // pop %r12; pop %rbx; ret
	};
	uint8_t *to = p->image + (FUNCTION - STATIC);

	memcpy(to, begin, sizeof(begin));
	to += sizeof(begin);
	for (unsigned i = 0; i < 4; i++, to += sizeof(word)) {
		memcpy(to, word, sizeof(word));
		to[3] = (uint8_t)(0x10 + i * 8);
	}
	memcpy(to, end, sizeof(end));
}

// Every symbol's variable leads to the start of the input.
static void paint_image(struct layout *l, uint8_t *bytes)
{
	struct painter p = {l, bytes};

	for (unsigned i = 0; i < SYMBOL_N; i++)
		if (l->symbols[i] >= ROOM)
			for (unsigned k = 0; k < 32; k++)
				put(&p, l->symbols[i] + k * 8, HEAP, 8);
	l->symbols[SYM_TYPE_TYPE] = type_addr("type");
	if (l->symbols[SYM_INSTANCE_TYPE27])
		l->symbols[SYM_INSTANCE_TYPE27] = type_addr("instance");
	for (uint64_t i = 0; i < TYPE_N; i++)
		paint_type(&p, i);
	paint_keys(&p);
	paint_slots(&p);
	paint_function(&p);
	put_field(&p, l->symbols[SYM_NONE], F_OB_TYPE, type_addr("NoneType"));
}

// Once for each layout.
static void init(unsigned i)
{
	static bool done[LAYOUT_N];

	if (!done[i]) {
		read_layout(&layouts[i], layout_names[i]);
		paint_image(&layouts[i], image[i]);
	}
	done[i] = true;
}

// -- memory

struct heap_bytes {
	uint8_t *parts[2]; // of malloc, so that a read past the end is seen
	uint64_t sizes[2];
};

// Reads of the part that it stands for; every eighth page of what it is asked for is gone.
static int64_t read_part(void *ctx, uint64_t addr, void *buf, uint64_t n)
{
	const struct heap_bytes *b = ctx;

	if (addr > b->sizes[1] || n > b->sizes[1] - addr || addr / 64 % 8 == 7)
		return -1;
	if (n)
		memcpy(buf, b->parts[1] + addr, n);
	return (int64_t)n;
}

static void close_part(void *ctx)
{
	(void)ctx; // the caller's
}

static const struct mem_source_ops part_ops = {"test", read_part, close_part};

static bool map_heap(struct mem *m, struct heap_bytes *b, const uint8_t *data, uint64_t size,
		     unsigned how)
{
	struct mem_source *source = NULL;

	b->sizes[0] = how & (IN_TWO | BY_CALLBACK) ? size / 16 * 8 : size;
	b->sizes[1] = size - b->sizes[0];
	for (unsigned i = 0; i < 2; i++) {
		b->parts[i] = malloc(b->sizes[i] + 1);
		if (!b->parts[i])
			return false;
		if (b->sizes[i])
			memcpy(b->parts[i], data + (i ? b->sizes[0] : 0), b->sizes[i]);
	}
	if (how & BY_CALLBACK && mem_own_source(m, &part_ops, b, &source, NULL) < 0)
		return false;
	return mem_add(m, HEAP, b->sizes[0], b->parts[0], NULL, 0, NULL) == 0 &&
	       mem_add(m, HEAP + b->sizes[0], b->sizes[1], source ? NULL : b->parts[1], source, 0,
		       NULL) == 0;
}

// -- a session

// How memory is mapped, and the emulator, are as `how` has it.
static bool open_heap(struct session *s, struct heap_bytes *b, unsigned choice, const uint8_t *data,
		      uint64_t size, unsigned how)
{
	const unsigned layout = choice % LAYOUT_N;
	const struct progress none = {0};
	struct heap *h = &s->heap;
	struct mem *m = &s->target.mem;

	s->target.kind = TARGET_MEMORY;
	h->target = &s->target;
	h->layout = layouts[layout];
	thin_out(&h->layout, choice / LAYOUT_N);
	h->thread_n = 1;
	h->opts.max_bytes = 64u << 20;
	h->readers = calloc(1, sizeof(*h->readers));
	if (!h->readers || mem_add(m, STATIC, STATIC_BYTES, image[layout], NULL, 0, NULL) < 0 ||
	    !map_heap(m, b, data, size, how) || mem_freeze(m, NULL) < 0 ||
	    py_open(&h->py, &h->layout, m, NULL) < 0) {
		free(h->readers);
		return false;
	}
	h->py.redact = how & REDACTED;
	h->py.max_bytes = h->opts.max_bytes;
	emu_env_init(&h->emu, &s->target, &none);
	if (how & EMULATED && emu_is_available(&h->emu))
		h->py.emu = &h->emu;
	h->py.static_types[0] = layout_has(&h->layout, F_IS_STATIC_TYPES) ? HEAP : 0;
	py_reader_init(h->readers, &h->py);
	return true;
}

static void look_around(struct session *s, image_look *look, uint64_t size, unsigned how)
{
	struct mapping mappings[] = {
		{.start = STATIC, .end = STATIC + STATIC_BYTES, .name = ""},
		{.start = HEAP, .end = HEAP + HEAP_BYTES_MAX, .name = ""},
	};
	struct module modules[] = {interpreter, {.name = "ext.so", .start = HEAP + 1024}};
	struct heap *h = &s->heap;

	modules[1].end = how & IN_INPUT ? HEAP + 2048 : HEAP + 1024;
	s->target.mappings.data = mappings;
	s->target.mappings.n = 2;
	s->target.modules.data = modules;
	s->target.modules.n = 2;
	s->target.debug_dirs = "";
	h->symbols.target = &s->target;
	look(s, size, how);
	symbol_index_done(&h->symbols);
	s->target.threads.data = NULL;
	s->target.threads.n = 0;
	s->target.mappings.data = NULL;
	s->target.mappings.n = 0;
	s->target.modules.data = NULL;
	s->target.modules.n = 0;
}

void image_run(const uint8_t *data, size_t size, image_look *look)
{
	const unsigned choice = size ? data[0] : 0, how = size > 1 ? data[1] : 0;
	static uint8_t page[HEAP_BYTES_MAX];
	struct heap_bytes bytes = {0};
	struct session *s = calloc(1, sizeof(*s));

	init(choice % LAYOUT_N);
	size = size > 2 ? size - 2 : 0;
	if (size > HEAP_BYTES_MAX)
		size = HEAP_BYTES_MAX;
	if (!s)
		return;
	data += size ? 2 : 0;
	if (how & EMULATED) { // an emulator has whole pages
		memset(page, 0, sizeof(page));
		memcpy(page, data, size);
		data = page;
		size = sizeof(page);
	}
	if (open_heap(s, &bytes, choice, data, size, how)) {
		look_around(s, look, size, how);
		graph_done(&s->graph);
		residue_done(&s->residue);
		unreachable_done(&s->unreachable);
		heap_close(&s->heap);
	}
	target_done(&s->target);
	free(bytes.parts[0]);
	free(bytes.parts[1]);
	free(s);
}

// -- commands

static int begin(struct sink *sink, const char *path, struct ccore_error *err)
{
	(void)sink, (void)path, (void)err; // nothing is kept
	return 0;
}

static int forget(struct sink *sink, const char *data, uint64_t n, struct ccore_error *err)
{
	(void)sink, (void)data, (void)n, (void)err; // nothing is kept
	return 0;
}

static int end(struct sink *sink, int status, struct ccore_error *err)
{
	(void)sink, (void)err; // nothing was kept
	return status;
}

void image_ask(struct session *s, const char *const *argv, uint64_t argc)
{
	struct sink sink = {render_object_line, begin, forget, end};
	struct ccore_result *result;

	if (command_run(s, argv, argc, &sink, &result, NULL) == 0)
		result_free(result);
}

// -- mutation by words: bytes alone seldom make a pointer

static uint64_t some_word(uint64_t *state, size_t size)
{
	static const uint64_t words[] = {
		0,	    1,		2,	  3,	8,    255,  INT64_MAX, (uint64_t)INT64_MIN,
		UINT64_MAX, UINT32_MAX, 1u << 20, KEYS, STRS, SLOTS};

	switch (next_random(state) % 4) {
	case 0:
		return STATIC + next_random(state) % TYPE_N * TYPE_BYTES;
	case 1:
		return HEAP + next_random(state) % (size | 1) / 8 * 8;
	case 2:
		return words[next_random(state) % (sizeof(words) / sizeof(words[0]))];
	default:
		return next_random(state) % 64;
	}
}

size_t image_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint64_t state = seed, word;

	if (size < 16 || next_random(&state) % 3 == 0)
		return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, max) : size;
	for (uint64_t n = next_random(&state) % 4; n < 4; n++) {
		word = some_word(&state, size);
		memcpy(data + 2 + next_random(&state) % ((size - 2) / 8) * 8, &word, 8);
	}
	return size;
}
