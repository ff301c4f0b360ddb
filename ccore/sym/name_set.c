// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/name_set.h"

static uint32_t hash_name(const char *name, uint64_t n)
{
	uint32_t h = 2166136261u; // FNV-1a

	for (uint64_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h;
}

const char *next_alternative(const char **names, uint64_t *ret_n)
{
	const char *first = *names;
	uint64_t n;

	if (!first)
		return NULL;
	n = strcspn(first, "|");
	*names = first[n] ? first + n + 1 : NULL;
	for (; n && *first == ' '; n--)
		first++;
	while (n && first[n - 1] == ' ')
		n--;
	*ret_n = n;
	return first;
}

void name_set_init(struct name_set *s)
{
	memset(&s->entries, 0, sizeof(s->entries));
	memset(s->buckets, 0xff, sizeof(s->buckets)); // NAME_END in each
}

int name_set_add_one(struct name_set *s, const char *name, uint64_t n, uint32_t row, uint32_t rank,
		     struct ccore_error *err)
{
	const uint32_t hash = hash_name(name, n);
	uint32_t *bucket = &s->buckets[hash % NAME_BUCKETS];
	const struct name_entry e = {.name = name,
				     .name_n = (uint32_t)n,
				     .hash = hash,
				     .row = row,
				     .rank = rank,
				     .next = *bucket};

	if (!vec_push(&s->entries, e))
		return err_nomem(err);
	*bucket = (uint32_t)s->entries.n - 1;
	return 0;
}

bool is_alternative(const char *names, const char *name, uint64_t n)
{
	const char *one;
	uint64_t one_n;

	while ((one = next_alternative(&names, &one_n)))
		if (one_n == n && memcmp(one, name, n) == 0)
			return true;
	return false;
}

int name_set_add(struct name_set *s, const char *names, uint32_t row, struct ccore_error *err)
{
	const char *name;
	uint32_t rank = 0;
	uint64_t n;

	while ((name = next_alternative(&names, &n)))
		TRY(name_set_add_one(s, name, n, row, rank++, err));
	return 0;
}

const struct name_entry *name_set_next(const struct name_set *s, const char *name, uint64_t n,
				       const struct name_entry *last)
{
	const uint32_t hash = last ? last->hash : hash_name(name, n);
	uint32_t i = last ? last->next : s->buckets[hash % NAME_BUCKETS];

	for (; i != NAME_END; i = s->entries.data[i].next) {
		const struct name_entry *e = &s->entries.data[i];

		if (e->hash == hash && e->name_n == n && memcmp(e->name, name, n) == 0)
			return e;
	}
	return NULL;
}

void name_set_done(struct name_set *s)
{
	vec_done(&s->entries);
}
