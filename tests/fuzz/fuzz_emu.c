// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the code of a tp_traverse and as the objects it is given: first the code, then
 * what lies at DATA. The same module can be asked for libc's functions in between, so its ELF
 * tables are any bytes as well.
 */
#include "emu/emu.h"

#define CODE 0x400000u
#define CODE_BYTES 0x1000u
#define DATA 0x500000u
#define DATA_BYTES 0x2000u
#define OBJECTS 2u // code that does not end takes its time

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

// Where Unicorn's translator has aborted, what it had cannot be freed. The sanitizer's library
// asks for this by its name.
const char *__lsan_default_suppressions(void)
{
	return "leak:libunicorn";
}

static uint8_t code[CODE_BYTES], heap[DATA_BYTES];

static struct module module = {.name = "any", .start = DATA, .end = DATA + DATA_BYTES};
static struct mapping mappings[] = {
	{.start = CODE,
	 .end = CODE + CODE_BYTES,
	 .flags = MAPPING_R | MAPPING_X | MAPPING_PERMS_KNOWN},
	{.start = DATA,
	 .end = DATA + DATA_BYTES,
	 .flags = MAPPING_R | MAPPING_W | MAPPING_PERMS_KNOWN},
};

static bool fill(struct target *t, const uint8_t *data, size_t size)
{
	const size_t n = size < CODE_BYTES / 2 ? size : CODE_BYTES / 2;

	memset(code, 0xc3, sizeof(code)); // ret
	memset(heap, 0, sizeof(heap));
	memcpy(code, data, n);
	memcpy(heap, data + n, size - n < sizeof(heap) ? size - n : sizeof(heap));
	*t = (struct target){.kind = TARGET_MEMORY};
	t->mappings = (struct mapping_vec){mappings, 2, 2};
	t->modules.data = &module;
	t->modules.n = 1;
	return mem_add(&t->mem, CODE, CODE_BYTES, code, NULL, 0, NULL) == 0 &&
	       mem_add(&t->mem, DATA, DATA_BYTES, heap, NULL, 0, NULL) == 0 &&
	       mem_freeze(&t->mem, NULL) == 0;
}

static void run(struct emu *e)
{
	struct emu_call calls[OBJECTS];
	uint64_t visited = 0;

	for (unsigned i = 0; i < OBJECTS; i++) {
		emu_traverse(e, &calls[i], CODE, DATA + i * 64);
		calls[i].wants_bytes = i % 2;
	}
	if (emu_run(e, calls, OBJECTS) < 0)
		return;
	for (unsigned i = 0; i < OBJECTS; i++)
		if (calls[i].status == EMU_DONE)
			for (uint64_t k = 0; k < calls[i].n; k++)
				visited ^= emu_referents(e)[calls[i].first + k];
	__asm__ volatile("" : : "r"(visited)); // all of them can be read
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct progress none = {0};
	_Atomic int64_t left = LIM_EMU_PASS_STEPS;
	struct emu_env env;
	struct target t;
	struct emu *e;

	if (fill(&t, data, size)) {
		emu_env_init(&env, &t, &none);
		e = emu_new(&env, false, &left);
		if (e)
			run(e);
		emu_free(e);
	}
	mem_done(&t.mem);
	return 0;
}
