// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/heap.h"

#include "heap/gc_bits.h"
#include "heap/self_test.h"
#include "layout/debug_offsets.h"
#include "layout/python_version.h"
#include "py/redact.h"
#include "runtime/core_types.h"

#include <stdlib.h>

// Code that is emulated runs on a thread of Python's, best on the one that the target stopped in.
static void set_current_thread(struct heap *h)
{
	const struct target *t = h->target;

	for (uint64_t i = 0; i < t->threads.n; i++)
		for (uint64_t k = 0; k < h->runtime.threads.n; k++)
			if (t->threads.data[i].fs_base == h->runtime.threads.data[k].thread_id) {
				h->emu.thread_pointer = t->threads.data[i].fs_base;
				h->emu.prepare = h->layout.symbols[SYM_THREAD_SWAP];
				h->emu.prepare_arg = h->runtime.threads.data[k].addr;
				return;
			}
}

static int make_readers(struct heap *h, struct ccore_error *err)
{
	h->readers = calloc(h->thread_n, sizeof(*h->readers));
	if (!h->readers)
		return err_nomem(err);
	for (uint32_t i = 0; i < h->thread_n; i++) {
		py_reader_init(&h->readers[i], &h->py);
		h->readers[i].reports = i == 0;
	}
	return h->opts.redact ? redact_begin(&h->py, err) : 0;
}

// Without the interpreter's file its code is not there, unless the core has it.
static void need_code(struct heap *h)
{
	const struct target *t = h->target;

	if (t->kind != TARGET_CORE || h->layout.module->file || !h->py.emu)
		return;
	h->emu.why_not = "the interpreter's code is not here";
	h->py.emu = NULL;
}

// Where sys does not tell the version, the interpreter's own variable does, or a text among others.
static int read_runtime(struct heap *h, uint32_t version, struct ccore_error *err)
{
	struct layout *l = &h->layout;
	struct py_reader *r = heap_reader(h);
	const addr_t own = l->symbols[SYM_PY_VERSION];
	struct ccore_error first;
	int status;

	if (!version && own)
		version = python_version_find(h->target, l->module, own);
	status = runtime_read(&h->runtime, r, l, version, &first);
	if (status == CCORE_EDAMAGED && !version) {
		version = python_version_find(h->target, l->module, 0);
		if (version)
			return runtime_read(&h->runtime, r, l, version, err);
	}
	if (status < 0 && err)
		*err = first;
	return status;
}

static void close_what_is_open(struct heap *h)
{
	heap_close(h);
	*h = (struct heap){
		.target = h->target,
		.opts = h->opts,
		.thread_n = h->thread_n,
		.self_words = h->self_words,
	};
}

// With h->layout, which may turn out to be that of another build. On failure all is closed.
static int open_with(struct heap *h, uint32_t version, struct ccore_error *err)
{
	const bool is_sure = h->layout.origin == ORIGIN_DWARF;
	int r = py_open(&h->py, &h->layout, &h->target->mem, err);

	if (r < 0)
		return r;
	emu_env_init(&h->emu, h->target, &h->opts.progress);
	if (emu_is_available(&h->emu))
		h->py.emu = &h->emu;
	h->py.max_bytes = h->opts.max_bytes;
	heap_begin_command(h);
	r = make_readers(h, err);
	if (r == 0 && !is_sure)
		r = search_interpreter(&h->layout, h->target, &h->self_words, heap_reader(h), err);
	if (r == 0)
		need_code(h);
	if (r == 0 && h->layout.origin == ORIGIN_NEAREST)
		debug_offsets_apply(&h->layout, &h->target->mem);
	if (r == 0)
		r = read_runtime(h, version, err);
	if (r == 0 && !is_sure)
		r = self_test(&h->runtime, heap_reader(h), h->target, version, err);
	// The version may have been found nowhere but in the sys module.
	if (h->layout.origin == ORIGIN_TABLE &&
	    h->layout.version >> 8 != h->layout.table_version >> 8)
		h->layout.origin = ORIGIN_NEAREST;
	h->runtime.target = h->target;
	h->symbols.target = h->target;
	h->runtime.symbols = &h->symbols;
	if (r == 0 && !is_sure) {
		search_statics(&h->layout, &h->runtime, heap_reader(h));
		r = runtime_read_again(&h->runtime, heap_reader(h), err);
	}
	if (r == 0)
		search_type_names(&h->runtime, heap_reader(h));
	if (r == 0)
		(void)core_types_check(&h->runtime, heap_reader(h)); // it is damage
	if (r == 0)
		set_current_thread(h);
	if (r == 0)
		r = roots_find(&h->roots, &h->runtime, heap_reader(h), err);
	if (r < 0)
		close_what_is_open(h);
	return r;
}

// A layout that is not the target's shows by these; others are of no use either.
static bool may_be_layout(int status)
{
	return status == CCORE_ELAYOUT || status == CCORE_EDAMAGED || status == CCORE_ENOPYTHON ||
	       status == CCORE_EFAULT || status == CCORE_EUNSUPPORTED;
}

