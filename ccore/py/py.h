// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * py: reading Python objects out of the target.
 *
 * struct py is shared by all threads of a session: the layout, the memory, the types seen so
 * far. struct py_reader is one thread's way to it, with its caches, its count of damage and
 * its buffer of edges. A type is read once, when the first object of it is met, into a struct
 * py_type that says all a reader needs: its family, its plain pointer members, where its
 * instances' attributes are.
 *
 * A family is a kind of object that needs code (dict, list, frame …): one file each, with
 * struct py_family. Types whose references are members of one C struct are rows of
 * layout/members.def.
 */
#ifndef NECROPY_PY_H
#define NECROPY_PY_H

#include "emu/emu.h"
#include "layout/layout.h"
#include "py/edge.h"
#include "py/line_table.h"
#include "util/checked.h"
#include "util/damage.h"
#include "util/hashmap.h"
#include "util/strbuf.h"

#include <pthread.h>

struct py_reader;
struct py_object;

struct py_family {
	const char *types; // tp_names of its static types, '|'-separated
	// The struct whose members its functions read of the object: so much of it is read, even
	// where a corrupt tp_basicsize says that there is less.
	enum struct_id reads;
	enum field_id needs; // a layout without it has no such family
	// Emit the references the family's own struct holds; NULL for none.
	void (*visit)(struct py_reader *r, const struct py_object *o);
	// Bytes sys.getsizeof() counts, without GC head; NULL: basicsize + itemsize * |ob_size|.
	uint64_t (*size)(struct py_reader *r, const struct py_object *o);
	// A short repr appended to out; NULL: <type at address>.
	void (*repr)(struct py_reader *r, const struct py_object *o, struct strbuf *out);
	// The label's text for an edge this family emitted; NULL when labels stand for themselves.
	void (*label)(struct py_reader *r, const struct py_object *o, const struct edge *e,
		      struct strbuf *out);
};

/** A pointer member: from layout/members.def, __slots__ or tp_members. */
struct py_member {
	uint32_t off;
	uint8_t kind;	   // enum edge_kind
	uint8_t source;	   // enum edge_source
	const char *label; // ".name"
};

enum py_type_flags {
	TYPE_GC = 1,		  // HAVE_GC: instances have a GC head
	TYPE_HEAP = 2,		  // made at run time
	TYPE_PYTHON = 4,	  // by a class statement: subtype_dealloc
	TYPE_SIZE_GUESSED = 8,	  // its own C __sizeof__ is not known: sizes are estimates
	TYPE_LEAF = 16,		  // instances hold no reference, not even to their type
	TYPE_IS_TYPE = 32,	  // instances are types
	TYPE_STATIC_BUILTIN = 64, // tp_dict is kept per interpreter
	TYPE_MISTRUSTED = 128,	  // what tables say of its instances is not true
};

// Where instances have their __dict__.
enum py_dict_place {
	DICT_NOWHERE,
	DICT_AT_OFFSET, // tp_dictoffset > 0
	DICT_FROM_END,	// tp_dictoffset < 0: after the items of a variable-size object
	DICT_TWO_WORDS, // 3.11: values at -32, dict at -24
	DICT_TAGGED,	// 3.12
	DICT_BEFORE,	// 3.13: dict before the GC head
	DICT_INLINE	// 3.13: the same, else values at basicsize
};

