# SPDX-License-Identifier: GPL-2.0-or-later
"""Cycles of every fate: in use, garbage, held from C, and in gc.garbage.

Usage: cycles.py TRUTH-FILE [freeze]

The notes give the ids of one object of each cycle, by fate, and how many objects lie in
gc.garbage, by type. With "freeze" all of it is moved to the permanent generation.
"""

import ctypes
import gc
import sys

import truth


class Node(object):
    pass


class Held(object):
    pass


class Saved(object):
    pass


class Dying(object):
    def __del__(self):
        pass


class OldStyle:  # on Python 2
    def __del__(self):
        pass


def ring(cls, length):
    """The id of one of `length` objects that refer to each other in a circle."""
    first = node = cls()
    for _ in range(length - 1):
        node.next = cls()
        node = node.next
    node.next = first
    return id(first)


def ring_of_lists():
    first, second = [], {}
    first.append(second)
    second["first"] = first
    return id(first)


def hold(cls, length):
    address = ring(cls, length)
    ctypes.pythonapi.Py_IncRef(ctypes.cast(address, ctypes.py_object))
    return address


def suspended(box):
    try:
        yield box
    finally:
        box.append(None)


def cycle_through_generator():
    box = []
    generator = suspended(box)
    box.append(generator)
    next(generator)


def fill_gc_garbage():
    """What only Python 2 cannot free, and what any saves when it is told to."""
    ring(Dying, 2)
    ring(OldStyle, 3)
    cycle_through_generator()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(4):
        ring(Saved, 2)
    gc.collect()
    gc.set_debug(0)


def make_garbage():
    notes["garbage"] = ([ring(Node, 2) for _ in range(20)] + [ring(Node, 5)] + [ring_of_lists()])
    notes["dying"] = [ring(Dying, 3) for _ in range(5)]
    notes["held"] = [hold(Held, 2) for _ in range(3)]
    if "freeze" in sys.argv:
        gc.freeze()


def callback(phase, info):
    pass


def count_garbage():
    counts = {}
    for thing in gc.garbage:
        name = truth.full_name(truth.class_of(thing))
        counts[name] = counts.get(name, 0) + 1
    return counts


def main(path):
    gc.collect()
    gc.disable()
    fill_gc_garbage()
    gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
    if hasattr(gc, "callbacks"):
        gc.callbacks.append(callback)
    notes["in gc.garbage"] = count_garbage()
    truth.record_and_wait(path, (), notes, prepare=make_garbage)


alive = [ring_of_lists() for _ in range(1)]
node = Node()
node.next = Node()
node.next.next = node
notes = {"alive": [id(node)]}

if __name__ == "__main__":
    main(sys.argv[1])
