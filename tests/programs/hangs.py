# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that wait, each for something else. Usage: hangs.py TRUTH-FILE [gil]

The truth: {"waits": {thread: {"object": address or None, "owners": [threads], "guess": whether
no lock notes that, "deadlock": [threads] or None, "stuck": whether it can not go on}}}. With
"gil", the main thread holds the GIL and waits for a mutex of C code, whose owner waits for the
GIL. Runs on CPython 2.7 and 3.6 or later.
"""

import ctypes
import json
import os
import sys
import threading
import time

import truth

try:
    import queue
except ImportError:
    import Queue as queue

waits = {}
never = threading.Event()


def start(name, function, *arguments):
    thread = threading.Thread(target=function, args=arguments, name=name)
    thread.daemon = True
    thread.start()
    return thread


def expect(name, thing, owners=(), guess=False, deadlock=None, stuck=False):
    waits[name] = {"object": None if thing is None else hex(id(thing)).rstrip("L"),
                   "owners": sorted(owners), "guess": guess, "stuck": stuck,
                   "deadlock": sorted(deadlock) if deadlock else None}


class Both(object):
    """Two threads that come to wait for each other."""

    def __init__(self, kind, first, second):
        self.met = [threading.Event(), threading.Event()]
        names = ["%s %d" % (kind, i) for i in (0, 1)]
        for i in (0, 1):
            start(names[i], getattr(self, kind.split()[0]), i, *((first, second)[::1 - 2 * i]))
            expect(names[i], (second, first)[i], [names[1 - i]], kind.split()[-1] != "rlock",
                   names, True)

    def meet(self, i):
        self.met[i].set()
        self.met[1 - i].wait()

    def within(self, i, mine, other):
        with mine:
            for _ in range(1):
                with open(os.devnull):
                    self.meet(i)
                    with other:
                        pass

    def acquire(self, i, mine, other):
        mine.acquire()
        self.meet(i)
        other.acquire()


def attribute_of_self():
    class Account(object):
        def __init__(self):
            self.lock = threading.Lock()

        def move(self):
            self.lock.acquire()
            try:
                never.wait()
            finally:
                self.lock.release()

    account = Account()
    start("has attribute", account.move)
    while not account.lock.locked():
        time.sleep(0.001)
    start("attribute", lambda lock: lock.acquire(), account.lock)
    expect("attribute", account.lock, ["has attribute"], True)


def twice(lock):
    with lock:
        with lock:
            pass


def in_condition(condition):
    with condition:
        condition.wait()


def holds(lock):
    with lock:
        never.wait()


def dies_with(lock):
    lock.acquire()


def start_simple():
    lock = threading.Lock()
    start("twice", twice, lock)
    expect("twice", lock, ["twice"], True, ["twice"], True)
    condition = threading.Condition()
    start("condition", in_condition, condition)
    expect("condition", condition)
    start("event", never.wait)
    expect("event", never)
    start("timeout", never.wait, 10000)
    expect("timeout", never)
    semaphore = threading.Semaphore(0)
    start("semaphore", semaphore.acquire)
    expect("semaphore", semaphore)
    empty = queue.Queue()
    start("get", empty.get)
    expect("get", empty)
    full = queue.Queue(1)
    full.put(1)
    start("put", full.put, 2)
    expect("put", full)
    start("all done", full.join)
    expect("all done", full)
    joined = [t for t in threading.enumerate() if t.name == "event"][0]
    start("join", joined.join)
    expect("join", joined, ["event"])
    stuck = [t for t in threading.enumerate() if t.name == "twice"][0]
    start("join stuck", stuck.join)
    expect("join stuck", stuck, ["twice"], stuck=True)
    guarded = threading.Condition(threading.Lock())
    start("has guarded", holds, guarded)
    while not guarded.acquire(False) or guarded.release():
        time.sleep(0.001)
        if not guarded.acquire(False):
            break
        guarded.release()
    start("guarded", guarded.acquire)
    expect("guarded", guarded._Condition__lock if hasattr(guarded, "_Condition__lock")
           else guarded._lock, ["has guarded"], True)


def use_up(semaphore, inside):
    with semaphore:
        inside.set()
        with semaphore:
            pass


def start_newer():
    """What 2.7 does not have."""
    from concurrent.futures import ThreadPoolExecutor
    barrier = threading.Barrier(2)
    start("barrier", barrier.wait)
    expect("barrier", barrier)
    if hasattr(queue, "SimpleQueue"):
        simple = queue.SimpleQueue()
        start("simple", simple.get)
        expect("simple", simple)
    inside = threading.Event()
    bounded = threading.BoundedSemaphore(1)
    start("bounded", use_up, bounded, inside)
    expect("bounded", bounded, ["bounded"], True, ["bounded"], True)

    working = []
    pool = ThreadPoolExecutor(2)
    future = pool.submit(lambda: (working.append(threading.current_thread().name),
                                  never.wait()))
    while not working:
        time.sleep(0.001)
    start("result", future.result)
    expect("result", future, working)

    found = []

    def starve():
        found.append(small.submit(int))
        found.append(threading.current_thread().name)
        found[0].result()

    small = ThreadPoolExecutor(1)
    small.submit(starve)
    while len(found) < 2:
        time.sleep(0.001)
    expect(found[1], found[0], [found[1]], False, [found[1]], True)

    from importlib._bootstrap import _ModuleLock
    module = _ModuleLock("made_up")

    def imports():
        module.acquire()
        never.wait()

    start("imports", imports)
    while module.owner is None:
        time.sleep(0.001)
    start("import", module.acquire)
    expect("import", module, ["imports"])
    kept.extend([pool, small, module, barrier])


def start_mutex():
    """A mutex of C code."""
    mutex = ctypes.create_string_buffer(64)
    libc = ctypes.CDLL(None)
    locked = threading.Event()

    def lock_and_wait():
        libc.pthread_mutex_lock(mutex)
        locked.set()
        never.wait()

    start("has mutex", lock_and_wait)
    locked.wait()
    start("mutex", libc.pthread_mutex_lock, mutex)
    expect("mutex", None, ["has mutex"])
    waits["mutex"]["object"] = hex(ctypes.addressof(mutex)).rstrip("L")
    kept.append(mutex)


kept = []


def wait_until_all_wait():
    same, before = 0, None
    while same < 5:
        time.sleep(0.02)
        now = dict((ident, (id(frame), frame.f_lasti))
                   for ident, frame in sys._current_frames().items())
        now.pop(threading.current_thread().ident)
        same = same + 1 if now == before else 0
        before = now


def deadlock_with_the_gil(path):
    mutex = ctypes.create_string_buffer(64)
    locked = threading.Event()

    def lock_and_go_on():
        ctypes.CDLL(None).pthread_mutex_lock(mutex)
        locked.set()
        while True:
            time.sleep(0.001)

    start("has mutex", lock_and_go_on)
    locked.wait()
    expect("has mutex", None, ["MainThread"], False, ["MainThread", "has mutex"], True)
    expect("MainThread", None, ["has mutex"], False, ["MainThread", "has mutex"], True)
    waits["MainThread"]["object"] = hex(ctypes.addressof(mutex)).rstrip("L")
    with open(path, "w") as text:
        json.dump({"waits": waits, "notes": None}, text)
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(1000)
    else:
        sys.setcheckinterval(1 << 30)
    libc = ctypes.PyDLL(None)  # whose calls keep the GIL
    libc.usleep(300000)
    libc.write(1, b"ready\n", 6)
    libc.pthread_mutex_lock(mutex)


def main(path):
    if sys.argv[2:] == ["gil"]:
        return deadlock_with_the_gil(path)
    for kind, lock in (("within lock", threading.Lock), ("within rlock", threading.RLock),
                       ("acquire lock", threading.Lock)):
        Both(kind, lock(), lock())
    attribute_of_self()
    start_simple()
    start_mutex()
    if sys.version_info >= (3,):
        start_newer()
    lost = threading.RLock()
    start("lost", lambda: (wait_for_lost.wait(), lost.acquire()))
    expect("lost", lost, [], False, None, True)
    dying = start("dying", dies_with, lost)  # the last: its number is not used again
    dying.join()
    wait_for_lost.set()
    wait_until_all_wait()
    with open(path, "w") as text:
        json.dump({"waits": waits, "notes": None}, text)
    truth.say_ready()
    never.wait()


wait_for_lost = threading.Event()

if __name__ == "__main__":
    main(sys.argv[1])
