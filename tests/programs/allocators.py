# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory with gaps in it, and what CPython and glibc say of it as the very last thing.

Usage: allocators.py RESULT-FILE [ALLOCATOR, as in PYTHONMALLOC]

Notes: {"pins": ids of objects that remain of many, "items": where lists that remain of many have
their items}. Beside the result file lie, each written by what it is of and through no object of
Python's:

.pools      what sys._debugmallocstats() prints
.mallinfo   struct mallinfo2, followed by what sys.getallocatedblocks() returned as 8 bytes
.malloc     what malloc_info(3) writes

All of it is asked for once before, so that what a first call sets up is there.
"""

import ctypes
import json
import mmap
import os
import sys
import threading

import truth

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.free.argtypes = [ctypes.c_void_p]
LIBC.fopen.restype = ctypes.c_void_p
LIBC.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
LIBC.rewind.argtypes = LIBC.fflush.argtypes = [ctypes.c_void_p]

PAGE = 4096
COUNT_AT = 256  # where the count of blocks is, in the file


class Pin(object):
    """One of few that remain."""

    __slots__ = ("number",)


def thin_out():
    """Many objects of one size, of which one in a thousand remains."""
    many = []
    for _ in range(60000):
        many.append(Pin())
    kept = many[::1000]
    for pin in kept:
        pin.number = None
    del many
    return kept


def thin_out_lists():
    """The same of lists, whose items have a block of their own."""
    many = []
    for _ in range(30000):
        many.append([None] * 14)
    kept = many[::1000]
    del many
    return kept


def items_of(one):
    """Where a list keeps its items: the word after ob_size."""
    return ctypes.c_void_p.from_address(id(one) + list.__basicsize__ - 16).value


def with_gaps(sizes):
    """Chunks of malloc's of which every third is freed: those of a thread go to its own arena."""
    chunks = []
    for size in sizes:  # of the small ones more than a tcache keeps
        chunks += [LIBC.malloc(size) for _ in range(30 if size < 128 else 9)]
    for chunk in chunks[::3]:
        LIBC.free(chunk)


def in_a_thread(started, end):
    # mapped by itself, larger than what a tcache has, and small: fastbins fill up last
    with_gaps([300000, 40000, 5000, 1100, 120, 100, 24])
    started.set()
    end.wait()


def start_threads():
    end = threading.Event()
    for _ in range(2):
        started = threading.Event()
        thread = threading.Thread(target=in_a_thread, args=(started, end))
        thread.daemon = True
        thread.start()
        started.wait()
    return end


def shared_page(path):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(descriptor, PAGE)
    page = mmap.mmap(descriptor, PAGE)
    os.close(descriptor)
    return page


def main(path):
    kept = thin_out()
    lists = thin_out_lists()
    end = start_threads()
    with_gaps([200000, 3000, 1500, 120, 72, 56, 24])
    truth.save(path, json.dumps({"notes": {
        "pins": [id(pin) for pin in kept], "items": [items_of(one) for one in lists]}}))
    page = shared_page(path + ".mallinfo")
    # large structs are returned through an address that comes first
    mallinfo = getattr(LIBC, "mallinfo2", None)
    info = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    words = memoryview(page).cast("Q") if sys.version_info[0] > 2 else None
    count = getattr(sys, "getallocatedblocks", None)
    statistics = getattr(sys, "_debugmallocstats", int)
    stream = ctypes.c_void_p(LIBC.fopen((path + ".malloc").encode(), b"w"))
    pools = os.open(path + ".pools", os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(pools, 2)
    turns = 3  # an iterator would be there when it is counted, and gone when it waits
    while turns:
        turns -= 1
        LIBC.rewind(stream)
        LIBC.malloc_info(0, stream)
        LIBC.fflush(stream)
        if mallinfo is not None:
            mallinfo(info)
        os.lseek(pools, 0, os.SEEK_SET)
        statistics()
        if count is not None:
            words[COUNT_AT // 8] = count()
    os.write(1, b"ready\n")  # by no function of ours: a first call's frame is kept
    while True:
        truth.pause()
    return kept, lists, end


if __name__ == "__main__":
    if len(sys.argv) > 2 and "PYTHONMALLOC" not in os.environ:
        os.environ["PYTHONMALLOC"] = sys.argv[2]  # it is read when Python starts
        os.execv(sys.executable, [sys.executable, "-s", "-B"] + sys.argv)
    main(sys.argv[1])
