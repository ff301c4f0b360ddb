# SPDX-License-Identifier: GPL-2.0-or-later
"""A heap inside a program of another kind, which imports this: see tests/test_hosts.py.

wait_in() writes the truth down and waits, in whichever interpreter and thread it is called.
"""

import ctypes
import mmap
import signal
import sys
import threading

import truth

PR_SET_PDEATHSIG = 1


class Kept(object):
    def __init__(self, number):
        self.number = [number]


kept = [Kept(i) for i in range(7)]
shared = mmap.mmap(-1, 3 << 20)


def functions():
    """The names of what runs, the innermost first."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found


def wait_in(path):
    # its parent is the host, of which only the first process is the tests' own child
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    notes = {
        "chain": [id(sys.modules[__name__]), id(globals()), id(kept), id(kept[3])],
        "functions": ["record_and_wait"] + functions(),
        "shared": id(shared),
        "thread": threading.get_native_id(),
    }
    truth.record_and_wait(path, (), notes, detail="objects")