struct py_type {
	addr_t addr;
	uint32_t index;	  // in py->types
	unsigned flags;	  // enum py_type_flags
	const char *name; // as Python programmers call it: "dict", "collections.deque"
	uint64_t tp_flags;
	uint32_t basicsize, itemsize;
	uint32_t read_n;  // bytes that py_object_open() reads of an instance
	uint32_t least_n; // and when those are not all there; readers count on them
	int64_t dictoffset;
	uint32_t prefix; // bytes of the memory block before the object: GC head, managed words
	enum py_dict_place dict_place;
	addr_t cached_keys;		 // PyDictKeysObject shared by the instances, or 0
	const struct py_type *base;	 // or NULL
	const struct py_family *family;	 // the nearest base's; NULL: nothing but members
	const struct py_member *members; // its own and its bases'
	uint32_t member_n;
	uint32_t field_n;		 // of a struct sequence: all of its fields, visible or not
	uint32_t opaque_from, opaque_to; // bytes nothing is known of: candidates for guesses
	// What the tables do not know, code of the target does: the tp_traverse of `traverser`,
	// this type or the nearest base written in C.
	addr_t traverse; // 0: there is none, or the tables know enough
	const struct py_type *traverser;
	uint32_t sizeof_all; // what py_sizeof() says of every object of it; 0: they differ
	addr_t size_method;  // of a TYPE_SIZE_GUESSED: its C __sizeof__; or 0
	addr_t size_class;   // what that wants to know of itself: the class it is of; or 0
	addr_t tp_traverse;  // its own, also where it is not the collector's; 0: none
};

/** An object being read: a view or copy of the first `n` bytes of it. */
#define PY_OBJECT_BYTES 1024u

struct py_object {
	addr_t addr;
	const struct py_type *type;
	const uint8_t *p; // view, or `scratch`
	uint32_t n;	  // bytes at p: type->read_n
	uint8_t scratch[PY_OBJECT_BYTES];
};

struct type_alias;

struct py {
	const struct layout *layout;
	const struct mem *mem;
	const struct emu_env *emu; // NULL: nothing is emulated
	_Atomic int64_t emu_left;  // steps that emulated code may still take, on all threads
	struct arena arena;	   // names, types, members
	VEC(struct py_type *) types;
	struct hashmap type_by_addr;	    // to index + 1; 0: known to be no type
	addr_t none, set_dummy, dict_dummy; // objects; 0 when there is none
	VEC(struct type_alias) aliases;	    // by which modules know static types; of type_shape.c
	VEC(addr_t) interned;		    // the dicts of interned strings
	// Where 3.12+ keeps what static types have per interpreter: arrays of static_type_state.
	addr_t static_types[2];
	pthread_mutex_t lock; // for types
	// The pool or arena of which an allocation that was stopped half-way has left a count off
	// by one; 0: none, 1: there were two, so that is not why.
	_Atomic addr_t half_done;
	uint64_t max_bytes;	  // that types may take
	uint64_t member_n;	  // members of all types
	VEC(uint64_t) mistrusted; // kinds of types
	bool out_of_memory;
	bool redact;		   // no contents anywhere: redact.h
	uint8_t salt[16];	   // of hashes in place of them
	struct hashmap namespaces; // dicts whose keys are names; filled only to redact
};

/** How much reprs show. */
struct repr_opts {
	uint32_t depth;	 // of containers in each other
	uint32_t bytes;	 // begun items are still finished
	uint32_t chars;	 // of one string
	uint32_t items;	 // of one sequence
	uint32_t pairs;	 // of one dict or set
	uint32_t attrs;	 // of one instance
	bool attrs_nest; // also those that are containers or instances themselves
};

/** What py_reader_init() chooses: enough to tell objects apart, on a line among others. */
#define REPR_SHORT                                                                         \
	(struct repr_opts)                                                                 \
	{                                                                                  \
		.depth = LIM_REPR_DEPTH, .bytes = LIM_REPR_BYTES, .chars = 48, .items = 4, \
		.pairs = 3, .attrs = 2                                                     \
	}

/** For values that someone has asked to see. */
#define REPR_DEEP                                                                         \
	(struct repr_opts)                                                                \
	{                                                                                 \
		.depth = LIM_REPR_DEEP_DEPTH, .bytes = LIM_REPR_DEEP_BYTES, .chars = 240, \
		.items = 16, .pairs = 16, .attrs = 16, .attrs_nest = true                 \
	}

#define PY_TYPE_CACHE 1024u
#define PY_POSITIONS 16u

struct emulated;