static int nothing_fits(const struct layout_choices *c, const struct ccore_error *first,
			struct ccore_error *err)
{
	return err_set(err, c->no_dwarf.code, c->no_dwarf.addr,
		       "%s; of the layouts that necropy brings none fits: %.160s", c->no_dwarf.text,
		       first->text);
}

static int open_choice(struct heap *h, const struct layout_choices *c, uint32_t i,
		       struct ccore_error *err)
{
	TRY(layout_choice(c, i, &h->layout, err));
	return open_with(h, c->version, err);
}

static int open_certain(struct heap *h, const struct layout_choices *c, struct ccore_error *err)
{
	int r;

	TRY(layout_choice(c, 0, &h->layout, err));
	r = open_with(h, 0, err);
	return r < 0 && c->base.origin == ORIGIN_FILE
		       ? err_prefix(err, r, "with the layout in %s", h->opts.layout_file)
		       : r;
}

// The next choice after `i` that is of `version`; c->n when there is none.
static uint32_t next_of_version(const struct layout_choices *c, uint32_t i, uint32_t version)
{
	do
		i++;
	while (i < c->n && layout_choice_version(c, i) >> 8 != version >> 8);
	return i;
}

/*
 * The first that fits; one that is said to be of another build only where no other of the same
 * version is of this one.
 */
static int open_any(struct heap *h, const struct layout_choices *c, struct ccore_error *err)
{
	struct ccore_error first = {0}, next = {0};
	uint32_t nearest = c->n, version = 0;
	int r;

	for (uint32_t i = 0; i < c->n;) {
		struct ccore_error *e = i ? &next : &first;

		r = open_choice(h, c, i, e);
		if (r < 0 && !may_be_layout(r)) {
			if (err)
				*err = *e;
			return r;
		}
		if (r == 0 && h->layout.origin != ORIGIN_NEAREST)
			return 0;
		if (r == 0 && nearest == c->n) {
			nearest = i;
			version = h->layout.version;
			if (next_of_version(c, i, version) == c->n)
				return 0;
		}
		if (r == 0)
			close_what_is_open(h);
		i = nearest == c->n ? i + 1 : next_of_version(c, i, version);
	}
	return nearest < c->n ? open_choice(h, c, nearest, err) : nothing_fits(c, &first, err);
}

static int open_by(struct heap *h, const struct layout_choices *c, struct ccore_error *err)
{
	return c->is_certain ? open_certain(h, c, err) : open_any(h, c, err);
}

// A program that does not run: only its types are of interest.
static int open_program(struct heap *h, const struct layout_choices *c, struct ccore_error *err)
{
	const struct target *t = h->target;

	TRY(layout_choice(c, 0, &h->layout, err));
	TRY(py_open(&h->py, &h->layout, &t->mem, err));
	TRY(make_readers(h, err));
	h->layout.version =
		python_version_find(t, h->layout.module, h->layout.symbols[SYM_PY_VERSION]);
	return 0;
}

/*
 * Extension modules may have brought a second interpreter along, which never ran: where none runs
 * in one file, the next is tried. The error is that of the first.
 */
static int open_next(struct heap *h, struct layout_choices *c, const struct layout_opts *first,
		     int status)
{
	struct layout_opts opts = *first;

	while (may_be_layout(status) && ++opts.skip < LIM_INTERPRETER_FILES) {
		struct ccore_error unused;

		if (layout_choices_find(c, h->target, &opts, &unused) < 0)
			break;
		if (open_by(h, c, &unused) == 0)
			return 0;
	}
	return status;
}

int heap_open(struct heap *h, const struct target *t, const struct heap_opts *opts,
	      struct ccore_error *err)
{
	const struct layout_opts layout_opts = {
		.no_cache = opts->no_cache,
		.file = opts->layout_file,
	};
	struct layout_choices *choices = malloc(sizeof(*choices));
	int r;

	if (!choices)
		return err_nomem(err);
	*h = (struct heap){
		.target = t,
		.opts = *opts,
		// Memory that is read through callbacks is read on the calling thread.
		.thread_n = mem_is_direct(&t->mem) ? opts->threads : 1,
	};
	r = layout_choices_find(choices, t, &layout_opts, err);
	if (r == 0 && t->kind == TARGET_PROGRAM) {
		r = open_program(h, choices, err);
	} else if (r == 0) {
		r = open_by(h, choices, err);
		if (r < 0)
			r = open_next(h, choices, &layout_opts, r);
		if (r == 0)
			h->other_interpreter = layout_other_interpreter(&h->layout, t);
	}
	vec_done(&h->self_words.at);
	free(choices);
	return r;
}

void heap_close(struct heap *h)
{
	free(h->node_addr);
	free(h->node_type);
	free(h->node_flags);
	addrset_done(&h->set);
	addrset_done(&h->reached);
	addrset_done(&h->guessed);
	pymalloc_done(&h->universe.pymalloc);
	glibc_malloc_done(&h->universe.malloc);
	gc_objects_done(&h->gc);
	roots_done(&h->roots);
	symbol_index_done(&h->symbols);
	runtime_done(&h->runtime);
	for (uint32_t i = 0; h->readers && i < h->thread_n; i++)
		py_reader_done(&h->readers[i]);
	free(h->readers);
	py_close(&h->py);
}

