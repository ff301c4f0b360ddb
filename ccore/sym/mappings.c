// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/mappings.h"

#include "util/checked.h"

static int start_cmp(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

// The part of `m` in [start, end), which lies within it. What is saved is its beginning.
static struct mapping part_of(const struct mapping *m, addr_t start, addr_t end)
{
	const uint64_t skip = start - m->start, size = end - start;
	const uint64_t known = m->saved_bytes + m->lost_bytes;
	struct mapping p = *m;

	p.start = start;
	p.end = end;
	p.offset += skip; // wraps only where the target's numbers are nonsense
	p.saved_bytes = m->saved_bytes > skip ? u64_min(m->saved_bytes - skip, size) : 0;
	p.lost_bytes = known > skip ? u64_min(known - skip, size) - p.saved_bytes : 0;
	if (start != m->start || end != m->end)
		p.flags &= ~(unsigned)MAPPING_USAGE_KNOWN;
	return p;
}

void mappings_tidy(struct mapping_vec *v)
{
	uint64_t kept = 0;

	if (v->n)
		qsort(v->data, v->n, sizeof(*v->data), start_cmp);
	for (uint64_t i = 0; i < v->n; i++) {
		struct mapping m = v->data[i];

		if (i + 1 < v->n && v->data[i + 1].start < m.end)
			m = part_of(&m, m.start, v->data[i + 1].start);
		if (m.start < m.end)
			v->data[kept++] = m;
	}
	v->n = kept;
}

const struct mapping *mappings_from(const struct mapping_vec *v, addr_t addr)
{
	uint64_t lo = 0, hi = v->n;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;

		if (v->data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->n ? &v->data[lo] : NULL;
}

const struct mapping *mappings_find(const struct mapping_vec *v, addr_t addr)
{
	const struct mapping *m = mappings_from(v, addr);

	return m && m->start <= addr ? m : NULL;
}

// What of `whole` lies without a gap between.
static bool join(const struct mapping_vec *whole, struct mapping_vec *ret)
{
	for (uint64_t i = 0; i < whole->n; i++) {
		const struct mapping *m = &whole->data[i];

		if (ret->n && ret->data[ret->n - 1].end == m->start)
			ret->data[ret->n - 1].end = m->end;
		else if (!vec_push(ret, *m))
			return false;
	}
	return true;
}

// One of its bounds is wrong, and the rest of what it says is not.
static void trim(struct mapping *m, const struct mapping_vec *whole)
{
	const struct mapping *first = mappings_find(whole, m->start);
	const struct mapping *last = mappings_find(whole, m->end - 1);

	if (last && last->end == m->end)
		m->start = last->start;
	else if (first && first->start == m->start)
		m->end = first->end;
	else
		m->end = m->start;
}

int64_t mappings_trim(struct mapping_vec *v, const struct mapping_vec *whole,
		      struct ccore_error *err)
{
	struct mapping_vec joined = {0};
	int64_t n = 0;

	if (!join(whole, &joined)) {
		vec_done(&joined);
		return err_nomem(err);
	}
	for (uint64_t i = 0; i < v->n; i++) {
		struct mapping *m = &v->data[i];
		const struct mapping *j = mappings_from(&joined, m->start);

		if (m->start == m->end || !j || j->start >= m->end ||
		    (j->start <= m->start && m->end <= j->end))
			continue;
		trim(m, whole);
		n++;
	}
	vec_done(&joined);
	return n;
}

// What both say of a range, which has the bounds of `lower`.
static struct mapping combine(struct mapping lower, const struct mapping *upper)
{
	const struct mapping u = part_of(upper, lower.start, lower.end);

	lower.offset = u.offset;
	lower.name = u.name;
	lower.dev = u.dev;
	lower.inode = u.inode;
	if (u.flags & MAPPING_PERMS_KNOWN)
		lower.flags = u.flags;
	lower.usage = u.usage;
	return lower;
}

static addr_t later(addr_t a, addr_t b)
{
	return a > b ? a : b;
}

// The next piece from `pos` on, of one of both or of the two.
static struct mapping next_piece(const struct mapping *l, const struct mapping *u, addr_t pos)
{
	const addr_t l_start = later(l->start, pos), u_start = later(u->start, pos);

	if (l_start < u_start)
		return part_of(l, l_start, u64_min(l->end, u_start));
	if (u_start < l_start)
		return part_of(u, u_start, u64_min(u->end, l_start));
	return combine(part_of(l, l_start, u64_min(l->end, u->end)), u);
}

// The mappings of `from` from row `i` and address `pos` on.
static bool push_rest(struct mapping_vec *to, const struct mapping_vec *from, uint64_t i,
		      addr_t pos)
{
	for (; i < from->n; i++) {
		const struct mapping *m = &from->data[i];
		const struct mapping piece = part_of(m, later(m->start, pos), m->end);

		if (!vec_push(to, piece))
			return false;
	}
	return true;
}

int mappings_overlay(struct mapping_vec *lower, const struct mapping_vec *upper,
		     struct ccore_error *err)
{
	struct mapping_vec out = {0};
	uint64_t i = 0, j = 0;
	addr_t pos = 0; // all below is in `out`
	bool ok = true;

	while (ok && i < lower->n && j < upper->n) {
		const struct mapping *l = &lower->data[i], *u = &upper->data[j];
		const struct mapping piece = next_piece(l, u, pos);

		ok = vec_push(&out, piece);
		pos = piece.end;
		i += pos >= l->end;
		j += pos >= u->end;
	}
	ok = ok && push_rest(&out, lower, i, pos) && push_rest(&out, upper, j, pos);
	if (!ok) {
		vec_done(&out);
		return err_nomem(err);
	}
	vec_done(lower);
	*lower = out;
	return 0;
}

static bool name_is_shared(const char *name)
{
	static const char *const prefixes[] = {"/SYSV", "/dev/shm/",
					       "/memfd:", "/dev/zero (deleted)"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

void mappings_infer_shared(struct mapping_vec *v)
{
	for (uint64_t i = 0; i < v->n; i++) {
		struct mapping *m = &v->data[i];

		if (!(m->flags & MAPPING_SHARED_KNOWN) && name_is_shared(m->name))
			m->flags |= MAPPING_SHARED;
	}
}
