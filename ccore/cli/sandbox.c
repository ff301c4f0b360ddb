// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A list of the system calls that a reader needs, as a seccomp filter; all others fail with
 * EPERM, as if the kernel had been told so by an administrator, and libraries know how to do
 * without. Landlock says the same of files once more, where the kernel has it: a filter sees
 * numbers only, and no paths.
 */
#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define ANY (-1)

// Of pthread_create(), and what a fork does not have.
#define THREAD (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)

// What O_TMPFILE is made of that O_DIRECTORY is not.
#define TMPFILE (O_TMPFILE & ~O_DIRECTORY)
#define OPEN_CHANGES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | TMPFILE)

// Newer than the oldest kernel headers that we are built with.
#define ACCESS_FS_REFER (1ull << 13)
#define ACCESS_FS_TRUNCATE (1ull << 14)
#define ACCESS_FS_IOCTL_DEV (1ull << 15)
#define ACCESS_NET_TCP 3ull
#define SCOPE_ALL 3ull
#define PAGEMAP_SCAN_REQUEST 0xc0606610u

// Call `nr` is allowed when the `mask`ed bits of argument `arg` are `value`; always where it is
// ANY. Of several rows on one call each is enough.
struct rule {
	unsigned nr;
	int arg;
	uint32_t mask, value;
};

#define FREE(name)                       \
	{                                \
		__NR_##name, ANY, 0u, 0u \
	}

static const struct rule rules[] = {
	// memory
	FREE(brk),
	FREE(madvise),
	FREE(mmap),
	FREE(mprotect),
	FREE(mremap),
	FREE(munmap),
	// what is open already
	FREE(close),
	FREE(fstat),
	FREE(fstatfs),
	FREE(ftruncate),
	FREE(getdents64),
	FREE(lseek),
	FREE(pread64),
	FREE(pwrite64),
	FREE(read),
	FREE(readv),
	FREE(write),
	FREE(writev),
	{__NR_fcntl, 1, UINT32_MAX, F_GETFD},
	{__NR_fcntl, 1, UINT32_MAX, F_SETFD},
	{__NR_fcntl, 1, UINT32_MAX, F_GETFL},
	{__NR_ioctl, 1, UINT32_MAX, TCGETS},
	// files, to be read
	FREE(access),
	FREE(faccessat),
	FREE(faccessat2),
	FREE(getcwd),
	FREE(lstat),
	FREE(newfstatat),
	FREE(readlink),
	FREE(readlinkat),
	FREE(stat),
	FREE(statfs),
	FREE(statx),
	{__NR_open, 1, OPEN_CHANGES, O_RDONLY},
	{__NR_openat, 2, OPEN_CHANGES, O_RDONLY},
	// With O_EXCL it never gets a name.
	{__NR_openat, 2, ~(uint32_t)O_CLOEXEC, O_TMPFILE | O_RDWR | O_EXCL},
	// threads
	{__NR_clone, 0, THREAD, THREAD},
	FREE(exit),
	FREE(exit_group),
	FREE(futex),
	FREE(get_robust_list),
	FREE(gettid),
	FREE(membarrier),
	FREE(poll),
	FREE(restart_syscall),
	FREE(rseq),
	FREE(rt_sigaction),
	FREE(rt_sigprocmask),
	FREE(rt_sigreturn),
	FREE(sched_getaffinity),
	FREE(sched_yield),
	FREE(set_robust_list),
	FREE(sigaltstack),
	// the time, and this machine
	FREE(clock_getres),
	FREE(clock_gettime),
	FREE(clock_nanosleep),
	FREE(getegid),
	FREE(geteuid),
	FREE(getgid),
	FREE(getpid),
	FREE(getrandom),
	FREE(gettimeofday),
	FREE(getuid),
	FREE(nanosleep),
	FREE(sysinfo),
	FREE(time),
	FREE(uname),
};

