# SPDX-License-Identifier: GPL-2.0-or-later
"""Crashes while it handles an exception. Usage: crash.py TRUTH-FILE HOW

HOW: "segfault" reads from address 4660 in a thread, "wild" from one that can be none, as the debug
allocator leaves it, "held" and "freed" copy an object, or one that was freed, to address 4660,
"bus" reads what a file that is mapped has no more, "malloc" frees memory twice, "assertion" is
libc's, "abort" aborts in the main thread, "kill" has another thread send SIGSEGV, "finalize" aborts
in an atexit function, "deep" recurses in C until the stack ends, "fatal" asks CPython for what
needs the GIL without having it, "memory" aborts while it handles a MemoryError, and has
faulthandler enabled.
It waits for a file "crash-now" to appear. The truth is the stack of the thread that crashes and its
exceptions.

Runs on CPython 2.7 and 3.6 or later.
"""

import atexit
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback

import truth


kept, known = [], {}


class Trouble(Exception):
    pass


def fall(how):
    if how in ("held", "freed"):
        kept.append(b"x" * int("400"))  # no constant: that would stay
        known["copied"] = id(kept[0])
    record()
    while not os.path.exists("crash-now"):
        time.sleep(0.01)
    if how == "segfault":
        import ctypes
        ctypes.string_at(4660)  # here: segfault
    elif how == "wild":
        import ctypes
        ctypes.string_at(0xdddddddddddddddd)  # here: wild
    elif how in ("held", "freed"):
        import ctypes
        if how == "freed":
            del kept[:]
        ctypes.memmove(4660, ctypes.c_void_p(known["copied"]), 24)  # here: held freed
    elif how == "bus":
        read_what_is_cut_off()
    elif how == "malloc":
        free_twice()
    elif how == "assertion":
        fail_assertion()
    elif how in ("abort", "finalize"):
        os.abort()  # here: abort finalize
    elif how == "fatal":
        import ctypes
        ctypes.CDLL(None).PyThreadState_Get()  # here: fatal
    elif how == "memory":
        use_up_memory()
    elif how == "kill":
        threading.Thread(target=send_signal).start()
        time.sleep(1000)  # here: kill
    else:
        deep_in_c()  # here: deep


def read_what_is_cut_off():
    import mmap
    with open("cut", "w+b") as shared:
        shared.write(b"x" * 8192)
        shared.flush()
        view = mmap.mmap(shared.fileno(), 8192)
        shared.truncate(0)
        view[5000]


def free_twice():
    import ctypes
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    chunk = ctypes.c_void_p(libc.malloc(2000))
    guard = ctypes.c_void_p(libc.malloc(2000))
    libc.free(chunk)
    libc.free(chunk)
    libc.free(guard)


def fail_assertion():
    import ctypes
    ctypes.CDLL(None).__assert_fail(b"n > 0", b"module.c", 17, b"work")


def use_up_memory():
    kept = []
    with open("/proc/self/statm") as text:
        mapped = int(text.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + (1 << 24), resource.RLIM_INFINITY))
    try:
        while True:
            kept.append(bytearray(1 << 20))
    except MemoryError:
        os.abort()


def send_signal():
    time.sleep(0.3)  # then the other thread waits
    os.kill(os.getpid(), signal.SIGSEGV)


def deep_in_c():
    """repr() of lists in lists recurses in C; with the limit away, until the stack ends."""
    nested = []
    for _ in range(1000000):
        nested = [nested]
    threading.stack_size(256 * 1024)
    sys.setrecursionlimit(1 << 30)
    repr(nested)


def raise_first():
    {}["missing"]


def raise_second():
    try:
        raise_first()
    except KeyError:
        raise Trouble("second", 2)


def with_exceptions(how):
    try:
        raise_second()
    except Trouble as error:
        if hasattr(error, "add_note"):
            error.add_note("a note on it")
        try:
            open("/nonexistent/file")
        except (OSError, IOError):
            fall(how)


def text_of(kind, value):
    return traceback.format_exception_only(kind, value)[0].rstrip("\n")


def qualified(code):
    return getattr(code, "co_qualname", code.co_name)


def chain():
    """[[last line of its report, [[function, line] of its traceback]] of each exception]."""
    found = []
    kind, value, trace = sys.exc_info()
    while value is not None:
        entries = []
        while trace:
            entries.append([qualified(trace.tb_frame.f_code), trace.tb_lineno])
            trace = trace.tb_next
        found.append([text_of(kind, value), entries])
        value = getattr(value, "__context__", None)
        kind, trace = type(value), getattr(value, "__traceback__", None)
    return found


def record():
    frames = []
    frame = sys._getframe(1)
    while frame:
        if os.path.basename(frame.f_code.co_filename).startswith("crash.py"):
            frames.append([qualified(frame.f_code), frame.f_lineno])
        frame = frame.f_back
    with open("truth.json.unfinished", "w") as text:
        json.dump({"notes": None, "frames": frames, "exceptions": chain(),
                   "limit": sys.getrecursionlimit(), "pid": os.getpid(), "known": known,
                   "ident": threading.current_thread().ident}, text)
    os.rename("truth.json.unfinished", sys.argv[1])
    truth.say_ready()


def main(how):
    if how == "deep" and sys.version_info >= (3, 12):
        truth.cannot("recursion in C has a limit of its own from 3.12 on")
    if how == "memory" and sys.version_info >= (3,):
        import faulthandler
        faulthandler.enable()
    if how == "finalize":
        atexit.register(with_exceptions, how)
    elif how == "abort":
        with_exceptions(how)
    else:
        crasher = threading.Thread(target=with_exceptions, args=(how,), name="crasher")
        crasher.start()
        crasher.join()


if __name__ == "__main__":
    main(sys.argv[2])
