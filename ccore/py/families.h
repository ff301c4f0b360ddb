// SPDX-License-Identifier: GPL-2.0-or-later
// The families, and what some of them offer to the others.
#ifndef NECROPY_FAMILIES_H
#define NECROPY_FAMILIES_H

#include "py/py.h"

// Every family; a new one needs its line here. Order does not matter.
#define FAMILIES(X)                 \
	X(family_dict)              \
	X(family_list)              \
	X(family_tuple)             \
	X(family_set)               \
	X(family_str)               \
	X(family_str27)             \
	X(family_unicode27)         \
	X(family_bytes)             \
	X(family_bytearray)         \
	X(family_int)               \
	X(family_int27)             \
	X(family_bool)              \
	X(family_float)             \
	X(family_none)              \
	X(family_complex)           \
	X(family_ellipsis)          \
	X(family_not_implemented)   \
	X(family_type)              \
	X(family_code)              \
	X(family_frame)             \
	X(family_generator)         \
	X(family_module)            \
	X(family_function)          \
	X(family_cfunction)         \
	X(family_method)            \
	X(family_exception)         \
	X(family_instance27)        \
	X(family_class27)           \
	X(family_weakref)           \
	X(family_traceback)         \
	X(family_deque)             \
	X(family_odict)             \
	X(family_lru_cache)         \
	X(family_buffered)          \
	X(family_bytesio)           \
	X(family_structseq)         \
	X(family_combinations)      \
	X(family_permutations)      \
	X(family_product)           \
	X(family_tee_data)          \
	X(family_datetime)          \
	X(family_time)              \
	X(family_element)           \
	X(family_element_iterator)  \
	X(family_simple_queue)      \
	X(family_sqlite_connection) \
	X(family_struct)            \
	X(family_array)             \
	X(family_hamt_bitmap)       \
	X(family_hamt_array)        \
	X(family_hamt_collision)

#define X(family) extern const struct py_family family;
FAMILIES(X)
#undef X

// -- members.c

#define MEMBERS_ROWS_MAX 64u

/**
 * The rows of members.def for static type `tp_name`: at most MEMBERS_ROWS_MAX members into
 * `ret`, their number into *ret_n. False when it has no rows, or when sizeof the struct they
 * are of is not `basicsize`.
 */
bool members_find(const struct layout *l, const char *tp_name, uint32_t basicsize,
		  struct py_member *ret, uint32_t *ret_n);

/** Whether `tp_name` has rows in members.def, and the layout none of their structs. */
bool members_are_missing(const struct layout *l, const char *tp_name);

/** Whether `tp_name` is known to hold no references. */
bool members_is_leaf(const char *tp_name);

/** Whether `name` is one of the '|'-separated `names`. */
bool name_in_list(const char *name, const char *names);

// -- dict.c

/** One item of a dict or of a key table. */
struct dict_item {
	addr_t key, value;
	uint64_t index;
};

/** Walks a dict's items in table order: that is insertion order from 3.6 on. */
struct dict_iter {
	struct py_reader *r;
	addr_t entries, values; // values: of a split table, or 0
	const uint8_t *view;	// of all entries, or NULL
	uint64_t i, n;
	uint32_t stride, key_off, value_off;
	bool embedded;	    // the values are inside an instance, which owns them
	bool keys_visited;  // by tp_traverse: tables that hold only str keys are spared it
	addr_t shared_keys; // the key table, when it holds its keys for other dicts too; or 0
};

/** Start on dict object `o`; false with damage counted when its table is not possible. */
bool dict_iter_init(struct dict_iter *it, struct py_reader *r, const struct py_object *o);

/** Start on the dict at `dict`, whatever its type is. */
bool dict_iter_init_at(struct dict_iter *it, struct py_reader *r, addr_t dict);

/** Entries of key table `keys` in use, at most `cap`; 0 with damage counted against `owner`. */
uint64_t dict_keys_n(struct py_reader *r, addr_t keys, uint64_t cap, addr_t owner);

/** Emit each key that table `keys` holds, in a table's own name: counted, and not shared. */
void dict_keys_visit(struct py_reader *r, addr_t keys, addr_t owner);

/** The key object of entry `i` of key table `keys`, or 0. */
addr_t dict_keys_name(struct py_reader *r, addr_t keys, uint64_t i);

