# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that nothing refers to any more, held by a count that ctypes has added; and garbage.

Usage: universe.py RESULT-FILE [ALLOCATOR, as in PYTHONMALLOC]

Notes: {"held": [[id, type, size, name], ...]: what only C holds, "cycles": [[id, type, size],
...] of cyclic garbage, "reachable": {type: number of its objects that a module holds}, "left":
[address, ...] of what looks like an object and is none, "blocks": what sys.getallocatedblocks()
returned}. What sys._debugmallocstats() says goes to a file of the
same name with ".pools", and is the last that it does.

Each object is made in a function of its own, which forgets it: of the list of them remain ids.
"""

import collections
import ctypes
import gc
import json
import os
import sys

import truth


class Slotted(object):
    __slots__ = ()


class TwoSlots(object):
    __slots__ = ("one", "two")


class Plain(object):
    pass


class Text(type(u"")):
    pass


class Number(int):
    pass


class Row(tuple):
    __slots__ = ()


Point = collections.namedtuple("Point", "x y")


class Cyclic(object):
    def __init__(self):
        self.me = self


def two_slots():
    thing = TwoSlots()
    thing.one = 1
    return thing


def plain():
    thing = Plain()
    thing.attribute = "value"
    return thing


# made by functions, so that no constant of a code object is among them
MAKERS = [
    ("small bytes", lambda: bytes(bytearray(range(40)))),
    ("big bytes", lambda: bytes(bytearray(100000))),
    ("huge bytes", lambda: bytes(bytearray(5000000))),
    ("text", lambda: u"".join([u"a text of ", u"some length"])),
    ("wide text", lambda: u"".join([u"\u20ac"] * 30)),
    ("big text", lambda: u"x".join([u"text"] * 500)),
    ("float", lambda: float(str(3.25))),
    ("number", lambda: 10 ** int("30")),
    ("big number", lambda: 7 ** int("3000")),
    ("tuple", lambda: tuple([1, "two"])),
    ("big tuple", lambda: tuple([None] * 1000)),
    ("dict", lambda: dict([("a", 1)])),
    ("list", lambda: list("abc")),
    ("set", lambda: set("abc")),
    ("complex", lambda: complex("1+2j")),
    ("slotted", Slotted),
    ("two slots", two_slots),
    ("plain", plain),
    ("text of a class", lambda: Text(u"a text")),
    ("number of a class", lambda: Number("12345678")),
    ("row", lambda: Row([1, 2])),
    ("point", lambda: Point(1, 2)),
    ("exception", lambda: ValueError("wrong")),
    ("object", object),
    ("class", lambda: type("Unheld", (object,), {})),
]

held_by_module = {
    "Slotted": [Slotted() for _ in range(70)],
    "Plain": [Plain() for _ in range(30)],
    "Row": [Row([i]) for i in range(11)],
}


def hold(make):
    """(id, type, size) of an object that from now on only a count holds."""
    thing = make()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    return id(thing), truth.full_name(type(thing)), sys.getsizeof(thing)


def make_cycle():
    thing = Cyclic()
    return id(thing), truth.full_name(type(thing)), sys.getsizeof(thing)


def hold_everything():
    return [list(hold(make)) + [name] for name, make in MAKERS for _ in range(3)]


def make_cycles():
    return [list(make_cycle()) for _ in range(10)]


def leave(make, refcount=None):
    """Where, in a block that is used for something else, an object seems to have been left."""
    thing = make()
    allocate = ctypes.pythonapi.PyObject_Malloc
    allocate.argtypes, allocate.restype = [ctypes.c_size_t], ctypes.c_void_p
    size = type(thing).__basicsize__
    head = sys.getsizeof(thing) - thing.__sizeof__()
    block = allocate(head + size)
    ctypes.memset(block, 0, head)
    ctypes.memmove(block + head, id(thing), size)
    if refcount:
        ctypes.c_uint32.from_address(block + head).value = refcount
    return block + head


def leave_everything():
    if not getattr(sys, "_is_gil_enabled", bool)() and sys.version_info >= (3, 13):
        return []  # no refcount is its header's first word, and GC objects have heaps of their own
    # one of a Python class that no list has, one with more references than there can be
    return [leave(two_slots) for _ in range(3)] + [leave(object, 0x7fffffff)]


def main(path):
    gc.collect()
    gc.disable()
    notes = {
        "held": hold_everything(),
        "cycles": make_cycles(),
        "reachable": dict((name, len(things)) for name, things in held_by_module.items()),
        "left": leave_everything(),
        "blocks": getattr(sys, "getallocatedblocks", int)(),
    }
    truth.save(path, json.dumps({"notes": notes}))
    notes = None
    statistics = getattr(sys, "_debugmallocstats", int)
    statistics()  # what a first call sets up is there then
    os.dup2(os.open(path + ".pools", os.O_WRONLY | os.O_CREAT, 0o600), 2)
    truth.say_ready()
    statistics()  # last: nothing is made after it
    while True:
        truth.pause()


if __name__ == "__main__":
    if len(sys.argv) > 2 and "PYTHONMALLOC" not in os.environ:
        os.environ["PYTHONMALLOC"] = sys.argv[2]  # it is read when Python starts
        os.execv(sys.executable, [sys.executable, "-s", "-B"] + sys.argv)
    main(sys.argv[1])