struct py_reader {
	struct py *py;
	const struct layout *layout;
	struct mem_lens lens;
	struct damage damage;
	struct repr_opts repr;
	uint32_t repr_depth; // of the repr being made
	uint64_t repr_end;   // size of its buffer at which to stop
	struct {
		addr_t addr;
		const struct py_type *type;
	} cache[PY_TYPE_CACHE];
	struct edge_buffer edges;
	struct emulated *emulated; // of emulated.c; NULL until the first is needed
	bool reports;		   // belongs to the thread that may ask for Ctrl-C
	// Bytes of slots and tables that frames may still be looked at for: py_may_look_at().
	uint64_t frame_bytes_left;
	uint64_t names_left; // of namespaces, that look-ups may still compare
	// Calls of a function that calls itself stand at the same instruction.
	struct {
		addr_t code;
		int64_t offset;
		struct code_position position;
	} positions[PY_POSITIONS];
};

/** `layout` and `mem` stay the caller's and must outlive `py`. */
int py_open(struct py *py, const struct layout *layout, const struct mem *mem,
	    struct ccore_error *err);
void py_close(struct py *py);

/** Take the objects that the layout's symbols lead to; again when more were found. */
void py_settle(struct py *py);

/**
 * Whether `n` bytes of what belongs to the frame or code at `addr` may be looked at; they are then
 * counted. Frames that share one large table, or lie over each other, could make it endless: then
 * it is damage. py_reader_begin() allows as much again, for one command.
 */
bool py_may_look_at(struct py_reader *r, uint64_t n, addr_t addr);
void py_reader_begin(struct py_reader *r);

#define SLOT_BYTES 16u // that looking at one slot of a frame counts as

/** Some 40 KB: allocate it, or keep it in something that is allocated. */
void py_reader_init(struct py_reader *r, struct py *py);
void py_reader_done(struct py_reader *r);

/** The type object at `addr`, or NULL when there is none. Any thread. */
const struct py_type *py_type_slow(struct py_reader *r, addr_t addr);

static inline const struct py_type *py_type_get(struct py_reader *r, addr_t addr)
{
	const uint64_t i = (addr >> 4) % PY_TYPE_CACHE;

	if (r->cache[i].addr == addr && addr)
		return r->cache[i].type;
	return py_type_slow(r, addr);
}

/** The class of an old-style instance of 2.7, as a type; `type`, its own, if that is not known. */
const struct py_type *py_class_of_instance27(struct py_reader *r, const struct py_type *type,
					     addr_t object);

/**
 * The type that `types` counts an object of `type` under: its class, for an old-style instance
 * of 2.7, else `type`.
 */
static inline const struct py_type *py_counted_type(struct py_reader *r, const struct py_type *type,
						    addr_t object)
{
	return type && type->addr == r->layout->symbols[SYM_INSTANCE_TYPE27]
		       ? py_class_of_instance27(r, type, object)
		       : type;
}

/** The type of the object at `addr`, or NULL when there is no object. Counts no damage. */
const struct py_type *py_type_of(struct py_reader *r, addr_t addr);

/** Read the object at `addr`. False, without counting damage, when there is none. */
bool py_object_open(struct py_reader *r, addr_t addr, struct py_object *ret);

/** As py_object_open() of an object known to be of `type`. */
bool py_object_open_typed(struct py_reader *r, addr_t addr, const struct py_type *type,
			  struct py_object *ret);

static inline uint64_t object_u64(const struct py_reader *r, const struct py_object *o,
				  enum field_id f)
{
	return field_u64(r->layout, f, o->p);
}

/** The 8 bytes at `addr`, or 0 with damage counted against `owner`. */
addr_t py_read_ptr(struct py_reader *r, addr_t addr, addr_t owner);

/** `size` bytes at `addr`, a view or a copy in scratch of that size; NULL: unreadable. */
static inline const uint8_t *py_get(struct py_reader *r, addr_t addr, uint64_t size, void *scratch)
{
	return mem_lens_get(&r->lens, addr, size, scratch);
}