/** The next item with key and value, or false at the end. */
bool dict_iter_next(struct dict_iter *it, struct dict_item *ret);

/** `addr` where a dict is, else 0: an interpreter that ends sets the names in sys to None. */
addr_t dict_at(struct py_reader *r, addr_t addr);

/** The value of str key `name` in the dict at `dict`, or 0. */
addr_t dict_lookup(struct py_reader *r, addr_t dict, const char *name);

/** Whether the dict at `dict` is an interpreter's table of interned strings. */
bool dict_is_interned(const struct py *py, addr_t dict);

/** Bytes of key table `keys`, as sys.getsizeof() of a dict counts them. */
uint64_t dict_keys_sizeof(struct py_reader *r, addr_t keys);

// -- instance.c

/** Where the attributes of an instance are: a dict object, or values named by shared keys. */
struct instance_attrs {
	addr_t dict;   // or 0
	addr_t values; // first of values_n words, or 0; type->cached_keys has their names
	uint64_t values_n;
};

void instance_attrs(struct py_reader *r, const struct py_object *o, struct instance_attrs *ret);

/** "<module.Class attr=value …>", with attributes that tell one instance from another. */
void repr_instance(struct py_reader *r, const struct py_object *o, struct strbuf *out);

/** Emit what an instance's attributes are kept in: dict or values; and its type. */
void instance_visit_attrs(struct py_reader *r, const struct py_object *o);
void instance_visit_type(struct py_reader *r, const struct py_object *o);

// -- str.c, bytes.c

/**
 * Append the text of str (or 2.7 str, unicode) object `addr` to `out` as UTF-8, at most
 * `max` characters; false when it is none. *ret_cut (may be NULL): there was more.
 */
bool text_append(struct py_reader *r, addr_t addr, uint64_t max, struct strbuf *out, bool *ret_cut);

/** The same of bytes object `o` (3.x); what is not printable ASCII as \\xNN. */
bool bytes_append(struct py_reader *r, const struct py_object *o, uint64_t max, struct strbuf *out,
		  bool *ret_cut);

/** Whether the text of str object `addr` is `text`. */
bool text_equals(struct py_reader *r, addr_t addr, const char *text);

/** Whether the text at `addr` is `utf8`, of any characters. */
bool text_is(struct py_reader *r, addr_t addr, const char *utf8);

// -- number.c

/** The value of int (or bool) `addr`; false when it is none, or needs more than 63 bits. */
bool int_value(struct py_reader *r, addr_t addr, int64_t *ret);

/**
 * The value of the int (2.7: int or long) at `addr`, whose type is not looked at: for types that
 * are just being read. False when it is negative or too large.
 */
bool int_value_at(struct py_reader *r, addr_t addr, uint64_t *ret);

/** The value of the int object whose first `n` bytes are at `p`; false when it is none so small. */
bool int_from_bytes(struct py_reader *r, const uint8_t *p, uint64_t n, int64_t *ret);

// -- tuple.c

/** Length of tuple object `addr`, of a derived class too; 0 when it is none. */
uint64_t tuple_length(struct py_reader *r, addr_t addr);

// -- type_object.c

/** tp_dict of type object `t`, wherever this version keeps it; 0 when there is none. */
addr_t type_dict(struct py_reader *r, addr_t t);

/** Whether `o` is a static type: without a GC head, although its type says that it has one. */
bool object_is_static_type(struct py_reader *r, const struct py_object *o);

// -- repr_builtin.c, repr_class.c

/**
 * Append what repr() says of `o`; false, with nothing appended, when that is not known: the type is
 * another, or a class has a __repr__ of its own.
 */
bool repr_builtin(struct py_reader *r, const struct py_object *o, struct strbuf *out);
bool repr_class(struct py_reader *r, const struct py_object *o, struct strbuf *out);

// -- repr.c

/** The first of `n` object pointers at `addr`, between `open` and `close`. */
void repr_items(struct py_reader *r, addr_t addr, uint64_t n, const char *open, const char *close,
		struct strbuf *out);

// -- reader.c

/** Emit the members at offsets [from, to). */
void visit_members(struct py_reader *r, const struct py_object *o, uint64_t from, uint64_t to);

/** Emit a word that looks like a reference, if it does. */
void visit_guess(struct py_reader *r, addr_t to, uint64_t off);

