# SPDX-License-Identifier: GPL-2.0-or-later
"""One mapping of each kind that coredump_filter knows, each written to where it can be.

Usage: coredump.py TRUTH-FILE

Notes: {"mappings": {kind: [start, bytes]}, "missing": {kind: why there is none}}.
"""

import ctypes
import os
import sys
import tempfile

import truth

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
IPC_PRIVATE, IPC_RMID, SHM_RDONLY, SHM_HUGETLB = 0, 0, 0o10000, 0o4000
READ, READ_WRITE = 1, 3
SHARED, PRIVATE, ANONYMOUS, HUGETLB = 1, 2, 0x20, 0x40000
FAILED = ctypes.c_void_p(-1).value
BYTES, HUGE = 16 * 4096, 2 << 20

mappings, missing = {}, {}


def keep(kind, start, size, write=True):
    if start in (None, FAILED):
        missing[kind] = os.strerror(ctypes.get_errno())
        return
    mappings[kind] = [start, size]
    for at in range(start, start + size if write else start, 4096):
        ctypes.memset(at, 0xa5, 8)


def mapped(flags, descriptor=-1, size=BYTES, protection=READ_WRITE):
    return LIBC.mmap(None, size, protection, flags, descriptor, 0)


def sysv(kind, flags=0, attach=0, size=BYTES):
    segment = LIBC.shmget(IPC_PRIVATE, size, 0o1600 | flags)
    if segment < 0:
        missing[kind] = os.strerror(ctypes.get_errno())
        return
    keep(kind, LIBC.shmat(segment, None, 0), size)
    if attach:
        keep(kind + " read-only", LIBC.shmat(segment, None, attach), size, write=False)
    LIBC.shmctl(segment, IPC_RMID, None)


def file_of(directory):
    handle, path = tempfile.mkstemp(dir=directory, prefix="necropy-test-")
    os.write(handle, b"\x5a" * BYTES)
    return handle, path


def posix():
    handle, path = file_of("/dev/shm")
    keep("posix linked", mapped(SHARED, handle), BYTES)
    os.close(handle)
    handle, unlinked = file_of("/dev/shm")
    keep("posix unlinked", mapped(SHARED, handle), BYTES)
    os.close(handle)
    os.unlink(unlinked)
    return path


def memfd(kind, flags=0, size=BYTES):
    handle = LIBC.memfd_create(b"necropy-test", flags)
    if handle < 0:
        missing[kind] = os.strerror(ctypes.get_errno())
        return
    os.ftruncate(handle, size)
    keep(kind, mapped(SHARED, handle, size), size)


def files():
    handle, path = file_of(".")
    keep("file shared", mapped(SHARED, handle), BYTES)
    keep("file private untouched", mapped(PRIVATE, handle, protection=READ), BYTES, write=False)
    keep("file private written", mapped(PRIVATE, handle), BYTES)


def main(path):
    sysv("sysv", attach=SHM_RDONLY)
    linked = posix()
    memfd("memfd")
    keep("shared anonymous", mapped(SHARED | ANONYMOUS), BYTES)
    keep("private anonymous", mapped(PRIVATE | ANONYMOUS), BYTES)
    keep("hugetlb private", mapped(PRIVATE | ANONYMOUS | HUGETLB, size=HUGE), HUGE)
    keep("hugetlb shared", mapped(SHARED | ANONYMOUS | HUGETLB, size=HUGE), HUGE)
    sysv("hugetlb sysv", SHM_HUGETLB, size=HUGE)
    memfd("hugetlb memfd", 4, HUGE)
    files()
    truth.record_and_wait(path, (), {"mappings": mappings, "missing": missing, "linked": linked},
                          detail="counts")


if __name__ == "__main__":
    main(sys.argv[1])
