// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Caps on everything whose size the target decides. A cap that is hit is reported to the
 * user, never swallowed.
 */
#ifndef NECROPY_LIMITS_H
#define NECROPY_LIMITS_H

// A kernel's vm.max_map_count is 65,530 by default; some raise it tenfold.
#define LIM_MAPPINGS 2000000u

// Frames of one native stack: unwinding takes a microsecond each.
#define LIM_NATIVE_FRAMES 1000000u

// Threads in a core's notes; the kernel's own pid_max.
#define LIM_OS_THREADS 4194304u

// All notes of a core: 1 KiB a thread, and NT_FILE's names.
#define LIM_NOTES_BYTES (256u << 20)

// Arguments and environment of a process: the kernel gives them 6 MiB at most. Of these, what
// we show.
#define LIM_ENVIRONMENT_BYTES (6u << 20)
#define LIM_COMMAND_LINE_BYTES 65536u
#define LIM_ARGUMENT_BYTES 16384u

// A decompressed core, unless it is no more than so many times the compressed one: cores are
// mostly zeros, but a few bytes that become terabytes are no core.
#define LIM_UNPACK_BYTES (64ull << 30)
#define LIM_UNPACK_RATIO 1000u

// A path in NT_FILE or /proc/PID/maps: Linux's PATH_MAX.
#define LIM_PATH_BYTES 4096u

// ELF headers of a mapped module, read to find its build-id.
#define LIM_MODULE_HEADER_BYTES 65536u
#define LIM_BUILD_ID_BYTES 64u

// Program headers of a mapped module: linkers write about a dozen.
#define LIM_MODULE_PHDRS 256u

// ELF files that are looked for in a core without a list of them; entries of the dynamic linker's.
#define LIM_LOST_FILES 65536u

// A saved /proc/PID/maps: LIM_MAPPINGS lines of usual length.
#define LIM_MAPS_BYTES (256u << 20)

// A layout as text: a thousand rows.
#define LIM_LAYOUT_BYTES (4u << 20)

// A PyGC_Head: three words, at most, and what aligns it.
#define LIM_GC_HEAD_BYTES 64u

// A PyObject, up to its ob_type; words that point to themselves, or so far before, among which
// PyType_Type's is one: heads of empty lists are, too.
#define LIM_OBJECT_HEAD_BYTES 64u
#define LIM_SELF_WORDS (1u << 20)

// Interpreters and thread states, linked lists in the target.
#define LIM_INTERPRETERS 10000u
#define LIM_THREADS 1000000u

// Files of one process that hold an interpreter, whether it runs or not: two happen.
#define LIM_INTERPRETER_FILES 16u

// Frames on one thread's stack; sys.setrecursionlimit() can go far, but not this far.
#define LIM_FRAMES 10000000u

// Bytes of stacks in which frames are looked for where the links between them are broken, of all
// threads: a thread has a few KiB in use as a rule, and looking takes 0.1 µs a word.
#define LIM_FRAME_SEARCH_BYTES (64ull << 20)

// Node ids are 31 bits wide, the top bit marks guessed edges.
#define LIM_NODES 0x7fffffffu

// pymalloc's arenas of 256 KiB or more: an address space of 2^47 bytes holds fewer than 2^30, and
// what could be kept in memory is far less.
#define LIM_ARENAS 16777216u

// Variables of modules that point to objects, each a root of its own.
#define LIM_STATIC_ROOTS 1000000u

// Writable data of the module that holds malloc: glibc's has 60 KiB, a static program's more.
#define LIM_LIBC_DATA_BYTES (16u << 20)

// Arenas of malloc: glibc makes eight for each processor at most.
#define LIM_MALLOC_ARENAS 65536u

// Pages that cannot be read, met while memory is searched: of what is reserved there may be
// terabytes.
#define LIM_MISSES 262144u

// Characters of a type's, module's or function's name.
#define LIM_NAME_BYTES 1024u

// Bases of a type up to object, and metatypes up to type: deeper is a loop.
#define LIM_TYPE_DEPTH 1000u

// Different types in one heap; each costs us half a kilobyte.
#define LIM_TYPES 4000000u

// Members and __slots__ of one type, its bases' among them; and of all types.
#define LIM_MEMBERS 4096u
#define LIM_ALL_MEMBERS 4194304u

// Items of a namespace (of a module, of a class) among which a name is looked up.
#define LIM_NAMESPACE 65536u

// Names that all look-ups of one command compare: so many, and more for each byte of the target.
#define LIM_NAMES (16ull << 20)

// Characters of a text, or bytes, whose hash is shown in place of them; and dicts whose keys are
// names that need not be hidden.
#define LIM_REDACTED 65536u
#define LIM_NAMESPACES 4000000u

// Elements of one container: more than an address space of 2^47 bytes can hold in 8-byte
// slots is a corrupt count. Readers also check the bytes that are really mapped.
#define LIM_CONTAINER (1ull << 44)

