# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that C holds: by its own structures, its variables, its stack, or who knows where.
Usage: held.py TRUTH-FILE

Runs on CPython 2.7 and 3.6 or later.
"""

import atexit
import codecs
import ctypes
import gc
import json
import signal
import sys
import threading
import time

import truth


class Target(object):
    def __init__(self, name):
        self.name = name


class Slotted(object):
    __slots__ = ("name",)


class Number(int):
    """Something that a C function takes for an int."""


def increase(thing, times=1):
    for _ in range(times):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


# --- references that nothing shows

added = {"once": Target("once"), "twice": Target("twice"), "not": Target("not"),
         "list": [1, 2], "dict": {"a": 1}, "slots": Slotted(), "str": "held %d" % len(sys.argv)}
times = {"once": 1, "twice": 2, "not": 0, "list": 3, "dict": 1, "slots": 5, "str": 4}
for name in added:
    increase(added[name], times[name])


def leaked():
    target = Target("leaked")
    increase(target)
    return id(target)


# --- references in places that have names

def function_holding(target):
    def function(*arguments):
        return target
    return function


def hold_in_signal_handler():
    target = Target("signal")
    signal.signal(signal.SIGUSR1, function_holding(target))
    return id(target)


def hold_in_profile():
    target = Target("profile")
    sys.setprofile(function_holding(target))
    return id(target)


def hold_in_error_handler():
    target = Target("codecs")
    codecs.register_error("necropy", function_holding(target))
    return id(target)


def hold_in_atexit():
    target = Target("atexit")
    atexit.register(function_holding(target))
    return id(target)


def hold_in_variable():
    """In one of the interpreter's own that is exported, and not used when nobody types."""
    target = Target("static")
    increase(target)
    ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook").value = id(target)
    return id(target)


never = threading.Lock()
never.acquire()
on_stack = []


def numbers():
    number = Number(1)
    number.target = Target("stack")
    on_stack.append(id(number.target))
    numbers = [number]
    del number
    yield numbers.pop()


def block():
    """What the iterator has given lies in a variable of max(), while the key function waits."""
    max(numbers(), key=never.acquire)


def hold_on_c_stack():
    thread = threading.Thread(target=block)
    thread.daemon = True
    thread.start()
    while not on_stack:
        time.sleep(0.01)
    time.sleep(0.2)  # until it waits
    return on_stack[0]


def garbage():
    target = Target("garbage")
    target.itself = target
    return id(target)


# --- the truth

def references_of_asking():
    """How many of the references that sys.getrefcount() counts are those of refcounts()."""
    probe = {"probe": Target("probe")}
    return [sys.getrefcount(thing) - 1 for thing in probe.values()][0]


def refcounts():
    here = references_of_asking()
    return [(id(thing), sys.getrefcount(thing) - here) for thing in added.values()]


def describe():
    return json.dumps({"notes": {
        "added": dict((name, (id(added[name]), times[name])) for name in added),
        "refcounts": refcounts(),
        "held": {"leaked": leaked(), "signal": hold_in_signal_handler(),
                 "codecs": hold_in_error_handler(), "atexit": hold_in_atexit(),
                 "static": hold_in_variable(), "stack": hold_on_c_stack(),
                 "garbage": garbage(), "profile": hold_in_profile()}}})


if __name__ == "__main__":
    gc.collect()
    gc.disable()
    truth.save(sys.argv[1], describe())
    truth.say_ready()
    while True:
        signal.pause()
