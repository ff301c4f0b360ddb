// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * target: a core file, a process or a caller's memory, as plain structs: its mappings, its
 * ELF modules with their build-ids, its OS threads, and its memory ready to be read. Knows
 * nothing of Python.
 */
#ifndef NECROPY_TARGET_H
#define NECROPY_TARGET_H

#include "mem/mem.h"
#include "util/arena.h"
#include "util/damage.h"
#include "util/limits.h"
#include "util/progress.h"

enum target_kind { TARGET_CORE, TARGET_PROCESS, TARGET_MEMORY, TARGET_PROGRAM };

/** What is known of a mapping; the rest of its flags is not. */
enum mapping_flags {
	MAPPING_R = 1,
	MAPPING_W = 2,
	MAPPING_X = 4,
	MAPPING_SHARED = 8,
	MAPPING_SHARED_KNOWN = 16, // MAPPING_SHARED is known; else it was inferred from the name
	MAPPING_PERMS_KNOWN = 32,
	MAPPING_USAGE_KNOWN = 64, // `usage`
	MAPPING_REMOVED = 128	  // of a System V segment that is marked for removal
};

/** How much of a mapping is in RAM, as /proc/PID/smaps counts it. In bytes. */
struct mapping_usage {
	uint64_t rss;	// resident
	uint64_t pss;	// resident, a page's bytes divided among the processes that share it
	uint64_t dirty; // resident and changed, private or shared
};

struct mapping {
	addr_t start, end;    // exclusive end, as /proc/PID/maps has it
	unsigned flags;	      // enum mapping_flags
	uint64_t offset;      // bytes into the file
	uint64_t dev, inode;  // 0 when not known; for SysV segments of a process inode is the shmid
	uint64_t saved_bytes; // bytes of it in the core; of a process: bytes copied
	uint64_t lost_bytes;  // bytes that the core had saved, but that are cut off its end
	const char *name;     // path, "[heap]", "/SYSV00000000 (deleted)" …; "" for anonymous
	struct mapping_usage usage;
};

struct mapping_vec {
	struct mapping *data;
	uint64_t n, cap;
};

/** An ELF file mapped in the target. */
struct module {
	const char *name;  // its path in the target
	const char *file;  // where it was found here, with the same build-id; or NULL
	addr_t start, end; // of its mappings; exclusive end
	uint64_t bias;	   // run-time address - address in the file
	uint8_t build_id[LIM_BUILD_ID_BYTES];
	uint32_t build_id_n; // 0: it has none that can be read
	bool other_build;    // a file is at that path, but it is another build
	bool beside_sysroot; // `file` is here, and not below the sysroot that was given
	bool is_main;	     // the program that was started
	bool headless;	     // its header is not in the target: without `file`, bias is unknown
	bool shared_range;   // between its segments something else is mapped
};

// Where the .bss of a headless module without `file` ends is not known: so far behind `end` its
// variables are looked for. CPython's takes some hundred KiB.
#define MODULE_BSS_BYTES (1u << 20)

#define OS_THREAD_REGS 17u

struct os_thread {
	int64_t tid;
	int32_t signal;		       // NT_PRSTATUS pr_cursig; 0 of a process
	bool has_regs;		       // what follows is known
	uint64_t pc, sp, fs_base;      // fs_base 0: not known
	int64_t syscall;	       // the system call it is in, -1: in none
	uint64_t regs[OS_THREAD_REGS]; // as DWARF numbers them: rax, rdx, rcx, rbx … rip
};

/** Fill in `th` from the kernel's struct user_regs_struct of x86-64. */
#define USER_REGS_BYTES 216u
void os_thread_set_regs(struct os_thread *th, const uint8_t *user_regs);

/** Where the signal of a core came from: NT_SIGINFO's si_code. */
enum signal_origin {
	SIGNAL_UNKNOWN,	    // the core does not say
	SIGNAL_SENT,	    // a process has sent it, be it to itself
	SIGNAL_FROM_KERNEL, // for another reason than an instruction: a key, a limit
	SIGNAL_FAULT,	    // an instruction could not be executed, because of an address
	SIGNAL_NO_ADDRESS   // the same, and the processor does not tell the address
};