// To look at a process; none of these changes it.
static const struct rule tracing[] = {
	FREE(process_vm_readv),
	FREE(wait4),
	{__NR_ioctl, 1, UINT32_MAX, PAGEMAP_SCAN_REQUEST},
	{__NR_ptrace, 0, UINT32_MAX, PTRACE_SEIZE},
	{__NR_ptrace, 0, UINT32_MAX, PTRACE_INTERRUPT},
	{__NR_ptrace, 0, UINT32_MAX, PTRACE_GETREGSET},
	{__NR_ptrace, 0, UINT32_MAX, PTRACE_DETACH},
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define RULE_INSTRUCTIONS 6u

struct filter {
	struct sock_filter code[(ROWS(rules) + ROWS(tracing) + 8) * RULE_INSTRUCTIONS];
	unsigned short n;
};

static void add(struct filter *f, unsigned code, unsigned k, unsigned if_true, unsigned if_false)
{
	f->code[f->n++] = (struct sock_filter){
		.code = (unsigned short)code,
		.jt = (unsigned char)if_true,
		.jf = (unsigned char)if_false,
		.k = k,
	};
}

static void load(struct filter *f, size_t off)
{
	add(f, BPF_LD | BPF_W | BPF_ABS, (unsigned)off, 0, 0);
}

// Steps over `n` instructions unless what was loaded is `k`.
static void unless_equal_skip(struct filter *f, unsigned k, unsigned n)
{
	add(f, BPF_JMP | BPF_JEQ | BPF_K, k, 0, n);
}

static void end(struct filter *f, unsigned action)
{
	add(f, BPF_RET | BPF_K, action, 0, 0);
}

// The low half: these arguments are 32 bits wide to the kernel as well.
static size_t arg_offset(int i)
{
	return offsetof(struct seccomp_data, args) + (size_t)i * sizeof(uint64_t);
}

static void add_rule(struct filter *f, const struct rule *r)
{
	load(f, offsetof(struct seccomp_data, nr));
	unless_equal_skip(f, r->nr, r->arg == ANY ? 1 : 4);
	if (r->arg != ANY) {
		load(f, arg_offset(r->arg));
		add(f, BPF_ALU | BPF_AND | BPF_K, r->mask, 0, 0);
		unless_equal_skip(f, r->value, 1);
	}
	end(f, SECCOMP_RET_ALLOW);
}

static void add_rules(struct filter *f, const struct rule *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_rule(f, &r[i]);
}

// Limits can be asked for, and not be set: prlimit64(0, RESOURCE, NULL, …).
static void add_prlimit(struct filter *f)
{
	load(f, offsetof(struct seccomp_data, nr));
	unless_equal_skip(f, __NR_prlimit64, 5);
	load(f, arg_offset(2));
	unless_equal_skip(f, 0, 3);
	load(f, arg_offset(2) + sizeof(uint32_t));
	unless_equal_skip(f, 0, 1);
	end(f, SECCOMP_RET_ALLOW);
}

static void build(struct filter *f, bool may_trace)
{
	// abort() and assert() raise SIGABRT for this process.
	const struct rule raise_own = {__NR_tgkill, 0, UINT32_MAX, (uint32_t)getpid()};

	load(f, offsetof(struct seccomp_data, arch));
	unless_equal_skip(f, AUDIT_ARCH_X86_64, 1);
	add(f, BPF_JMP | BPF_JA, 1, 0, 0);
	end(f, SECCOMP_RET_KILL_PROCESS);
	add_rules(f, rules, ROWS(rules));
	add_rules(f, tracing, may_trace ? ROWS(tracing) : 0);
	add_rule(f, &raise_own);
	add_prlimit(f);
	// Its flags are in memory, where a filter cannot look: libc then uses clone().
	load(f, offsetof(struct seccomp_data, nr));
	unless_equal_skip(f, __NR_clone3, 1);
	end(f, SECCOMP_RET_ERRNO | ENOSYS);
	end(f, SECCOMP_RET_ERRNO | EPERM);
}

// -- Landlock

struct ruleset {
	uint64_t fs, net, scoped;
};

static struct ruleset all_that_changes(long abi)
{
	struct ruleset all = {.fs = (1ull << 13) - 1};

	all.fs &= ~(uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
	all.fs |= abi >= 2 ? ACCESS_FS_REFER : 0;
	all.fs |= abi >= 3 ? ACCESS_FS_TRUNCATE : 0;
	all.net = abi >= 4 ? ACCESS_NET_TCP : 0;
	all.fs |= abi >= 5 ? ACCESS_FS_IOCTL_DEV : 0;
	all.scoped = abi >= 6 ? SCOPE_ALL : 0;
	return all;
}

// Temporary files are written; the filter sees to it that they have no name.
static void allow_temporary_files(int ruleset, const struct ruleset *all, const char *dir)
{
	struct landlock_path_beneath_attr below = {
		.allowed_access = all->fs & (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE),
		.parent_fd = open(dir, O_PATH | O_CLOEXEC),
	};

	if (below.parent_fd < 0)
		return; // who needs it will be told
	(void)syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	(void)close(below.parent_fd); // it was only a path
}

// Nothing where the kernel has no Landlock: the filter alone does it then.
static const char *restrict_files(const char *tmp_dir)
{
	const long abi =
		syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const struct ruleset all = all_that_changes(abi);
	const size_t size = abi >= 6   ? sizeof(all)
			    : abi >= 4 ? offsetof(struct ruleset, scoped)
				       : offsetof(struct ruleset, net);
	long fd, r;

	if (abi < 1)
		return NULL;
	fd = syscall(__NR_landlock_create_ruleset, &all, size, 0);
	if (fd < 0)
		return "this kernel's Landlock refuses its rules";
	allow_temporary_files((int)fd, &all, tmp_dir);
	r = syscall(__NR_landlock_restrict_self, fd, 0);
	(void)close((int)fd); // it is in force, or not
	return r < 0 ? "this kernel's Landlock refuses its rules" : NULL;
}

const char *sandbox_enter(const char *tmp_dir, bool may_trace)
{
	struct filter f = {.n = 0};
	struct sock_fprog program;
	const char *why_not = NULL;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "this kernel cannot forbid new privileges";
	// Landlock lets no one trace a process outside of it.
	if (!may_trace)
		why_not = restrict_files(tmp_dir);
	if (why_not)
		return why_not;
	build(&f, may_trace);
	program = (struct sock_fprog){.len = f.n, .filter = f.code};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return "this kernel has no seccomp filters";
	return NULL;
}