/** The refcount in the object header at `p`: in free-threaded builds that of all threads. */
static inline uint64_t header_refcount(const struct layout *l, const uint8_t *p)
{
	if (layout_has(l, F_OB_REF_LOCAL)) // what other threads count has two bits of flags
		return field_u64(l, F_OB_REF_LOCAL, p) +
		       (uint64_t)(field_i64(l, F_OB_REF_SHARED, p) >> 2);
	return field_u64(l, F_OB_REFCNT, p);
}

/** ob_refcnt, and whether it is none because the object is immortal. */
uint64_t py_refcount(const struct py_reader *r, const struct py_object *o, bool *ret_immortal);

/** Whether refcount `n` is near that which the compiler gives the objects that it makes. */
static inline bool refcount_is_static(const struct layout *l, uint64_t n)
{
	// They drift from where they began, and no other count comes near them.
	const uint64_t start = (uint64_t)l->facts[FACT_STATIC_REFCNT];

	return start && n > start / 2 && n < 2 * start;
}

/** Whether `o` was made by the compiler, with a huge refcount that changes all the same. */
bool py_refcount_is_static(const struct py_reader *r, const struct py_object *o);

/** ob_size as a length: 0 when negative. */
uint64_t py_var_size(const struct py_reader *r, const struct py_object *o);

/**
 * Emit all references `o` holds into r->edges, whose flush function may be called on the way
 * and is called at the end when there are any left.
 */
void py_visit(struct py_reader *r, const struct py_object *o);

/** Types of one kind are read by the same code of ours: a C type; the Python classes on it. */
uint64_t py_type_kind(const struct py_type *type);

/**
 * Read instances of types of this kind by emulation from now on, because tables were wrong about
 * one. When no other thread is reading.
 */
void py_mistrust(struct py *py, const struct py_type *type);

/** The reader's emulator, for calls of the caller's own; NULL when there is none. */
struct emu *py_emulator(struct py_reader *r);

#define PY_PREFETCH 1024u

/**
 * Whether visiting an object of `type` emulates code, and it has not been done yet: many at once
 * by py_prefetch() are far cheaper than each by its py_visit().
 */
bool py_wants_prefetch(const struct py_reader *r, const struct py_type *type, addr_t object);

/** The same for py_sizeof(): of `objects` those that want it, at most PY_PREFETCH. */
bool py_wants_size_prefetch(const struct py_reader *r, const struct py_type *type, addr_t object);
void py_prefetch_sizes(struct py_reader *r, const addr_t *objects, uint64_t n);

/** Make ready what py_visit() of `objects` needs, at most PY_PREFETCH; forgets those before. */
void py_prefetch(struct py_reader *r, const addr_t *objects, uint64_t n);

/** What sys.getsizeof() returns for `o`; *ret_guess is set when that is an estimate. */
uint64_t py_sizeof(struct py_reader *r, const struct py_object *o, bool *ret_guess);

/** A short repr of the object at `addr` on one line, bounded in depth and length. */
void py_repr(struct py_reader *r, addr_t addr, struct strbuf *out);

/** The label of `e`, an edge of `o`, as a Python programmer reads it: ".x", "['k']", "local x". */
void py_edge_label(struct py_reader *r, const struct py_object *o, const struct edge *e,
		   struct strbuf *out);

/** Whether a type is `base` or derived from it, by tp_flags bit (4.3: bits are stable). */
static inline bool type_has_flag(const struct py_type *t, unsigned bit)
{
	return t->tp_flags >> bit & 1;
}

// tp_flags bits that never moved.
enum {
	TPFLAG_HEAPTYPE = 9,
	TPFLAG_READY = 12,
	TPFLAG_HAVE_GC = 14,
	TPFLAG_INT27 = 23, // since 3.12 another
	TPFLAG_LONG = 24,
	TPFLAG_LIST = 25,
	TPFLAG_TUPLE = 26,
	TPFLAG_BYTES = 27,
	TPFLAG_UNICODE = 28,
	TPFLAG_DICT = 29,
	TPFLAG_BASE_EXC = 30,
	TPFLAG_TYPE = 31
};

#endif
