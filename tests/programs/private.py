# -*- coding: utf-8 -*-
# SPDX-License-Identifier: GPL-2.0-or-later
"""Values that nobody else is to see, everywhere that values are. Usage: private.py TRUTH SECRET

Each text of them has S3CRET in it, each number the digits of NUMBERS; no name has. The notes name
objects to look at. Runs on CPython 2.7 and 3.6 or later.
"""

import array
import collections
import datetime
import decimal
import sys
import threading

import truth

NUMBERS = (7351924680, 73519246807351924680735192468073519246807351924680, 24680.13579, 7351924)


class Vault(object):
    """Docstring with S3CRET-docstring in it."""

    class_variable = "S3CRET-class-variable"

    def __init__(self):
        self.token = "S3CRET-attribute"
        self.twin = "S3CRET-" + "attribute"[:9]
        self.number = NUMBERS[0]

    def method(self, default="S3CRET-default"):
        """S3CRET-method-docstring"""
        return default


class Slotted(object):
    __slots__ = ("token",)

    def __init__(self):
        self.token = "S3CRET-slot"


class OldStyle:
    def __init__(self):
        self.token = "S3CRET-old-style"


class Text(str):
    pass


class Number(int):
    pass


class Trouble(Exception):
    pass


Point = collections.namedtuple("Point", "x y")
vault = Vault()
things = [
    u"S3CRET-latin-\xe9", u"S3CRET-wide-\u20ac", b"S3CRET-bytes", bytearray(b"S3CRET-bytearray"),
    Text("S3CRET-subclass"), Number(NUMBERS[3]), NUMBERS[1], -NUMBERS[0], NUMBERS[2],
    complex(NUMBERS[2], NUMBERS[3]), array.array("B", b"S3CRET-array"), memoryview(b"S3CRET-view"),
    Point("S3CRET-point", NUMBERS[0]), decimal.Decimal("24680.13579"),
    datetime.datetime(2001, 2, 3), {"S3CRET-key": "S3CRET-value", NUMBERS[0]: 1},
    {"S3CRET-set-member"}, frozenset(["S3CRET-frozen"]), ("S3CRET-tuple", ["S3CRET-list"]),
    collections.deque(["S3CRET-deque"]), collections.OrderedDict([("S3CRET-ordered", 1)]),
    Slotted(), OldStyle(), slice("S3CRET-slice", NUMBERS[0]), iter(["S3CRET-iterated"]),
    OSError(2, "S3CRET-reason", "S3CRET-file"), KeyError("S3CRET-key-error"), vault.method,
]


def closure(captured="S3CRET-captured"):
    def inner():
        return captured
    return inner


def generator(argument):
    held = argument + "-held"
    yield held


def in_thread(argument):
    local = argument + "-local"
    wait.acquire()
    return local


def make_task():
    """Where tasks have names of their own choice."""
    if sys.version_info < (3, 8):
        return None
    import asyncio
    loop = asyncio.new_event_loop()
    return loop, loop.create_task(asyncio.sleep(NUMBERS[3], "S3CRET-result"), name="S3CRET-task")


def fail(argument):
    reason = argument + "-cause"
    raise Trouble("S3CRET-message", NUMBERS[0], reason)


def main(path, argument):
    key, number = "S3CRET-key", NUMBERS[0]
    held = generator("S3CRET-generator")
    next(held)
    kept = [closure(), held, make_task(), key, number]
    try:
        try:
            fail("S3CRET")
        except Trouble:
            raise IOError(2, "S3CRET-io", "S3CRET-path")
    except IOError:
        truth.record_and_wait(path, (), notes(kept), "counts")
    return argument


def notes(kept):
    return {"objects": [id(each) for each in (things, things[0], things[2], things[15], things[12],
                                              things[-3], vault, Vault, main, kept)]}


wait = threading.Lock()
wait.acquire()
worker = threading.Thread(target=in_thread, args=("S3CRET-argument",), name="S3CRET-thread")
worker.daemon = True
worker.start()
main(sys.argv[1], sys.argv[2])