void heap_drop_gc(struct heap *h)
{
	gc_objects_done(&h->gc);
	h->has_public_gc = false;
}

// A walk that was cancelled leaves nothing behind.
static int keep_gc(struct heap *h, int status)
{
	if (status < 0)
		heap_drop_gc(h);
	return status;
}

int heap_walk_public_gc(struct heap *h, struct ccore_error *err)
{
	if (h->has_public_gc)
		return 0;
	h->has_public_gc = true;
	return gc_walk_public(&h->gc, &h->runtime, heap_reader(h), &h->opts.progress, err);
}

static int need_public_gc(struct heap *h, struct ccore_error *err)
{
	return keep_gc(h, heap_walk_public_gc(h, err));
}

int heap_need_gc(struct heap *h, struct ccore_error *err)
{
	if (h->has_gc)
		return 0;
	TRY(need_public_gc(h, err));
	TRY(keep_gc(h, gc_walk_rest(&h->gc, &h->runtime, heap_reader(h), h->target,
				    &h->opts.progress, err)));
	h->has_gc = true;
	return 0;
}

int heap_need_untracked(struct heap *h, struct ccore_error *err)
{
	if (h->has_untracked)
		return 0;
	TRY(heap_need_gc(h, err));
	h->has_gc = false; // for whoever comes after a failure
	TRY(keep_gc(
		h, gc_walk_untracked(&h->gc, &h->runtime, heap_reader(h), &h->opts.progress, err)));
	h->has_gc = true;
	h->has_untracked = true;
	return 0;
}

int heap_find_malloc(struct heap *h, const struct pymalloc *p, struct glibc_malloc *ret,
		     struct ccore_error *err)
{
	struct known_range *skip = calloc(p->arenas.n + 1, sizeof(*skip));
	int status;

	if (!skip)
		return err_nomem(err);
	for (uint64_t i = 0; i < p->arenas.n; i++)
		skip[i] = (struct known_range){p->arenas.data[i].start, p->arenas.data[i].stop};
	status = glibc_malloc_find(ret, h->target, skip, p->arenas.n, &heap_reader(h)->damage, err);
	free(skip);
	return status;
}

bool heap_node(const struct heap *h, addr_t addr, uint32_t *ret)
{
	return addrset_id(&h->set, addr, ret) && !(h->node_flags[*ret] & NODE_BAD);
}

bool heap_refcount(struct heap *h, uint32_t id, uint64_t *ret)
{
	struct py_reader *r = heap_reader(h);
	struct py_object o;
	bool immortal;

	if (!py_object_open(r, h->node_addr[id], &o))
		return false;
	*ret = py_refcount(r, &o, &immortal);
	return !immortal && !py_refcount_is_static(r, &o);
}

uint32_t heap_refcount_start(struct heap *h, uint32_t id)
{
	struct py_reader *r = heap_reader(h);
	const addr_t addr = h->node_addr[id];
	uint32_t n = 0;
	struct py_object o;

	if (target_module_at(h->target, addr)) // a static object's begins with one
		n++;
	if (gc_sees_untracked(&h->layout) && py_object_open(r, addr, &o) && gc_bits_deferred(r, &o))
		n += (uint32_t)h->layout.facts[FACT_DEFERRED_REFS];
	return n;
}

bool heap_is_static_type(const struct heap *h, uint32_t id)
{
	uint64_t flags;

	return id < h->node_n && heap_node_type(h, id)->flags & TYPE_IS_TYPE &&
	       mem_read_u64(h->py.mem, h->node_addr[id] + layout_off(&h->layout, F_TP_FLAGS),
			    &flags) == 0 &&
	       !(flags >> TPFLAG_HEAPTYPE & 1);
}

void heap_damage(const struct heap *h, struct damage *ret)
{
	*ret = h->target->damage;
	for (uint32_t i = 0; i < h->thread_n; i++)
		damage_merge(ret, &h->readers[i].damage);
}

static struct heap_allowance allowance(const struct heap *h)
{
	const uint64_t words = h->target->mem.bytes / 8;

	return (struct heap_allowance){
		.words = words * LIM_EDGES_PER_WORD,
		.steps = (int64_t)(LIM_EMU_PASS_STEPS + words * LIM_EMU_PASS_STEPS_WORD),
	};
}

// A heap whose code has once taken all the steps there were is not given as many again.
#define SPENT_SHARE 8

void heap_limit_edges(struct heap *h)
{
	const struct heap_allowance all = allowance(h);

	for (uint32_t i = 0; i < h->thread_n; i++)
		h->readers[i].edges.left = all.words;
	h->has_spent |= h->py.emu_left < 0;
	h->py.emu_left = h->has_spent ? all.steps / SPENT_SHARE : all.steps;
}

void heap_begin_command(struct heap *h)
{
	h->singly = allowance(h);
	h->has_spent = false;
	for (uint32_t i = 0; h->readers && i < h->thread_n; i++)
		py_reader_begin(&h->readers[i]);
	h->py.emu_left = h->singly.steps;
}
