// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap/finalizer.h"

#include "py/attribute.h"

#define SETUP_LOOP 120u	 // the opcode, where blocks have them
#define CO_MAXBLOCKS 20u // CPython's own

// Old-style classes: __del__ is looked up by name, and counts in heap types only.
static bool finalizes_as_python2(const struct layout *l)
{
	return layout_has(l, F_CL_DICT);
}

// As PyGen_NeedsFinalizing(): suspended inside of a try or a with.
static bool needs_finalizing(struct py_reader *r, const struct py_object *generator)
{
	const struct layout *l = r->layout;
	addr_t frame;
	uint32_t n, type;

	if (!layout_has(l, F_GI_FRAME) || !layout_has(l, F_F_IBLOCK) ||
	    !layout_has(l, F_F_BLOCKSTACK) || !layout_has(l, F_BLOCK_TYPE))
		return false;
	frame = object_u64(r, generator, F_GI_FRAME);
	if (!frame || mem_read_u32(r->py->mem, frame + layout_off(l, F_F_IBLOCK), &n) < 0)
		return false;
	for (uint32_t i = 0; i < n && i < CO_MAXBLOCKS; i++) {
		const addr_t block = frame + layout_off(l, F_F_BLOCKSTACK) +
				     i * (uint64_t)l->struct_size[S_PyTryBlock];

		if (mem_read_u32(r->py->mem, block + layout_off(l, F_BLOCK_TYPE), &type) == 0 &&
		    type != SETUP_LOOP)
			return true;
	}
	return false;
}

enum finalizer finalizer_of(struct py_reader *r, addr_t object)
{
	const struct layout *l = r->layout;
	struct py_object o;
	addr_t del = 0;
	bool of_class;

	if (!py_object_open(r, object, &o))
		return FINALIZER_NONE;
	if (o.type->family == &family_instance27)
		return object_attribute(r, object, "__del__", &of_class) ? FINALIZER_DEL
									 : FINALIZER_NONE;
	if (finalizes_as_python2(l) && !(o.type->flags & TYPE_HEAP))
		return o.type->family == &family_generator && needs_finalizing(r, &o)
			       ? FINALIZER_GENERATOR
			       : FINALIZER_NONE;
	if (!layout_has(l, F_TP_DEL) ||
	    mem_read_u64(r->py->mem, o.type->addr + layout_off(l, F_TP_DEL), &del) < 0 || !del)
		return FINALIZER_NONE;
	return finalizes_as_python2(l) && o.type->flags & TYPE_PYTHON ? FINALIZER_DEL : FINALIZER_C;
}

const char *finalizer_text(enum finalizer f)
{
	static const char *const texts[FINALIZER_N] = {
		[FINALIZER_DEL] = "its class has __del__",
		[FINALIZER_C] = "its C type has tp_del",
		[FINALIZER_GENERATOR] = "a generator suspended in a try or with",
	};

	return texts[f];
}
