# SPDX-License-Identifier: GPL-2.0-or-later
"""Shared memory of every kind that Python can make, and the objects that point into it.

Usage: shared.py TRUTH-FILE
"""

import ctypes
import gc
import mmap
import os
import sys
import tempfile

import truth

try:
    from multiprocessing.shared_memory import SharedMemory  # 3.8 and later
except ImportError:
    SharedMemory = None

LIBC = ctypes.CDLL(None, use_errno=True)
IPC_PRIVATE, IPC_RMID = 0, 0
SYSV_BYTES = 65536


def from_c(attaches):
    """A System V segment that C attaches: no object knows of it."""
    LIBC.shmat.restype = ctypes.c_void_p
    segment = LIBC.shmget(IPC_PRIVATE, SYSV_BYTES, 0o1600)
    if segment < 0:
        truth.cannot("System V shared memory is not to be had here")
    for _ in range(attaches):
        LIBC.shmat(segment, None, 0)
    LIBC.shmctl(segment, IPC_RMID, None)


def anonymous():
    """Shared, without a name: the mmap, a view of it, and a ctypes array upon it."""
    memory = mmap.mmap(-1, 1 << 20)
    array = (ctypes.c_char * 100).from_buffer(memory)
    return [memory, array] + ([] if sys.version_info < (3,) else [memoryview(memory)])


def unlinked():
    """A file in /dev/shm that has lost its name."""
    handle, path = tempfile.mkstemp(dir="/dev/shm")
    os.ftruncate(handle, 8192)
    memory = mmap.mmap(handle, 8192)
    os.close(handle)
    os.unlink(path)
    return [memory]


def with_helpers(objects):
    """These, and what views keep between themselves and the memory."""
    found = list(objects)
    for o in found:
        held = gc.get_referents(o) + list((getattr(o, "_objects", None) or {}).values())
        found += [other for other in held if type(other).__name__ in ("managedbuffer", "memoryview")
                  and not any(other is known for known in found)]
    return found


def main(path):
    from_c(attaches=5)
    kept = {"anon": anonymous(), "posix": unlinked()}
    if SharedMemory is not None:
        named = SharedMemory(create=True, size=SYSV_BYTES)
        kept["named"] = [named, named._mmap, named.buf]
        named.unlink()
    notes = {kind: [id(o) for o in with_helpers(objects)] for kind, objects in kept.items()}
    truth.record_and_wait(path, (), {"holders": notes, "sysv attaches": 5}, detail="counts")
    return kept


if __name__ == "__main__":
    main(sys.argv[1])
