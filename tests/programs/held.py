# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that C holds, and says so in their refcounts. Usage: held.py TRUTH-FILE

Runs on CPython 2.7 and 3.6 or later.
"""

import ctypes
import sys

import truth


class Target(object):
    def __init__(self, name):
        self.name = name


class Slotted(object):
    __slots__ = ("name",)


def increase(thing, times):
    for _ in range(times):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


kept = {"once": Target("once"), "twice": Target("twice"), "not": Target("not"),
        "list": [1, 2], "dict": {"a": 1}, "slots": Slotted(), "str": "held %d" % len(sys.argv)}
times = {"once": 1, "twice": 2, "not": 0, "list": 3, "dict": 1, "slots": 5, "str": 4}
for name in kept:
    increase(kept[name], times[name])
leaked = Target("leaked")
increase(leaked, 1)
leaked_id = id(leaked)
del leaked


def refcounts():
    """(id, refcount) of what `kept` holds: without the references of this function."""
    return [(id(thing), sys.getrefcount(thing) - HERE) for thing in kept.values()]


def references_of_asking():
    """How many of the references that refcounts() counts are its own."""
    probe = {"probe": Target("probe")}
    return [sys.getrefcount(thing) - 1 for thing in probe.values()][0]


HERE = references_of_asking()

if __name__ == "__main__":
    truth.record_and_wait(sys.argv[1], [], {
        "added": {name: (id(kept[name]), times[name]) for name in kept},
        "leaked": leaked_id,
        "refcounts": refcounts(),
    })
