// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * layout: where a CPython keeps what. Resolved once, when a target is opened, from DWARF (or
 * the cache of an earlier scan of the same build), else from a file that the user names, else
 * from the tables that necropy brings; every offset is validated then, so that readers need not.
 *
 * Without DWARF there may be several candidates, likely ones first. Whether one fits is for those
 * to say who read objects with it: heap/self_test.c.
 *
 * The rows are in cpython.def, members.def and roots.def; this header turns them into identifiers:
 * S_PyDictObject, F_MA_USED, SYM_TYPE_TYPE, FACT_MANAGED, MEMBERS_function.
 */
#ifndef NECROPY_LAYOUT_H
#define NECROPY_LAYOUT_H

#include "sym/symbols.h"
#include "sym/target.h"

#include <assert.h>

enum struct_id {
#define STRUCT(id, names, need) S_##id,
#include "layout/cpython.def"
	STRUCT_N
};

enum field_id {
#define FIELD(id, struct_id, paths, need) F_##id,
#include "layout/cpython.def"
	FIELD_N
};

enum symbol_id {
#define SYMBOL(id, names, cu, need) SYM_##id,
#include "layout/cpython.def"
	SYMBOL_N
};

enum fact_id {
#define FACT_NAME(id, initial) FACT_##id,
#include "layout/cpython.def"
	FACT_N
};

enum members_id {
#define MEMBERS(id, names, structs, cu) MEMBERS_##id,
#include "layout/members.def"
	MEMBERS_N
};

enum edge_row_id {
#define EDGE_ROW_NAME_(line) EDGE_ROW_##line
#define EDGE_ROW_NAME(line) EDGE_ROW_NAME_(line)
#define EDGE(id, path, kind, label) EDGE_ROW_NAME(__LINE__),
#include "layout/members.def"
	EDGE_ROW_N
};

enum root_row_id {
#define ROOT_ROW_NAME_(line) ROOT_ROW_##line
#define ROOT_ROW_NAME(line) ROOT_ROW_NAME_(line)
#define ROOT(struct_id, path, label) ROOT_ROW_NAME(__LINE__),
#include "layout/roots.def"
	ROOT_ROW_N
};

enum { LAYOUT_CHOICES_MAX = 64 };

enum {
	EXTENSION_N = 0
#define EXTENSION(module, files) +1
#include "layout/extensions.def"
};

// Values of FACT_SUPPORTED. One that is newer than what was tried is read where debug information,
// or a file that the user names, says what its structs are; its facts are those of the newest.
enum support { NOT_SUPPORTED, SUPPORTED, UNTRIED };

// Values of FACT_MANAGED: how a type with a managed dict keeps its instances' attributes.
enum managed_scheme { MANAGED_NONE, MANAGED_TWO_WORDS, MANAGED_TAGGED, MANAGED_INLINE };

// Values of FACT_STATIC_HEAD: for which static types sys.getsizeof() counts a GC head.
enum static_head { STATIC_HEAD_NEVER, STATIC_HEAD_ALWAYS, STATIC_HEAD_METACLASS };

// Values of FACT_LINE_TABLE: how code objects say which line an instruction comes from.
enum line_table_kind {
	LINE_TABLE_UNSIGNED,  // co_lnotab, whose lines only go up
	LINE_TABLE_SIGNED,    // co_lnotab
	LINE_TABLE_RANGES,    // co_linetable of PEP 626
	LINE_TABLE_LOCATIONS, // co_linetable of PEP 657, with columns
};

/** Where a row is known from. */
enum layout_origin {
	ORIGIN_LAYOUT, // as all of the layout
	ORIGIN_DWARF,
	ORIGIN_FILE,	 // --layout
	ORIGIN_TABLE,	 // brought along, of this very version
	ORIGIN_NEAREST,	 // of another version
	ORIGIN_OFFSETS,	 // _Py_DebugOffsets, in the target
	ORIGIN_SYMBOLS,	 // a symbol table
	ORIGIN_STRUCTURE // the one place in memory that can be it
};

// No struct that is read as a whole is larger; others are read by member.
#define LAYOUT_STRUCT_MAX 4096u

struct field {
	bool found;
	uint8_t bit_off, bit_size; // bit_size 0: not a bit-field
	uint32_t off, size;
};

struct layout {
	uint32_t struct_size[STRUCT_N]; // 0: this build has no such struct
	struct field fields[FIELD_N];
	addr_t symbols[SYMBOL_N];	  // run-time addresses; 0: not found
	uint32_t members_size[MEMBERS_N]; // sizeof the struct; 0: not there
	struct field edges[EDGE_ROW_N];
	struct field roots[ROOT_ROW_N];
	int64_t facts[FACT_N]; // after layout_set_version()
	uint32_t version;      // PY_VERSION_HEX
	enum layout_origin origin;
	uint8_t field_origin[FIELD_N];		      // enum layout_origin
	uint8_t symbol_origin[SYMBOL_N];	      // the same
	uint32_t table_version;			      // of the build that a table is of; 0: not one
	bool from_cache;			      // of an earlier reading of the same build
	const struct module *module;		      // that holds the interpreter; the target's
	const struct module *extensions[EXTENSION_N]; // those of extensions.def that are loaded
};

