// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * search: variables of the interpreter that no symbol leads to, found by what they must hold. Each
 * is accepted only where exactly one place passes, and is then marked ORIGIN_STRUCTURE; else it
 * stays unknown.
 *
 *	search_interpreter()  PyType_Type, _PyRuntime or interp_head, the collector's lists
 *	search_statics()      the rest, through modules and types, when the version is known
 */
#ifndef NECROPY_SEARCH_H
#define NECROPY_SEARCH_H

#include "py/raw_type.h"
#include "runtime/runtime.h"

/**
 * Where PyType_Type may be, whatever the layout: words of `module`'s variables, or of all modules'
 * when it is NULL, that point to themselves or to a little before. Zeroed, none was looked for;
 * search_interpreter() keeps them from one layout that is tried to the next.
 */
struct self_words {
	VEC(addr_t) at;
	const struct module *module;
	bool is_known;
};

/**
 * Find in `l` what runtime_read() needs. CCORE_ELAYOUT when there is no such place, or several: the
 * layout is then another. `self` is freed by the caller, with vec_done() of `at`.
 */
int search_interpreter(struct layout *l, const struct target *t, struct self_words *self,
		       struct py_reader *r, struct ccore_error *err);

/** After runtime_read(). What is not found is no error. Reads no type as a struct py_type. */
void search_statics(struct layout *l, const struct runtime *rt, struct py_reader *r);

/** Where files are missing: let py->aliases know what modules call the types they hold. */
void search_type_names(const struct runtime *rt, struct py_reader *r);

/** Called with the address of a word and its value; false ends the scan. */
typedef bool (*word_fn)(void *ctx, addr_t at, uint64_t value);

/** Each aligned word that is not 0 of `m`'s variables, or of all modules' when it is NULL. */
void search_words(const struct target *t, const struct module *m, struct py_reader *r, word_fn fn,
		  void *ctx);

/** The word at `addr`; 0 when it cannot be read. */
uint64_t search_word(struct py_reader *r, addr_t addr);

/** The word at base + field; 0 when it cannot be read, or the layout has no such field. */
uint64_t search_field(struct py_reader *r, addr_t base, enum field_id f);

/** Whether the type of the object at `addr` is a type. */
bool search_is_object(struct py_reader *r, addr_t addr);

/** Whether `addr` may be of an object that is missing, since the core was cut off before it. */
bool search_is_gone(const struct target *t, addr_t addr);

/** The object called `name` in the dict of the module called `module`; 0: not there. */
addr_t search_name(struct py_reader *r, const struct runtime *rt, const char *module,
		   const char *name);

/** The same, of the module that holds the built-in names. */
addr_t search_builtin(struct py_reader *r, const struct runtime *rt, const char *name);

/** Set symbol `id` to `addr`, as found by its structure. */
void search_set(struct layout *l, enum symbol_id id, addr_t addr);

#endif
