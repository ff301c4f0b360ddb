# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that wait for the GIL, the one that holds it, and some that know nothing of it.

The main thread waits in C code without giving the GIL away, for ever, so that whatever the
machine's load is the others come to wait for it. Usage: contention.py TRUTH-FILE

Runs on CPython 2.7 and 3.6 or later.
"""

import ctypes
import json
import os
import sys
import threading
import time

import truth

COMPETITORS = 4
NATIVE_THREADS = 3
A_MOMENT = 300000  # microseconds: all competitors wait for the GIL after it


running = []


def compete():
    running.append(threading.current_thread().name)
    while True:
        time.sleep(0.001)


def hold_the_gil():
    """Say "ready" and wait, without another thread's running Python in between."""
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(1000)
    else:
        sys.setcheckinterval(1 << 30)
    libc = ctypes.PyDLL(None)  # whose calls keep the GIL
    libc.usleep(A_MOMENT)
    libc.write(1, b"ready\n", 6)
    libc.pause()


def start_native_threads():
    """Threads of the C library alone: each waits in pause(2)."""
    libc = ctypes.CDLL(None)
    pause = ctypes.cast(libc.pause, ctypes.c_void_p)
    for _ in range(NATIVE_THREADS):
        thread = ctypes.c_ulong()
        failed = libc.pthread_create(ctypes.byref(thread), None, pause, None)
        if failed:
            truth.cannot("pthread_create() fails: %s" % os.strerror(failed))


def main(path):
    start_native_threads()
    for number in range(COMPETITORS):
        thread = threading.Thread(target=compete, name="competitor %d" % number)
        thread.daemon = True
        thread.start()
    while len(running) < COMPETITORS:
        time.sleep(0.01)
    with open(path, "w") as text:
        json.dump({"busy": running, "native_threads": NATIVE_THREADS,
                   "holder": threading.current_thread().name, "notes": None}, text)
    hold_the_gil()


if __name__ == "__main__":
    main(sys.argv[1])
