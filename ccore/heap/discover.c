// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the objects that only references lead to. Threads take pieces of what is known
 * already, and the roots; each visits its objects, adds what they refer to and visits that too,
 * with a stack of its own. The set of addresses is shared. What only guesses lead to comes last.
 */
#include "heap/discover.h"

#include "py/block.h"
#include "util/parallel.h"

#define PIECE 4096u	// objects that a thread takes at once
#define POLL_STEP 4096u // objects visited from one asking whether to go on to the next

struct discovery {
	struct heap *h;
	const addr_t *known;
	uint64_t known_n;
	_Atomic uint64_t next; // first known object not yet taken
	_Atomic uint64_t done;
	_Atomic int stop; // the status of a thread that failed, or 0
	struct ccore_error *err;
	pthread_mutex_t lock; // of what follows
	VEC(addr_t) guesses;  // of all threads
};

// One thread's part.
struct finder {
	struct discovery *d;
	struct py_reader *r;
	VEC(addr_t) todo;	     // added, not yet visited
	VEC(addr_t) guesses;	     // what guessed references lead to, for later
	addr_t emulate[PY_PREFETCH]; // added, to be visited together
	uint32_t emulate_n;
	uint64_t added_n;
	bool reports;  // on the calling thread, to which the callback belongs
	bool guessing; // what is added now, only guesses lead to
	struct edge_sink before;
	int status;
};

static int fail(struct finder *f, int status)
{
	int none = 0;

	f->status = status;
	atomic_compare_exchange_strong(&f->d->stop, &none, status);
	return status;
}

// 1 when `addr` is new, 0 when it was known.
static int add(struct finder *f, addr_t addr)
{
	struct heap *h = f->d->h;
	const int added = addrset_add(&h->set, addr);

	if (added <= 0)
		return added;
	f->added_n++;
	return addrset_add(f->guessing ? &h->guessed : &h->reached, addr);
}

// An address that something refers to: add it if it is an object.
static void consider(struct finder *f, const struct edge *e)
{
	struct addrset *set = &f->d->h->set;
	const struct py_type *type;
	int added;

	if (e->kind == EDGE_BORROWED || addrset_has(set, e->to))
		return;
	if (e->kind == EDGE_GUESS) {
		if (!vec_push(&f->guesses, e->to))
			fail(f, CCORE_ENOMEM);
		return;
	}
	type = py_type_of(f->r, e->to);
	if (!type) {
		if (f->r->py->out_of_memory)
			fail(f, CCORE_ENOMEM);
		else if (e->kind != EDGE_WEAK)
			damage_note(&f->r->damage, DAMAGE_UNREADABLE_TYPE, e->to);
		return;
	}
	added = add(f, e->to);
	if (added < 0 || (added && !(type->flags & TYPE_LEAF) && !vec_push(&f->todo, e->to)))
		fail(f, CCORE_ENOMEM);
}

// Edges of many objects at once, in passes, so that the cache misses of each pass overlap:
// is it known; if not, what does its header say.
static void take_edges(struct edge_buffer *b)
{
	struct finder *f = b->sink.ctx;
	const struct addrset *set = &f->d->h->set;

	for (uint32_t i = 0; i < b->n; i++)
		__builtin_prefetch(addrset_slot(set, b->items[i].to));
	for (uint32_t i = 0; i < b->n; i++)
		if (!addrset_has(set, b->items[i].to))
			__builtin_prefetch(mem_lens_span(&f->r->lens, b->items[i].to, 16));
	for (uint32_t i = 0; i < b->n; i++)
		consider(f, &b->items[i]);
}

static void visit_emulated(struct finder *f)
{
	const uint32_t n = f->emulate_n;
	struct py_object o;

	py_prefetch(f->r, f->emulate, n);
	f->emulate_n = 0;
	for (uint32_t i = 0; i < n; i++)
		if (py_object_open(f->r, f->emulate[i], &o))
			py_visit(f->r, &o);
}

static void visit_at(struct finder *f, addr_t addr)
{
	struct py_object o;

	if (!py_object_open(f->r, addr, &o)) {
		damage_note(&f->r->damage, DAMAGE_UNREADABLE_OBJECT, addr);
	} else if (!py_wants_prefetch(f->r, o.type, addr)) {
		py_visit(f->r, &o);
	} else {
		f->emulate[f->emulate_n++] = addr;
		if (f->emulate_n == PY_PREFETCH)
			visit_emulated(f);
	}
}

// One object may lead to all others, so this is asked while they are visited.
static int poll(struct finder *f)
{
	struct discovery *d = f->d;

	if (f->reports && progress_report(&d->h->opts.progress, "finding objects",
					  atomic_load(&d->done), d->known_n, d->err) < 0)
		return fail(f, CCORE_ECANCELED);
	return atomic_load(&d->stop);
}

static int visit_todo(struct finder *f)
{
	for (uint64_t n = 1; f->status == 0; n++) {
		if (!f->todo.n)
			edge_flush(&f->r->edges);
		if (!f->todo.n)
			break;
		visit_at(f, vec_pop(&f->todo));
		if (n % POLL_STEP == 0)
			TRY(poll(f));
	}
	return f->status;
}

// All that is left over for later.
static int visit_rest(struct finder *f)
{
	while (f->status == 0 && f->emulate_n) {
		visit_emulated(f);
		TRY(visit_todo(f));
	}
	return f->status;
}

