// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image: a small CPython in memory, for fuzzers of what lies in a heap. A small image of an
 * interpreter is well-formed: a type object for each family, some classes, a key table. All else
 * is the input: its first two bytes choose the layout, which of its rows are missing, and how
 * memory is held; the rest lies at HEAP.
 *
 * The layouts are the files of tests/fuzz/layouts, by make_layouts.py; the seeds are made by
 * make_seeds.py, which takes the order of the types from image.c.
 */
#ifndef NECROPY_FUZZ_IMAGE_H
#define NECROPY_FUZZ_IMAGE_H

#include "command/run.h"

#define STATIC 0x10000u
#define STATIC_BYTES 0x20000u
#define HEAP 0x100000u
#define HEAP_BYTES_MAX 4096u

/**
 * The second byte. IN_INPUT: the list of interpreters begins in the input, too. EMULATED: types
 * are asked by their code, which may lie in the input.
 */
enum { IN_TWO = 1, BY_CALLBACK = 2, REDACTED = 4, COLLECTING = 8, IN_INPUT = 16, EMULATED = 32 };

/**
 * Look at a heap of `size` bytes at HEAP. Its runtime is still empty. s->target.threads may be
 * set to something that is not freed.
 */
typedef void image_look(struct session *s, uint64_t size, unsigned how);

/** Show `look` the heap that the input makes. */
void image_run(const uint8_t *data, size_t size, image_look *look);

/** Answer a command, and forget the answer. */
void image_ask(struct session *s, const char *const *argv, uint64_t argc);

#define ASK(s, ...)                                        \
	image_ask((s), (const char *const[]){__VA_ARGS__}, \
		  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/** Mutation by words, since bytes alone seldom make a pointer. For LLVMFuzzerCustomMutator(). */
size_t image_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);

#endif
