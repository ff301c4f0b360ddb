# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that compete for the GIL, and some that know nothing of it.

Usage: contention.py TRUTH-FILE. Runs on CPython 2.7 and 3.6 or later.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import time

import truth

COMPETITORS = 4
NATIVE_THREADS = 3
SECONDS = 15  # of competition: time to be looked at


def compete():
    number = 0
    end = time.time() + SECONDS
    while time.time() < end:
        number += 1
    time.sleep(1000000)  # others want the processor, too


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
    names = []
    start_native_threads()
    for number in range(COMPETITORS):
        thread = threading.Thread(target=compete, name="competitor %d" % number)
        thread.daemon = True
        thread.start()
        names.append(thread.name)
    time.sleep(0.3)
    with open(path, "w") as text:
        json.dump({"busy": names, "native_threads": NATIVE_THREADS, "notes": None}, text)
    truth.say_ready()
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