static int visit_piece(struct finder *f, const addr_t *objects, uint64_t n)
{
	for (uint64_t i = 0; i < n && f->status == 0; i++) {
		if (i + 8 < n)
			__builtin_prefetch(mem_lens_span(&f->r->lens, objects[i + 8], 16));
		visit_at(f, objects[i]);
	}
	return visit_todo(f);
}

static int visit_roots(struct finder *f)
{
	const struct heap *h = f->d->h;

	for (uint64_t i = 0; i < h->roots.all.n; i++)
		root_visit(f->r, &h->runtime, &h->roots.all.data[i]);
	TRY(visit_todo(f));
	return visit_rest(f);
}

// Types that nothing refers to but their instances: each may lead to others. When all threads
// are done, so that the answer does not depend on which was faster.
static int visit_types(struct finder *f)
{
	const struct py *py = &f->d->h->py;

	for (uint64_t i = 0; i < py->types.n; i++) {
		const struct edge e = {.to = py->types.data[i]->addr, .kind = EDGE_OWN};

		if (type_is_alive(f->r, e.to))
			consider(f, &e);
		TRY(visit_todo(f));
		TRY(visit_rest(f));
	}
	return f->status;
}

static int visit_known(struct finder *f)
{
	struct discovery *d = f->d;
	const uint64_t n = d->known_n;

	while (!atomic_load(&d->stop)) {
		const uint64_t first = atomic_fetch_add(&d->next, PIECE);

		if (first >= n)
			break;
		TRY(visit_piece(f, d->known + first, n - first < PIECE ? n - first : PIECE));
		atomic_fetch_add(&d->done, PIECE);
		TRY(poll(f));
	}
	return visit_rest(f);
}

// -- what only guesses lead to

// Stale words lead to freed objects, whose refcount is 0 or has become a free list's link.
static bool has_plausible_refcount(struct finder *f, const struct py_object *o)
{
	const struct layout *l = f->r->layout;
	bool immortal;
	const uint64_t n = py_refcount(f->r, o, &immortal);

	// What follows a count of 32 bits tells it from half of an address.
	if (!immortal && !layout_has(l, F_OB_REF_LOCAL) && !header_plausible_refcount(l, o->p))
		return false;
	return refcount_is_plausible(f->r, n);
}

// After all that is certain, so that an object which both lead to counts as certain.
static int visit_guessed(struct finder *f)
{
	const struct damage damage = f->r->damage;

	f->guessing = true;
	while (f->guesses.n) {
		const addr_t addr = vec_pop(&f->guesses);
		struct py_object o;
		int added;

		if (addrset_has(&f->d->h->set, addr) || !py_object_open(f->r, addr, &o) ||
		    !has_plausible_refcount(f, &o))
			continue;
		added = add(f, addr);
		if (added < 0)
			return fail(f, CCORE_ENOMEM);
		if (added) {
			visit_at(f, addr);
			TRY(visit_todo(f));
		}
		if (!f->guesses.n) {
			TRY(visit_rest(f));
		}
	}
	f->d->h->guessed_n = f->d->h->guessed.n;
	f->r->damage = damage; // a wrong guess is no damage
	return f->status;
}

static void finder_init(struct finder *f, struct discovery *d, uint32_t thread)
{
	*f = (struct finder){.d = d, .r = &d->h->readers[thread], .reports = thread == 0};
	edge_redirect(&f->r->edges, take_edges, f, true, &f->before);
}

static void finder_done(struct finder *f)
{
	edge_restore(&f->r->edges, &f->before);
	vec_done(&f->todo);
	vec_done(&f->guesses);
}

// Hand what a thread has collected to the one that goes on.
static int keep_guesses(struct finder *f)
{
	struct discovery *d = f->d;
	bool ok = true;

	pthread_mutex_lock(&d->lock);
	for (uint64_t i = 0; ok && i < f->guesses.n; i++)
		ok = vec_push(&d->guesses, f->guesses.data[i]);
	pthread_mutex_unlock(&d->lock);
	return ok ? 0 : CCORE_ENOMEM;
}

static int find_on_thread(void *ctx, uint32_t i)
{
	struct finder f;
	int status;

	finder_init(&f, ctx, i);
	status = visit_known(&f);
	if (status == 0 && i == 0)
		status = visit_roots(&f);
	if (status == 0)
		status = keep_guesses(&f);
	finder_done(&f);
	return status;
}

static int find_all(struct discovery *d)
{
	struct finder f;
	int status;

	TRY(parallel_run(d->h->thread_n, find_on_thread, d));
	finder_init(&f, d, 0);
	status = visit_types(&f);
	for (uint64_t i = 0; status == 0 && i < d->guesses.n; i++)
		if (!vec_push(&f.guesses, d->guesses.data[i]))
			status = CCORE_ENOMEM;
	if (status == 0)
		status = visit_guessed(&f);
	finder_done(&f);
	return status;
}

int heap_discover(struct heap *h, const addr_t *known, uint64_t n, struct ccore_error *err)
{
	struct discovery d = {
		.h = h,
		.known = known,
		.known_n = n,
		.err = err,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int status;

	heap_limit_edges(h);
	status = find_all(&d);
	vec_done(&d.guesses);
	return status;
}