struct target_opts {
	// As in struct ccore_open_opts; may be NULL.
	const char *exe, *debug_dirs, *sysroot, *maps, *tmp_dir;
	uint64_t max_bytes;
	bool already_stopped;
	bool debuginfod; // debug information may be fetched from the servers of $DEBUGINFOD_URLS
	bool running;	 // see target_open_pid()
	struct progress progress;
};

/** Filled by target_open_*(), and not to be moved from then on. */
struct target {
	enum target_kind kind;
	const char *path;	  // of the core, or NULL
	int64_t pid;		  // 0: not known
	const char *command_line; // from the stack, NT_PRPSINFO or /proc/PID/cmdline; or NULL
	int32_t signal;		  // that killed it; 0: none or not known
	enum signal_origin signal_origin;
	int32_t signal_sender; // of SIGNAL_SENT: a process id, 0 where there is none
	uint64_t fault_addr;   // of SIGNAL_FAULT
	struct mem mem;
	struct mapping_vec mappings;   // sorted by start, without overlaps
	int live_fd;		       // of a process that is read as it runs: its mem; or -1
	uint64_t stopped_ns;	       // how long a process was stopped to copy it
	bool notes_lost;	       // of a core: threads may be missing, or all of them
	bool maps_from_file;	       // a saved /proc/PID/maps completed the mappings
	VEC(struct module) modules;    // sorted by start
	VEC(struct os_thread) threads; // the crashed one first
	addr_t execfn;	      // AT_EXECFN, where on the stack the program's path lies; 0: not known
	uint64_t entry, phdr; // AT_ENTRY and AT_PHDR of the auxv, 0 when not known
	struct damage damage; // truncation and the like, found at open
	VEC(const char *) notes;	  // sentences for the user: other builds, missing files
	const char *debug_dirs, *sysroot; // as given; debug_dirs never NULL
	bool debuginfod;
	struct arena arena; // owns the strings
};

/**
 * Open a core file: map it (a compressed one is decompressed into a temporary file), read its
 * program headers and notes, find its modules' files.
 * Pages that it did not save come from files with the same build-id. On failure `*ret` needs
 * no target_done().
 */
int target_open_core(struct target *ret, const char *path, const struct target_opts *opts,
		     struct ccore_error *err);
int target_open_core_mem(struct target *ret, const void *data, uint64_t size,
			 const struct target_opts *opts, struct ccore_error *err);

/**
 * Stop the process (unless opts->already_stopped), copy its private memory, resume it. Or, with
 * opts->running, read it bit by bit while it runs: good enough to find what stays in its place.
 */
int target_open_pid(struct target *ret, int64_t pid, const struct target_opts *opts,
		    struct ccore_error *err);

/** `maps` is text in the format of /proc/PID/maps. */
int target_open_callback(struct target *ret, const char *maps, ccore_read_fn read, void *ctx,
			 const struct target_opts *opts, struct ccore_error *err);

/**
 * Fill in the usage of the mappings of a process, as they are now: those that changed since it was
 * opened have none. Does nothing for other targets.
 */
int target_read_usage(struct target *t, struct ccore_error *err);

/** Find MAPPING_REMOVED of the mappings of a process, as it is now. */
int target_read_removed(struct target *t, struct ccore_error *err);

/** Whether the file at `path` is one for target_open_program(), not a core. */
bool target_is_program(const char *path);

/** Open a program or library that does not run, as it would lie in memory at its own addresses. */
int target_open_program(struct target *ret, const char *path, const struct target_opts *opts,
			struct ccore_error *err);

void target_done(struct target *t);

/** The module that `addr` lies in, its variables included; or NULL. */
const struct module *target_module_at(const struct target *t, addr_t addr);

/**
 * The mapping of module `m` that follows `p`, which is one of them, or for NULL the first; NULL
 * after the last. A module may have gaps between its segments, in which other things are mapped.
 */
const struct mapping *module_mapping(const struct target *t, const struct module *m,
				     const struct mapping *p);

#define BUILD_ID_HEX_BYTES (2 * LIM_BUILD_ID_BYTES + 1)

/** `build_id` in hex, or "none". */
void build_id_hex(const uint8_t *build_id, uint32_t build_id_n, char ret[BUILD_ID_HEX_BYTES]);

#endif
