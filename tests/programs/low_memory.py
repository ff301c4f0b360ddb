# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that looks like objects, at the address that compiled objects of 3.11 have as refcount.

A program that is not position-independent may have its heap there. Usage: low_memory.py TRUTH-FILE
"""

import ctypes
import mmap
import struct
import sys

import truth

ADDRESS = 999999999 & -mmap.PAGESIZE
MAP_FIXED_NOREPLACE = 0x100000

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
# it fails where the heap is there indeed, which is as well
if libc.mmap(ADDRESS, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE,
             mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == ADDRESS:
    words = mmap.PAGESIZE // 8
    ctypes.memmove(ADDRESS, struct.pack("<%dQ" % words, *[id(object)] * words), mmap.PAGESIZE)

if __name__ == "__main__":
    truth.record_and_wait(sys.argv[1], (), detail="counts")