struct layout_opts {
	bool no_cache;
	const char *file; // that `necropy layout` wrote; NULL: none
	uint32_t skip;	  // so many modules that hold an interpreter: they were tried
};

/** The layouts that the target's interpreter may have. Large: to be allocated. */
struct layout_choices {
	const struct target *target;
	struct layout_opts opts;
	// What is certain: the module, its exported symbols, and all of it with DWARF or a file.
	struct layout base;
	bool is_certain;
	uint64_t runtime_bytes; // of _PyRuntime, by its symbol; 0: not known
	uint32_t version;	// X.Y.Z as PY_VERSION_HEX without its last byte; 0: not known
	uint32_t order[LAYOUT_CHOICES_MAX];
	uint32_t n;		     // of them; 0 when certain
	struct ccore_error no_dwarf; // why there is none
};

/**
 * Find the module of `t` that holds the interpreter, and the layouts that it may have.
 *
 *   CCORE_ENOPYTHON  no module defines PyType_Type, or can be Python
 *   CCORE_ENOTFOUND  with opts->skip: there are no more
 *   CCORE_ELAYOUT    rows missing in debug information: all of them are in the text
 */
int layout_choices_find(struct layout_choices *ret, const struct target *t,
			const struct layout_opts *opts, struct ccore_error *err);

/** PY_VERSION_HEX of candidate `i`, where none is certain. */
uint32_t layout_choice_version(const struct layout_choices *c, uint32_t i);

/** Candidate `i`, the likeliest first; CCORE_ELAYOUT past the last one, or where it cannot be. */
int layout_choice(const struct layout_choices *c, uint32_t i, struct layout *ret,
		  struct ccore_error *err);

/**
 * Another module of `t` than l->module whose PyType_Type has been made ready: an interpreter runs
 * in it, too. NULL when there is none, among the program itself and files called as Python's are.
 */
const struct module *layout_other_interpreter(const struct layout *l, const struct target *t);

/** "dwarf", "file", "table", "nearest-table", "debug-offsets", "symbols", "structure". */
const char *layout_origin_name(enum layout_origin origin);

/** The short hand of all of `l`. */
static inline const char *layout_source(const struct layout *l)
{
	return layout_origin_name(l->origin);
}

/** How far PY_VERSION_HEX `version` can be read. */
enum support layout_version_support(uint32_t version);

/** Whether the version of `l`, which has its facts, is newer than what was tried. */
bool layout_is_untried(const struct layout *l);

/** Look up the facts for PY_VERSION_HEX `version`; CCORE_EUNSUPPORTED names the version. */
int layout_set_version(struct layout *l, uint32_t version, struct ccore_error *err);

/** Name of a field, symbol or member row and where it is, for `info --layout`. */
struct layout_row {
	const char *name; // "PyDictObject.ma_used"
	bool found;
	uint64_t value; // offset, or address of a symbol
	uint32_t size;
	enum layout_origin origin;
};

/** Row `i` of all; false past the end. */
bool layout_row(const struct layout *l, uint64_t i, struct layout_row *ret);

static inline bool layout_has(const struct layout *l, enum field_id f)
{
	return l->fields[f].found;
}

static inline uint32_t layout_off(const struct layout *l, enum field_id f)
{
	assert(l->fields[f].found);
	return l->fields[f].off;
}

/** Bytes of the collector's head before an object: none where its header says all. */
static inline uint32_t layout_gc_head(const struct layout *l)
{
	return layout_has(l, F_OB_GC_BITS) ? 0 : l->struct_size[S_PyGC_Head];
}

/** The field in a copy or view of its struct at `p`, zero-extended; bit-fields shifted down. */
static inline uint64_t field_u64(const struct layout *l, enum field_id f, const uint8_t *p)
{
	const struct field *fd = &l->fields[f];
	uint64_t x = 0;

	assert(fd->found);
	if (fd->size >= 8) // each of these is one load; a copy of variable size is a call
		return load_u64(p + fd->off);
	if (fd->size == 4)
		x = load_u32(p + fd->off);
	else if (fd->size == 1)
		x = p[fd->off];
	else
		memcpy(&x, p + fd->off, fd->size);
	if (fd->bit_size)
		x = (x >> fd->bit_off) & ((1ull << fd->bit_size) - 1);
	return x;
}

/** As field_u64(), sign-extended from the field's size. */
static inline int64_t field_i64(const struct layout *l, enum field_id f, const uint8_t *p)
{
	const uint64_t x = field_u64(l, f, p);
	const uint32_t size = l->fields[f].size;

	return size == 4 ? (int32_t)x : size == 2 ? (int16_t)x : size == 1 ? (int8_t)x : (int64_t)x;
}

#endif