// References that one pass over the heap reads on a thread, for each word of the target: each is a
// word of its own, but for keys, which objects with attributes share and have a word of their own
// beside, the value.
#define LIM_EDGES_PER_WORD 2u

// Bytes of one object and what it alone owns: no user address space of x86-64 is larger.
#define LIM_OBJECT_BYTES (1ull << 47)

// Words of a C stack that are looked at: more than any thread is given by default.
#define LIM_STACK_BYTES (256u << 20)

// Frame slots: co_nlocalsplus + co_stacksize of one code object.
#define LIM_FRAME_SLOTS 1000000u

// Frames of all tasks and greenlets together; each takes us 100 bytes.
#define LIM_TASK_FRAMES 4000000u

// Tasks that all of asyncio's tasks together wait for.
#define LIM_AWAITED 10000000u

// Attributes and indices in one expression of `print`.
#define LIM_EXPRESSION_STEPS 1000u

// A source file of which a line is shown.
#define LIM_SOURCE_BYTES (64u << 20)

// Pieces of the stack of frames that 3.11 and later keep for a thread: 16 KiB and more each.
#define LIM_STACK_CHUNKS 1000000u

// Exceptions handled in each other, or each the cause of the next; entries of a traceback.
#define LIM_EXCEPTIONS 1000u
#define LIM_TRACEBACK 1000000u

// The table of one code object that gives its lines: a few bytes for each line of source.
#define LIM_LINE_TABLE_BYTES (64u << 20)

// Bytes of slots, line tables and exception tables that one command looks at for frames: so many,
// and more for each byte of the target. A slot is a word of memory, and counted as two: it takes
// as long as that of a table.
#define LIM_FRAME_BYTES (128ull << 20)
#define LIM_FRAME_BYTES_PER_BYTE 4u

// An extension module's state: the largest of the standard library's has some KiB.
#define LIM_MODULE_STATE_BYTES (1u << 20)

// Codes of one struct.Struct: a format of a million letters is no format.
#define LIM_FORMAT_CODES 1000000u

// Nested containers in one repr, and characters of it.
#define LIM_REPR_DEPTH 3u
#define LIM_REPR_BYTES 160u
// The same where values are what was asked for.
#define LIM_REPR_DEEP_DEPTH 6u
#define LIM_REPR_DEEP_BYTES 2000u

// Characters of a text or bytes that a condition of --where compares.
#define LIM_CONDITION_TEXT 65536u

// Attributes of an instance among which its repr looks for some to show.
#define LIM_REPR_ATTRS 256u

// Of one emulator: parts of the address space mapped at a time (each slows it a little), copies
// of memory, and memory that the emulated code may ask for.
#define LIM_EMU_REGIONS 512u
#define LIM_EMU_COPY_BYTES (64u << 20)
#define LIM_EMU_ROOM_BYTES (16u << 20)

// Steps (blocks of instructions) of one emulated call, and those more for each object it visits:
// a traversal takes about five a reference.
#define LIM_EMU_STEPS 2097152u
#define LIM_EMU_STEPS_VISIT 64u

// Objects that one object may visit, also at most the words there are: past this it is a loop.
#define LIM_EMU_VISITED (16u << 20)

// Entries of one dynamic section.
#define LIM_DYNAMIC 256u

// Tables of the target's modules, among whose names those of libc's functions are looked for.
#define LIM_EMU_MODULES 4096u
#define LIM_EMU_RELOCATIONS 1048576u
#define LIM_EMU_SYMBOLS 65536u
#define LIM_EMU_PATCHES 256u

// Times that a call is begun again because memory had to be made ready for it.
#define LIM_EMU_TRIES 256u

// Processor time of one emulated call, and that more for each object it visits: steps that write
// where there is code, or compute with floats, take a hundred times as long as others.
#define LIM_EMU_CALL_NS 250000000ull
#define LIM_EMU_VISIT_NS 4000ull

// Steps and processor time of calls that came to no end, of one emulator: then it is not asked
// any more.
#define LIM_EMU_WASTED_STEPS (1ull << 27)
#define LIM_EMU_WASTED_NS 2000000000ull

// Steps that the calls of one pass over the heap may take together beyond those that any call may:
// so many, and more for each word of the target. A reference that is visited is a word, and takes
// about five. What is not a step and takes time counts as some: making a part of memory known,
// each 64 bytes that are copied, and beginning again after a call that failed.
// A step of sound code takes 100 ns; one that takes longer than the slow step counts as several.
#define LIM_EMU_PASS_STEPS (1u << 21)
#define LIM_EMU_PASS_STEPS_WORD 6u
#define LIM_EMU_CALL_STEPS 256u
#define LIM_EMU_STEP_NS 100u
#define LIM_EMU_SLOW_STEP_NS 300u
#define LIM_EMU_MAP_STEPS 256u
#define LIM_EMU_FAIL_STEPS 512u

// Objects that the calls of one batch may visit together, before what they visited is taken.
#define LIM_EMU_BATCH_VISITED (4u << 20)

// Calls of one function that came to no end: then the function is not called any more.
#define LIM_EMU_ENDLESS 16u

#endif
