# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects of extension modules' types: what only their own code knows. Usage: extensions.py TRUTH

Each holder has a Target that its tp_traverse reports, or a size that its __sizeof__ computes.
What a Python lacks is left out. Runs on CPython 2.7 and 3.6 or later.
"""

import array
import collections
import decimal
import functools
import itertools
import operator
import struct
import sys

import truth


class Target(object):
    def __init__(self, name):
        self.name = name


def optional(make):
    """make(), or None where this Python has no such thing."""
    try:
        return make()
    except (ImportError, AttributeError, TypeError):
        return None


def make_element():
    from xml.etree import ElementTree
    element = ElementTree.Element("tag", {"key": "value"})
    element.text = Target("text of an element")
    element.append(ElementTree.Element("child"))
    return element


def make_future():
    import asyncio
    future = asyncio.Future(loop=asyncio.new_event_loop())
    future.set_result(Target("result of a future"))
    return future


def make_connection():
    import sqlite3
    connection = sqlite3.connect(":memory:")
    connection.create_function("f", 1, functools.partial(len, Target("sqlite function")))
    connection.text_factory = Target("text factory")
    return connection


def make_reader():
    import csv
    return csv.reader(iter(["a,b"]))


def make_scanner():
    import json.decoder
    return json.decoder.JSONDecoder(object_hook=Target).scan_once


def make_ctypes():
    import ctypes

    class Pair(ctypes.Structure):
        _fields_ = [("first", ctypes.py_object), ("second", ctypes.c_int)]
    return [Pair(Target("in a ctypes structure"), 1), (ctypes.py_object * 3)(Target("in an array")),
            ctypes.CFUNCTYPE(None)(len), ctypes.create_string_buffer(1000)]


def make_pickler():
    import io
    try:
        from cPickle import Pickler
    except ImportError:
        from pickle import Pickler
    pickler = Pickler(io.BytesIO())
    pickler.dump(Target("in the memo of a pickler"))
    return pickler


def make_parser():
    import pyexpat
    parser = pyexpat.ParserCreate()
    parser.StartElementHandler = functools.partial(len, Target("handler of a parser"))
    return parser


class DequeChild(collections.deque):
    __slots__ = ("slot", "__dict__")


class ArrayChild(array.array):
    pass


def child_of_deque():
    child = DequeChild([Target("in a deque's child")])
    child.slot = Target("slot of a deque's child")
    child.other = Target("attribute of a deque's child")
    return child


holders = [make for make in [
    optional(make_element), optional(make_future), optional(make_connection),
    optional(make_reader), optional(make_scanner), optional(make_ctypes), optional(make_pickler),
    optional(make_parser),
    child_of_deque(),
    collections.deque(Target("in a deque %d" % i) for i in range(200)),
    operator.itemgetter(1, 2), operator.attrgetter("a.b", "c"),
    functools.partial(Target, "partial"), itertools.tee([Target("tee")])[0],
    itertools.groupby([Target("groupby")]), itertools.permutations([1, 2, Target("permutation")]),
    sys.flags, sys.float_info, sys.version_info,
] if make is not None]

sized = [
    array.array("d", range(100)), array.array("b"), ArrayChild("i", range(10)),
    struct.Struct("iid10s"), decimal.Decimal("1.5"), decimal.Decimal(10) ** 100,
    decimal.Context(), collections.deque([1] * 1000), collections.OrderedDict.fromkeys(range(50)),
    bytearray(b"x" * 1000), memoryview(b"abc"), set(range(1000)),
]
many = [struct.Struct("%di" % (i % 7 + 1)) for i in range(3000)]


if __name__ == "__main__":
    truth.record_and_wait(sys.argv[1], [])
