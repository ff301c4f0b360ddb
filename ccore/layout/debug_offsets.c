// SPDX-License-Identifier: GPL-2.0-or-later
#include "layout/debug_offsets.h"

#include "layout/requests.h"

static const struct offset_row {
	enum field_id place, field;
} offset_rows[] = {
#define OFFSET(id, field, path) {F_##id, F_##field},
#include "layout/cpython.def"
};

#define OFFSETS_BYTES_MAX 4096u

// The struct in `buf`; false where there is none.
static bool read_offsets(const struct layout *l, const struct mem *mem, uint8_t *buf)
{
	const uint32_t size = l->struct_size[S_debug_offsets];

	return l->symbols[SYM_PyRuntime] && layout_has(l, F_DO_COOKIE) &&
	       layout_has(l, F_DO_VERSION) && size && size <= OFFSETS_BYTES_MAX &&
	       mem_read(mem, l->symbols[SYM_PyRuntime], buf, size) == 0 &&
	       memcmp(buf + layout_off(l, F_DO_COOKIE), "xdebugpy", 8) == 0;
}

uint32_t debug_offsets_compare(const struct layout *l, const struct mem *mem, offset_fn fn,
			       void *ctx)
{
	uint8_t buf[OFFSETS_BYTES_MAX];
	uint32_t n = 0;

	if (!read_offsets(l, mem, buf))
		return 0;
	for (unsigned i = 0; i < sizeof(offset_rows) / sizeof(offset_rows[0]); i++) {
		const struct offset_row *row = &offset_rows[i];
		uint64_t offset;

		if (!layout_has(l, row->place) || !layout_has(l, row->field))
			continue;
		offset = field_u64(l, row->place, buf);
		n++;
		if (offset != l->fields[row->field].off && fn)
			fn(ctx, row->field, offset);
	}
	return n;
}

static void apply(void *ctx, enum field_id field, uint64_t offset)
{
	struct layout *l = ctx;
	struct field *f = &l->fields[field];
	const uint32_t size = l->struct_size[struct_of_field[field]];

	if (offset % 8 || offset > size || f->size > size - offset)
		return;
	f->off = (uint32_t)offset;
	l->field_origin[field] = ORIGIN_OFFSETS;
}

void debug_offsets_apply(struct layout *l, const struct mem *mem)
{
	const struct layout before = *l;

	(void)debug_offsets_compare(&before, mem, apply, l); // how many matters to no one here
}