/** Emit the words of `size` bytes at `addr` that look like addresses, as guesses. */
void visit_guesses(struct py_reader *r, addr_t addr, uint64_t size);

// -- emulated.c

/**
 * Emit what `o` refers to, of a type with `traverse`: what its code visits, with the names that
 * members and tables have for it. False when that cannot be known, with damage counted where
 * there is an emulator.
 */
bool emulated_visit(struct py_reader *r, const struct py_object *o);

/** What the C __sizeof__ of `o`'s type returns; false when that cannot be known. */
bool emulated_size(struct py_reader *r, const struct py_object *o, uint64_t *ret);

void emulated_free(struct emulated *em);

// -- mistrust.c

/** Apply what is known of its kind to a new type. */
void type_mistrust(const struct py *py, struct py_type *type);

// -- named.c

/** Address and size of the state of extension module `o`; false when it has none. */
bool module_state(struct py_reader *r, const struct py_object *o, addr_t *ret, uint64_t *ret_size);

/** Emit the `n` object pointers at `addr`, with label words `first`, `first` + 1 … */
void visit_pointers(struct py_reader *r, addr_t addr, uint64_t n, enum edge_kind kind,
		    enum label_kind label, uint64_t first, addr_t owner);

// -- frame.c

/** Emit what interpreter frame (3.11+) at `frame` holds: code, function, locals, stack. */
void iframe_visit(struct py_reader *r, addr_t frame);

/** The text of a LABEL_LOCAL edge of interpreter frame `frame`. */
void iframe_label(struct py_reader *r, addr_t frame, uint64_t slot, struct strbuf *out);

/**
 * The object that `word` of a frame's slots refers to, or 0: in some builds (3.13t, 3.14) such
 * words have tags in their lowest bits.
 */
addr_t frame_reference(const struct layout *l, uint64_t word);

/** Code object and previous frame of interpreter frame `frame`; false when unreadable. */
struct iframe {
	addr_t addr, code, previous, frame_obj;
	uint8_t owner;
	bool is_shim;	   // the interpreter's own, not Python's
	bool in_generator; // a part of the generator object
};
bool iframe_read(struct py_reader *r, addr_t frame, struct iframe *ret);

/** What slot `i` of the frames of code object `code` is for; false when there is none. */
struct code_slot {
	addr_t name;	// a str object
	bool is_cell;	// holds a cell, once the code has begun
	bool is_hidden; // of a comprehension in a body that has a namespace: not in f_locals
};
bool code_slot(struct py_reader *r, addr_t code, uint64_t i, struct code_slot *ret);

/** co_flags of code object `code`; 0 when it is not readable. */
#define CODE_OPTIMIZED 1u // locals are in slots, not in a namespace
unsigned code_flags(struct py_reader *r, addr_t code);

/** Name of local `slot` of code object `code`, appended to `out`; false when there is none. */
bool code_local_name(struct py_reader *r, addr_t code, uint64_t slot, struct strbuf *out);

/** Number of local slots (locals, cells, free) and of stack slots of code object `code`. */
bool code_slots(struct py_reader *r, addr_t code, uint64_t *ret_locals, uint64_t *ret_stack);

/** Whether code object `code` makes a generator or coroutine, which then owns its frame. */
bool code_is_generator(struct py_reader *r, addr_t code);

/** "module.function"-like name of code object `code`: its qualified name, where it has one. */
void code_name(struct py_reader *r, addr_t code, struct strbuf *out);

/** co_filename of code object `code`; false when it cannot be read. */
bool code_file(struct py_reader *r, addr_t code, struct strbuf *out);

/** co_firstlineno of code object `code`: where its def stands; 0 when not known. */
uint64_t code_first_line(struct py_reader *r, addr_t code);

/** The code object of a generator, coroutine or asynchronous generator `o`, or 0. */
addr_t generator_code(struct py_reader *r, const struct py_object *o);

/** "suspended", "running", "finished" or "not started"; NULL when not known. */
const char *generator_state(struct py_reader *r, const struct py_object *o);

/** The interpreter frame (3.11+) inside `addr`, when that is a generator that is running; or 0. */
addr_t generator_running_frame(struct py_reader *r, addr_t addr);

/** The code object of frame object `o`, or 0. */
addr_t frame_code(struct py_reader *r, const struct py_object *o);

#endif
